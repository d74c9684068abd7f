import { describe, expect, it } from 'vitest';
import { frameAtShare, frameShare, keyTarget, spanBands } from './scrub.ts';
import { timeText } from './time-text.ts';

describe('the scrubber', () => {
	it.each([
		[0, 101, 0],
		[50, 101, 0.5],
		[100, 101, 1],
		[150, 101, 1],
		[0, 1, 0],
		[0, 0, 0],
	])('shows frame %i of %i at %f', (frame, count, share) => {
		expect(frameShare(frame, count)).toBe(share);
	});

	it.each([
		[0.5, 101, 50],
		[-1, 101, 0],
		[2, 101, 100],
		[0.4, 0, 0],
	])('takes %f of the way through %i frames for frame %i', (share, count, frame) => {
		expect(frameAtShare(share, count)).toBe(frame);
	});

	it.each([
		[
			'in their order',
			[
				[50, 60],
				[0, 10],
			],
			[
				[0, 0.1],
				[0.5, 0.1],
			],
		],
		[
			'as one where they touch',
			[
				[0, 10],
				[11, 20],
			],
			[[0, 0.2]],
		],
		[
			'as one where they overlap',
			[
				[0, 30],
				[10, 20],
			],
			[[0, 0.3]],
		],
		[
			'cut off at the ends',
			[
				[-20, 10],
				[90, 300],
			],
			[
				[0, 0.1],
				[0.9, 0.1],
			],
		],
		['not at all beyond the video', [[200, 300]], []],
	] as [string, [number, number][], [number, number][]][])('draws spans %s', (_, spans, bands) => {
		const drawn = spanBands(spans, 101).map(({ start, width }) => [start, Number(width.toFixed(9))]);
		expect(drawn).toEqual(bands);
	});

	it.each([
		['ArrowLeft', 9],
		['ArrowUp', 11],
		['PageUp', 20],
		['PageDown', 0],
		['Home', 0],
		['End', 20],
		['a', null],
	])('goes with %s from frame 10 of 21 to %s', (key, frame) => {
		expect(keyTarget(key, 10, 21, 25)).toBe(frame);
	});
});

describe('a time', () => {
	it.each([
		[0, '00:00.000'],
		[12.4, '00:12.400'],
		[59.9996, '01:00.000'],
		[3725.04, '1:02:05.040'],
		[-0.08, '-00:00.080'],
		[-0.0001, '00:00.000'],
	])('%f reads %s', (seconds, text) => {
		expect(timeText(seconds)).toBe(text);
	});
});
