import { readFile } from 'node:fs/promises';
import type { Checkpoint } from './checkpoint.ts';
import { layOutSafetensors, readSafetensors, type StoredTensor, type Weights } from './safetensors.ts';
import {
	seededPictures,
	seededPicturesSchema,
	seededTensors,
	seededTensorsSchema,
} from './seeded-tensors.ts';

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

/** The weights of a parity case as the safetensors file, in float32, that a user would have of them. */
export async function safetensorsOfCase(name: string): Promise<Buffer> {
	const { weights } = await checkpointOfCase(name);
	const stored = Array.from(weights, ([tensor, { data, shape }]): [string, StoredTensor] => {
		return [
			tensor,
			{ dtype: 'F32', shape, bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) },
		];
	});
	return Buffer.concat(layOutSafetensors(new Map(stored), {}));
}

/** What a parity case states: tensors of its file, and pictures that seeds give. */
export async function tensorsOfCase(name: string): Promise<Weights> {
	const folder = new URL(`${name}/`, CASES);
	const { pictures } = JSON.parse(await readFile(new URL('case.json', folder), 'utf8')) as {
		pictures?: unknown;
	};
	const file = new URL('tensors.safetensors', folder);
	return new Map([
		...readSafetensors(await readFile(file), file.pathname),
		...(pictures ? seededPictures(seededPicturesSchema.parse(pictures)) : []),
	]);
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
