import { expect, it } from 'vitest';
import { agreementAt, nextDisagreement } from './agreements.ts';
import type { Pane } from './pane.svelte.ts';

const pane = (frames: number[], lost: number[], gained: number[]) =>
	({
		agreement: {
			result: {
				perFrame: {
					frameIndices: Int32Array.from(frames),
					lost: Uint16Array.from(lost),
					gained: Uint16Array.from(gained),
				},
			},
		},
	}) as unknown as Pane;
const none = { agreement: null } as Pane;

it.each([
	['a box that was lost', [pane([0, 1, 2, 3], [0, 0, 1, 0], [0, 0, 0, 0])], 0, 2],
	['a box that was gained', [pane([0, 1, 2, 3], [0, 0, 0, 0], [0, 0, 0, 1])], 0, 3],
	['the nearest of several panes', [none, pane([0, 5], [0, 1], [0, 0]), pane([0, 4], [0, 1], [0, 0])], 0, 4],
	['the first one again behind the last', [pane([0, 1, 2], [0, 1, 0], [0, 0, 0])], 1, 1],
	['nothing where all agree', [pane([0, 1], [0, 0], [0, 0])], 0, null],
	['nothing where nothing was compared', [none], 0, null],
])('the next disagreement is %s', (_, panes, from, frame) => {
	expect(nextDisagreement(panes, from)).toBe(frame);
});

it.each([
	['a frame that was compared', 4, { f1: 0.5, lost: 1, gained: 2, meanIou: 0.75 }],
	['a frame between', 3, null],
	['a frame before all', 0, null],
	['a frame behind all', 9, null],
])('the agreement of %s', (_, frame, expected) => {
	const perFrame = {
		frameIndices: Int32Array.of(2, 4, 6),
		f1: Float32Array.of(1, 0.5, 1),
		lost: Uint16Array.of(0, 1, 0),
		gained: Uint16Array.of(0, 2, 0),
		meanIou: Float32Array.of(1, 0.75, 1),
	};
	expect(agreementAt(perFrame, frame)).toEqual(expected);
});
