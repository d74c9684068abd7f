import { expect, it } from 'vitest';
import { nextDisagreement } from './agreements.ts';
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
