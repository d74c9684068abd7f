import { readFile } from 'node:fs/promises';
import type { Checkpoint } from './checkpoint.ts';
import { readSafetensors, type Weights } from './safetensors.ts';
import { seededTensors, seededTensorsSchema } from './seeded-tensors.ts';

const CASES = new URL('../parity/fixtures/', import.meta.url);

/** The small model of a parity case, such as `enact/detr-plain`, as the published checkpoint that it would be. */
export async function checkpointOfCase(name: string): Promise<Checkpoint> {
	const folder = new URL(`${name}/`, CASES);
	const { config, weights } = JSON.parse(await readFile(new URL('case.json', folder), 'utf8')) as {
		config: object;
		weights: unknown;
	};
	return {
		path: `${name.split('/').at(-1)}.pth`,
		sha256: '',
		weights: await readWeights(folder, weights),
		options: { epoch: 1, args: config },
	};
}

/** `stated` is a seed, another case's file of weights or case.json, or nothing. */
async function readWeights(folder: URL, stated: unknown): Promise<Weights> {
	if (typeof stated === 'object') return seededTensors(seededTensorsSchema.parse(stated));
	const file = new URL(typeof stated === 'string' ? stated : 'weights.safetensors', folder);
	const bytes = await readFile(file);
	if (!file.pathname.endsWith('.json')) return readSafetensors(bytes, file.pathname);
	const { weights } = JSON.parse(bytes.toString()) as { weights: unknown };
	return readWeights(new URL('.', file), weights);
}
