import { expect, it } from 'vitest';
import { Detections } from '../domain/detections.ts';
import { markStale } from './mark-stale.ts';

// 4 × 4 tokens of 16 pixels; the video is shown at twice the size that the network sees.
const GRID = { rows: 4, cols: 4, stride: 16, windowSize: 16, windowOffset: 0 };
const LETTERBOX = {
	displaySize: { width: 128, height: 128 },
	contentSize: { width: 64, height: 64 },
	inputSize: { width: 64, height: 64 },
	fill: 114,
};

function marks(stale: readonly number[], ...boxes: number[][]): number[] | null {
	const detections = new Detections(
		new Uint16Array(boxes.length),
		new Float32Array(boxes.length).fill(0.5),
		Float32Array.from(boxes.flat()),
	);
	const tokens = Uint8Array.from({ length: 16 }, (_, token) => (stale.includes(token) ? 1 : 0));
	const marked = markStale(detections, tokens, GRID, LETTERBOX);
	return marked.stale && [...marked.stale];
}

it('knows where the grid lies while a camera is followed', () => {
	const detections = new Detections(
		Uint16Array.of(0),
		Float32Array.of(0.5),
		Float32Array.of(32, 0, 64, 32), // half of token 1, where the grid is at rest
	);
	const stale = Uint8Array.from({ length: 16 }, (_, token) => (token === 0 ? 1 : 0));
	expect(markStale(detections, stale, GRID, LETTERBOX).stale).toBeNull();
	// Ten pixels of the network's input further to the right.
	expect(markStale(detections, stale, GRID, LETTERBOX, { x: 10, y: 0 }).stale).toEqual(Uint8Array.of(1));
});

it.each([
	[
		'the box whose tokens are stale, and no other',
		[0, 1],
		[
			[0, 0, 64, 32],
			[64, 64, 128, 128],
		],
		[1, 0],
	],
	['a box with half of its tokens stale', [0], [[0, 0, 64, 32]], [1]],
	['no box with fewer', [0], [[0, 0, 64, 64]], null],
	['a box beyond the picture’s edge by the tokens inside', [15], [[96, 96, 140, 140]], [1]],
	['nothing where nothing is stale', [], [[0, 0, 128, 128]], null],
] as const)('marks %s', (_, stale, boxes, expected) => {
	expect(marks(stale, ...boxes.map((box) => [...box]))).toEqual(expected);
});
