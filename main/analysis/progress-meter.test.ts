import { describe, expect, it } from 'vitest';
import { noMilliseconds } from '../domain/cost.ts';
import { Detections } from '../domain/detections.ts';
import type { FrameResult } from '../domain/frame-result.ts';
import type { FrameRange, VideoInfo } from '../domain/video.ts';
import { estimateFrames, ProgressMeter, type Pace } from './progress-meter.ts';

const result: FrameResult = {
	frameIndex: 0,
	timeSeconds: 0,
	detections: Detections.none,
	kind: 'flush',
	selectedTokens: 1,
	selection: new Uint8Array(1),
	cost: { macs: 5e9, milliseconds: noMilliseconds() },
	budgetMacs: null,
};

describe('ProgressMeter', () => {
	it('reports at most ten times a second, with the rate of the last seconds', () => {
		let now = 0;
		const meter = new ProgressMeter(1000, 0, () => now);
		const reports: (Pace & { now: number })[] = [];
		for (let frame = 0; frame < 800; frame++) {
			now += frame < 400 ? 10 : 40; // 100 frames a second, then 25
			const report = meter.add(result);
			if (report) reports.push({ now, ...report });
		}
		const gaps = reports.slice(1).map((report, i) => report.now - reports[i]!.now);
		expect(Math.min(...gaps)).toBeGreaterThanOrEqual(100);
		expect(reports.find((report) => report.now > 3000)?.framesPerSecond).toBeCloseTo(100, 0);
		expect(reports.at(-1)?.framesPerSecond).toBeCloseTo(25, 0);
		expect(reports.at(-1)?.secondsLeft).toBeCloseTo((1000 - reports.at(-1)!.framesDone) / 25, 0);
	});

	it('counts frames of earlier sittings as done, not as fast', () => {
		let now = 0;
		const meter = new ProgressMeter(200, 100, () => now);
		now = 1000;
		expect(meter.add(result)).toMatchObject({ framesDone: 101, framesPerSecond: 1, secondsLeft: 99 });
	});

	it('raises an estimate that turns out too low, and knows no end without one', () => {
		let now = 0;
		const low = new ProgressMeter(1, 5, () => now);
		const unknown = new ProgressMeter(null, 0, () => now);
		now = 500;
		expect(low.add(result)).toMatchObject({ framesEstimated: 6, secondsLeft: 0 });
		expect(unknown.add(result)).toMatchObject({ framesEstimated: null, secondsLeft: null });
	});
});

describe('estimateFrames', () => {
	const video = { estimatedFrames: 300, nominalFramesPerSecond: 30, startSeconds: 2 } as VideoInfo;
	const whole: FrameRange = { from: { frame: 0 }, to: null, every: 1 };

	it.each<[string, Partial<VideoInfo>, Partial<FrameRange>, number | null]>([
		['the whole video', {}, {}, 300],
		['a tail', {}, { from: { frame: 290 } }, 10],
		['both ends included', {}, { from: { frame: 10 }, to: { frame: 20 } }, 11],
		['every third frame, the first included', {}, { every: 3, to: { frame: 9 } }, 4],
		['times in the clock of the file', {}, { from: { seconds: 3 }, to: { seconds: 4 } }, 31],
		['an end behind the end', {}, { to: { frame: 1000 } }, 300],
		['a beginning behind the end', {}, { from: { frame: 400 } }, 0],
		['an unknown length', { estimatedFrames: null }, {}, null],
		['an unknown length with an end', { estimatedFrames: null }, { to: { frame: 9 } }, 10],
		['a time without a rate', { nominalFramesPerSecond: null }, { to: { seconds: 3 } }, null],
	])('knows %s', (_, claims, range, frames) => {
		expect(estimateFrames({ ...video, ...claims }, { ...whole, ...range })).toBe(frames);
	});
});
