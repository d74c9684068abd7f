import { describe, expect, it } from 'vitest';
import { fitLetterbox } from '../pixels/letterbox.ts';
import { suppressPerClass } from './nms.ts';

describe('fitLetterbox', () => {
	it.each([
		['leaves a small picture as it is', [768, 576], 768, [768, 576], [768, 576]],
		['pads to multiples of the patch', [100, 50], 768, [100, 50], [112, 64]],
		['shrinks the longer side', [1920, 1080], 768, [768, 432], [768, 432]],
		['shrinks a tall picture by its height', [1080, 1920], 640, [360, 640], [368, 640]],
		['keeps at least a pixel', [4000, 2], 400, [400, 1], [400, 16]],
	])('%s', (_, display, maxSide, content, input) => {
		const [width, height] = display as [number, number];
		const box = fitLetterbox({ width, height }, maxSide, 16, 114);
		expect([box.contentSize.width, box.contentSize.height]).toEqual(content);
		expect([box.inputSize.width, box.inputSize.height]).toEqual(input);
	});
});

describe('suppressPerClass', () => {
	// prettier-ignore
	const boxesXyxy = Float32Array.of(
		0, 0, 10, 10,
		1, 0, 11, 10,
		0, 0, 10, 10,
		30, 0, 40, 10,
	);
	it.each([
		['drops the worse of two overlapping boxes of one class', [0, 0, 1, 0], 0.5, 9, [0, 2, 3]],
		['keeps boxes that overlap no more than allowed', [0, 0, 1, 0], 0.9, 9, [0, 1, 2, 3]],
		['keeps no more than asked', [0, 0, 1, 0], 0.5, 2, [0, 2]],
	])('%s', (_, classIndices, iou, max, expected) => {
		expect(suppressPerClass({ classIndices, boxesXyxy, count: 4 }, iou, max)).toEqual(expected);
	});
});
