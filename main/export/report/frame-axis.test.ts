import { describe, expect, it } from 'vitest';
import { extremesCurve, frameAxis, markedFrames, meanCurve } from './frame-axis.ts';

const upTo = (frames: number, every = 1) =>
	Int32Array.from({ length: Math.ceil(frames / every) }, (_, i) => i * every);

describe('frameAxis', () => {
	it.each<[string, Int32Array[], number, number, number]>([
		['no runs', [], 0, 0, 0],
		['empty runs', [new Int32Array(0)], 0, 0, 0],
		['runs that overlap', [Int32Array.of(3, 5), Int32Array.of(4, 9)], 3, 9, 7],
		['a single frame', [Int32Array.of(8)], 8, 8, 1],
	])('spans %s', (_what, indices, firstFrame, lastFrame, points) => {
		const axis = frameAxis(indices);
		expect(axis).toMatchObject({ firstFrame, lastFrame, framesPerSpan: 1 });
		expect(axis.frames).toHaveLength(points);
	});

	it.each([2400, 2401, 10_001, 1_000_000])('keeps %i frames to a few thousand ascending points', (length) => {
		const { frames } = frameAxis([upTo(length)]);
		expect(frames.length).toBeLessThanOrEqual(2400);
		expect(frames.length).toBeGreaterThan(1100);
		expect(frames.every((frame, i) => i === 0 || frame > frames[i - 1]!)).toBe(true);
		expect(frames.at(-1)).toBeLessThan(length);
	});
});

describe('curves of a long run', () => {
	const frames = upTo(100_000);
	const axis = frameAxis([frames]);

	it('lose no spike and no dip, and keep their order', () => {
		const values = new Float32Array(frames.length).fill(5);
		values[12_345] = 90;
		values[77_777] = 1;
		const curve = extremesCurve(axis, frames, values);
		expect(Math.max(...curve.map((value) => value!))).toBe(90);
		expect(Math.min(...curve.map((value) => value!))).toBe(1);
		const spike = axis.frames[curve.indexOf(90)]!;
		expect(Math.abs(spike - 12_345)).toBeLessThanOrEqual(axis.framesPerSpan);
	});

	it('have the mean of each span where they are stacked', () => {
		const values = Float32Array.from(frames, (frame) => (frame % 2 ? 10 : 20));
		const curve = meanCurve(axis, frames, values);
		for (const value of curve) expect(Math.abs(value! - 15)).toBeLessThan(0.1);
	});

	it('are empty where a run has no frames', () => {
		const curve = extremesCurve(axis, upTo(50_000), new Float32Array(50_000).fill(1));
		expect(curve[0]).toBe(1);
		expect(curve.at(-1)).toBeNull();
	});

	it('mark a span once, by its first marked frame', () => {
		const marks = markedFrames(axis, frames, (row) => row % 10 === 0);
		expect(marks.length).toBeLessThanOrEqual(1200);
		expect(marks[0]).toBe(0);
	});
});

describe('curves of a short run', () => {
	it('keep every value in its place, and gaps between analysed frames', () => {
		const frames = Int32Array.of(4, 6, 7);
		const axis = frameAxis([frames]);
		expect(extremesCurve(axis, frames, [1, Number.NaN, 3.14159])).toEqual([1, null, null, 3.142]);
		expect(meanCurve(axis, frames, [1, 2, 3])).toEqual([1, null, 2, 3]);
	});
});
