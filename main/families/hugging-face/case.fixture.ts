import { readFile } from 'node:fs/promises';
import { checkpointOfCase } from '../../weights/parity-case.fixture.ts';
import type { WeightTensor } from '../../weights/safetensors.ts';
import { ModelSource } from '../source.ts';

/** Where the cases are. */
export const CASES = new URL('../../parity/fixtures/hf/', import.meta.url);

/** What a folder holds, for a test to change. */
export type FolderFiles = { config: Record<string, unknown>; weights: Map<string, WeightTensor> };

/** The model folder that a parity case of Hugging Face is, with its weights in memory. */
export async function folderOfCase(
	name: string,
	change: (files: FolderFiles) => void = () => undefined,
): Promise<ModelSource> {
	const folder = new URL(`${name}/`, CASES);
	const config = JSON.parse(await readFile(new URL('config.json', folder), 'utf8')) as FolderFiles['config'];
	const checkpoint = await checkpointOfCase(`hf/${name}`);
	const files = { config, weights: new Map(checkpoint.weights) };
	change(files);
	const place = (file: string) => new URL(file, folder).pathname;
	return ModelSource.inMemory(
		{ ...checkpoint, path: place('model.safetensors'), weights: files.weights },
		{ name: 'config.json', place: place('config.json'), json: files.config },
	);
}
