import { expect, it } from 'vitest';
import { ON_CPU } from '../domain/execution.ts';
import { noMilliseconds } from '../domain/cost.ts';
import type { RunStatus } from '../domain/run.ts';
import type { FrameColumns } from './frame-columns.ts';
import { sampleHeader } from './sample-run.fixture.ts';
import { summarize } from './summary.ts';

const STATUS: RunStatus = {
	state: 'complete',
	framesStored: 0,
	lastFrameIndex: -1,
	wallSeconds: 3.5,
	decode: null,
	error: null,
	executionChanges: [],
};

function columns(runMs: number[], macs: number[], selected: number[]): FrameColumns {
	const constant = (value: number): Float32Array => new Float32Array(runMs.length).fill(value);
	return {
		frameIndex: Int32Array.from(runMs.keys()),
		timeSeconds: new Float64Array(runMs.length),
		kind: new Uint8Array(runMs.length),
		selectedTokens: Int32Array.from(selected),
		detectionCount: new Int32Array(runMs.length),
		macs: Float64Array.from(macs),
		budgetMacs: new Float64Array(runMs.length),
		milliseconds: {
			decode: constant(1),
			prepare: constant(2),
			select: constant(0.5),
			run: Float32Array.from(runMs),
			interpret: constant(0.25),
		},
		drift: null,
		camera: null,
	};
}

it.each([
	[
		'leaves the first frame out of means and medians',
		[90, 10, 12, 5, 13],
		[9e9, 1e9, 2e9, 1e9, 2e9],
		[30, 3, 6, 3, 6],
		{ first: 90, mean: 10, median: 11, gmacFirst: 9, gmacMean: 1.5, selected: 4.5 },
	],
	[
		'an odd number of later frames',
		[90, 7, 1, 100],
		[9e9, 0, 0, 3e9],
		[30, 0, 0, 9],
		{ first: 90, mean: 36, median: 7, gmacFirst: 9, gmacMean: 1, selected: 3 },
	],
	[
		'has only the first frame to tell of',
		[90],
		[9e9],
		[30],
		{ first: 90, mean: 90, median: 90, gmacFirst: 9, gmacMean: 9, selected: 30 },
	],
])('%s', (_, runMs, macs, selected, wanted) => {
	const others = { decode: 1, prepare: 2, select: 0.5, interpret: 0.25 };
	expect(summarize(sampleHeader(), STATUS, columns(runMs, macs, selected), null)).toEqual({
		frames: runMs.length,
		...ON_CPU,
		executionChanges: [],
		threads: 2,
		msPerFrame: { ...others, run: wanted.mean, total: wanted.mean + 3.75 },
		medianMsPerFrame: { ...others, run: wanted.median, total: wanted.median + 3.75 },
		firstFrameMs: { ...others, run: wanted.first, total: wanted.first + 3.75 },
		gmacPerFrame: { first: wanted.gmacFirst, mean: wanted.gmacMean, dense: 3, behind: 0 },
		tokens: { total: 30, meanSelected: wanted.selected },
		camera: null,
		wallSeconds: 3.5,
		drift: null,
	});
});

it('is all zeros, never NaN, without frames', () => {
	const summary = summarize(sampleHeader(), STATUS, columns([], [], []), null);
	const nothing = { ...noMilliseconds(), total: 0 };
	expect(summary).toMatchObject({
		frames: 0,
		msPerFrame: nothing,
		medianMsPerFrame: nothing,
		firstFrameMs: nothing,
	});
	expect(summary.gmacPerFrame).toEqual({ first: 0, mean: 0, dense: 3, behind: 0 });
	expect(summary.tokens).toEqual({ total: 30, meanSelected: 0 });
});

it('finds the medians that sorting finds', () => {
	let state = 5;
	const chance = () => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) / 2 ** 32;
	for (let count = 1; count < 120; count++) {
		// Some of them several times.
		const runMs = Array.from({ length: count + 1 }, () => Math.floor(chance() * 1.5 * count));
		const sorted = runMs.slice(1).sort((a, b) => a - b);
		const expected = (sorted[(count - 1) >> 1]! + sorted[count >> 1]!) / 2;
		const { medianMsPerFrame } = summarize(sampleHeader(), STATUS, columns(runMs, runMs, runMs), null);
		expect(medianMsPerFrame.run, `${count} frames`).toBe(expected);
	}
});
