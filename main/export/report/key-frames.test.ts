import { expect, it } from 'vitest';
import type { Agreement } from '../../evaluation/agreement.ts';
import { sheetFrames, worstFrames } from './key-frames.ts';

/** Frames 0, 1, … with these F1s; one box is lost wherever it is below 1. */
function agreement(...f1: number[]): Agreement {
	const lost = Int32Array.from(f1, (value) => (value < 1 ? 1 : 0));
	const frameIndex = Int32Array.from(f1.keys());
	const perFrame = { frameIndex, matched: lost, lost, gained: new Int32Array(f1.length), f1: Float32Array.from(f1), meanIou: Float32Array.from(f1) }; // prettier-ignore
	return { framesCompared: f1.length, perFrame } as unknown as Agreement;
}
const good = (count: number) => Array.from({ length: count }, () => 1);

it.each([
	['none, where all agree', [agreement(...good(5))], []],
	['none, where nothing is compared', [null], []],
	['the worst first', [agreement(1, 0.5, 1, 0.25, 1, 0.75)], [3, 1, 5]],
	['of several runs, the worse one', [agreement(1, 0.5, 1), agreement(1, 1, 0.25)], [2, 1]],
	['four at most', [agreement(0.1, 1, 0.2, 1, 0.3, 1, 0.4, 1, 0.5)], [0, 2, 4, 6]],
	['none beside another', [agreement(...good(20), 0.1, 0.2, 0.3, ...good(37), 0.4)], [20, 60]],
])('the frames of worst agreement are %s', (_, agreements, frames) => {
	expect(worstFrames(agreements).map(({ frameIndex }) => frameIndex)).toEqual(frames);
});

it.each([
	['all of few', [3, 5, 7], [3, 5, 7]],
	[
		'twelve of many, with first and last',
		Array.from({ length: 111 }, (_, i) => i),
		[0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110],
	],
	['none of none', [], []],
])('a contact sheet shows %s', (_, frames, expected) => {
	expect(sheetFrames(Int32Array.from(frames))).toEqual(expected);
});
