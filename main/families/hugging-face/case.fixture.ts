import { readFile } from 'node:fs/promises';
import type { Frame, Letterbox } from '../../domain/frame.ts';
import { type Picture, resizeBytes } from '../../pixels/resize.ts';
import { checkpointOfCase } from '../../weights/parity-case.fixture.ts';
import { readSafetensors, type WeightTensor } from '../../weights/safetensors.ts';
import { seededPictures, seededPicturesSchema } from '../../weights/seeded-tensors.ts';
import { ModelSource } from '../source.ts';

/** Where the cases are. */
const CASES = new URL('../../parity/fixtures/hf/', import.meta.url);

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

/** Picture B of a case, and what the package answers for it. */
export async function referenceOf(
	name: string,
): Promise<{ picture: Picture<Uint8Array>; logits: Float32Array; boxes: Float32Array }> {
	const folder = new URL(`${name}/`, CASES);
	const { pictures } = JSON.parse(await readFile(new URL('case.json', folder), 'utf8')) as {
		pictures: object;
	};
	const { data, shape } = seededPictures(seededPicturesSchema.parse(pictures)).get('B.image.0')!;
	const [height, width] = shape as [number, number];
	const tensors = readSafetensors(await readFile(new URL('tensors.safetensors', folder)), name);
	return {
		picture: { data: Uint8Array.from(data), size: { width, height } },
		logits: tensors.get('B.logits')!.data,
		boxes: tensors.get('B.pred_boxes')!.data,
	};
}

/** A picture as frames come: in the upper left of the letterbox's input, what is beyond it full of other pixels. */
export function frameOf(picture: Picture<Uint8Array>, { contentSize, inputSize }: Letterbox): Frame {
	const { data } = resizeBytes(picture, contentSize, 'bilinear');
	const pixels = new Uint8Array(3 * inputSize.width * inputSize.height).fill(200);
	for (let y = 0; y < contentSize.height; y++) {
		const row = data.subarray(3 * y * contentSize.width, 3 * (y + 1) * contentSize.width);
		pixels.set(row, 3 * y * inputSize.width);
	}
	return { index: 0, timeSeconds: 0, pixels, format: 'rgb24', size: inputSize };
}
