import { describe, expect, it } from 'vitest';
import { frameToX, panned, roundUp, timeTicks, wholeWindow, xToFrame, zoomed } from './frame-window.ts';

describe('a window on the frames', () => {
	it('shows each of 100 frames on its own hundredth', () => {
		const window = wholeWindow(100);
		expect(frameToX(window, 0, 1000)).toBe(5);
		expect(frameToX(window, 99, 1000)).toBe(995);
		expect(xToFrame(window, 14, 1000, 100)).toBe(1);
	});

	it.each([
		['left of the plot', -50, 0],
		['right of the plot', 5000, 99],
	])('gives a frame of the video for a pixel %s', (_, x, frame) => {
		expect(xToFrame(wholeWindow(100), x, 1000, 100)).toBe(frame);
	});

	it('keeps the frame under the pointer where it was', () => {
		const before = wholeWindow(1000);
		const after = zoomed(before, 0.25, 0.5, 1000);
		expect(after.to - after.from).toBeCloseTo(500);
		expect(after.from + 0.25 * 500).toBeCloseTo(before.from + 0.25 * 1000);
	});

	it.each([
		['no closer than eight frames', 0.000_01, 8],
		['no farther than everything', 1000, 1000],
	])('zooms %s', (_, factor, span) => {
		const window = zoomed(wholeWindow(1000), 0.9, factor, 1000);
		expect(window.to - window.from).toBeCloseTo(span);
	});

	it.each([
		[-1e6, -0.5],
		[1e6, 899.5],
	])('moves by %i frames no farther than the video goes', (frames, from) => {
		expect(panned({ from: 100, to: 200 }, frames, 1000)).toEqual({ from, to: from + 100 });
	});
});

it.each([
	[0, 14.9, 8, [0, 2, 4, 6, 8, 10, 12, 14]],
	[10.2, 10.9, 8, [10.2, 10.3, 10.4, 10.5, 10.6, 10.7, 10.8, 10.9]],
	[0, 3600, 6, [0, 600, 1200, 1800, 2400, 3000, 3600]],
	[0, 1_000_000, 4, [0, 252_000, 504_000, 756_000]],
])('labels %f to %f seconds with round times, at most %i of them or one more', (from, to, most, ticks) => {
	const made = timeTicks(from, to, most);
	expect(made).toHaveLength(ticks.length);
	made.forEach((tick, i) => expect(tick).toBeCloseTo(ticks[i]!));
});

it.each([
	[7.58, 10],
	[0.03, 0.05],
	[210, 250],
	[1000, 1000],
	[0, 1],
])('a scale for %f reaches to %f', (value, top) => expect(roundUp(value)).toBeCloseTo(top, 9));
