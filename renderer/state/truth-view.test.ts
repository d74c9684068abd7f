import { expect, it } from 'vitest';
import { nextFault } from './truth-view.svelte.ts';

const timeline = {
	frameIndices: Int32Array.of(0, 2, 4, 6),
	right: Uint16Array.of(1, 1, 1, 1),
	wrong: Uint16Array.of(0, 1, 0, 0),
	missed: Uint16Array.of(1, 0, 0, 2),
	windowFrames: 50,
	ap50: new Float32Array(4),
};

it.each([
	['missed', 0, 6],
	['missed', 6, 0],
	['wrong', 0, 2],
	['wrong', 2, 2],
] as const)('the next %s after frame %i is in frame %i', (fault, from, frame) => {
	expect(nextFault([null, timeline], fault, from)).toBe(frame);
});

it('there is none where all is right', () => {
	expect(nextFault([{ ...timeline, wrong: new Uint16Array(4) }], 'wrong', 0)).toBeNull();
});
