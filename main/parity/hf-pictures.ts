import type { Size } from '../domain/video.ts';
import {
	type Processor,
	type ProcessorKind,
	processPicture,
	readProcessor,
} from '../families/hugging-face/processor.ts';
import type { Picture } from '../pixels/resize.ts';
import type { GraphTensor } from '../runtime/runtime.ts';
import type { Findings } from './findings.ts';
import type { HfCase } from './hf-case.ts';
import { caseTensor } from './parity-case.ts';

/** A batch as a network sees it: the reference's pixels, and the sizes of the pictures in them. */
export type HfPictures = { pixels: GraphTensor; batch: number; size: Size; sizes: Size[] };

/**
 * Compares what our preprocessing makes of a batch's pictures with the case's pixels, padding and mask included. Networks go
 * on with the reference's. Without a processor's file the pixels are what a network is given, whatever made them.
 */
export function picturesOf(
	findings: Findings,
	given: HfCase,
	{ name, sizes }: HfCase['batches'][number],
	kind: ProcessorKind,
): HfPictures {
	const { data, shape } = caseTensor(given, `${name}.pixel_values`);
	const pixels = { type: 'float32', data, shape } as const;
	findings.input(...sizes.map((_, n) => `${name}.image.${n}`));
	if (!given.preprocessor) {
		findings.input(`${name}.pixel_values`);
		const [batch, , height, width] = shape as [number, number, number, number];
		return { pixels, batch, size: { width, height }, sizes: sizes.map(() => ({ width, height })) };
	}
	const place = `${given.folder}/preprocessor_config.json`;
	const processor = readProcessor(given.preprocessor, place, kind);
	const pictures = sizes.map((size, n) => {
		const bytes = Uint8Array.from(caseTensor(given, `${name}.image.${n}`).data);
		return processPicture(processor, { data: bytes, size });
	});
	const size = batchSize(processor, pictures);
	findings.close(`${name}.pixel_values`, padded(pictures, size), given.pixelTolerance);
	const own = pictures.map((picture) => picture.size);
	if (given.tensors.has(`${name}.pixel_mask`)) findings.equal(`${name}.pixel_mask`, maskOf(size, own));
	return { pixels, batch: sizes.length, size, sizes: own };
}

function batchSize({ padTo }: Processor, pictures: readonly Picture<Float32Array>[]): Size {
	if (padTo) return padTo;
	return {
		width: Math.max(...pictures.map(({ size }) => size.width)),
		height: Math.max(...pictures.map(({ size }) => size.height)),
	};
}

/** Pictures in the upper left corners of a batch, zeros besides: [pictures, 3, height, width]. */
function padded(pictures: readonly Picture<Float32Array>[], { width, height }: Size): Float32Array {
	const batch = new Float32Array(pictures.length * 3 * height * width);
	pictures.forEach(({ data, size }, n) => {
		for (let line = 0; line < 3 * size.height; line++) {
			const [channel, y] = [Math.floor(line / size.height), line % size.height];
			const row = data.subarray(line * size.width, (line + 1) * size.width);
			batch.set(row, ((3 * n + channel) * height + y) * width);
		}
	});
	return batch;
}

/** 1 where a batch has a picture, 0 where it is padded: [pictures, height, width]. */
export function maskOf({ width, height }: Size, sizes: readonly Size[]): Uint8Array {
	const mask = new Uint8Array(sizes.length * height * width);
	sizes.forEach((size, n) => {
		for (let y = 0; y < size.height; y++) {
			const at = (n * height + y) * width;
			mask.fill(1, at, at + size.width);
		}
	});
	return mask;
}
