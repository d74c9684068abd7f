import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Drift } from '../domain/drift.ts';
import type { FrameResult } from '../domain/frame-result.ts';
import type { SettingEvent } from '../domain/run.ts';
import type { DriftSummary } from './drift-summary.ts';
import { BATCH_FRAMES, RunWriter } from './run-writer.ts';
import { sampleHeader, sampleResult } from './sample-run.fixture.ts';
import { openRun, type StoredRun } from './stored-run.ts';

let folder = '';
beforeEach(async () => {
	folder = join(await mkdtemp(join(tmpdir(), 'drift-')), 'run');
});
afterEach(() => rm(join(folder, '..'), { recursive: true }));

async function stored(
	results: readonly FrameResult[],
	events: readonly SettingEvent[] = [],
): Promise<StoredRun> {
	const writer = await RunWriter.create(folder, sampleHeader({ settings: { agreement: 0.9375 } }));
	for (const result of results) await writer.append(result);
	for (const event of events) await writer.recordEvent(event);
	await writer.close('complete', { decode: null, error: null, wallSeconds: 12, state: null });
	return openRun(folder);
}

/** Frame `i` of a run, with what is estimated of it. At 25 frames a second, a sixth of the tokens are computed at most. */
function estimated(i: number, change: Partial<Drift> = {}): FrameResult {
	const drift: Drift = {
		waitingTokens: i % 10,
		longestWait: i % 25,
		sufficientTokens: 12,
		agreement: 0.875,
		lower: 0.75,
		upper: 0.90625,
		audit: null,
		...change,
	};
	const result = { ...sampleResult(i), selectedTokens: 5, drift };
	const { detections } = result;
	return i % 7 === 3
		? { ...result, detections: detections.withStale(new Uint8Array(detections.count).fill(1)) }
		: result;
}

const many = (count: number, of: (i: number) => FrameResult) =>
	Array.from({ length: count }, (_, i) => of(i));

it.each([
	['in every frame', many(2 * BATCH_FRAMES + 9, (i) => estimated(i))],
	[
		'with audits',
		many(30, (i) => estimated(i, i % 9 === 4 ? { audit: { matched: 3, lost: 1, gained: 0 } } : {})),
	],
	['in some frames, the first of them behind the first batch', many(2 * BATCH_FRAMES, (i) => (i > 70 && i % 3 > 0 ? estimated(i) : sampleResult(i)))], // prettier-ignore
])('estimates and stale boxes read back as they were written: %s', async (_, results) => {
	expect([...(await stored(results)).results()]).toEqual(results);
});

it.each<[string, FrameResult[], Partial<DriftSummary> | null]>([
	['nothing is said of runs from before there were estimates', many(60, sampleResult), null],
	[
		'means, extremes and counts',
		many(40, (i) => estimated(i, { upper: 1, agreement: i === 20 ? 0.875 : 0.9375 })),
		{
			agreement: { mean: (39 * 0.9375 + 0.875) / 40, lowest: 0.875 },
			audits: { count: 0, f1: null, costShare: 0 },
			waiting: { meanTokens: 4.5, mostTokens: 9, longestWait: 24 },
			warning: null,
		},
	],
	[
		'audits together',
		many(40, (i) => {
			const audit = { matched: 3, lost: i === 10 ? 2 : 0, gained: 0 };
			const result = estimated(i, i % 20 === 10 ? { audit } : {});
			const macs = i % 20 === 10 ? 4e9 : 1e9;
			return { ...result, cost: { ...result.cost, macs } };
		}),
		{ audits: { count: 2, f1: 12 / 14, costShare: 6 / 46 } },
	],
	[
		'a budget that is too small',
		many(40, (i) => estimated(i, i < 5 ? { upper: 1 } : {})),
		{
			warning: {
				byBudget: true,
				byCamera: false,
				fromFrame: 5,
				fromSeconds: expect.closeTo(0.3),
				toFrame: null,
				toSeconds: null,
				throughout: true,
				loss: 0.125,
				sufficientShare: 0.4,
				text: 'At this budget an estimated 13 % of what dense shows is missing or misplaced from 0:00.3 on; 40 % of the tokens would do.',
			},
		},
	],
])('the summary has %s', async (_, results, wanted) => {
	const { drift } = (await stored(results)).summary();
	if (wanted === null) expect(drift).toBeNull();
	else expect(drift).toMatchObject(wanted);
});

it('counts stale boxes that are shown', async () => {
	const results = many(40, (i) => estimated(i));
	const wanted = results.reduce(
		(sum, { detections }) => sum + detections.scoredAtLeast([0.25, 0.25, 0.25]).staleCount,
		0,
	);
	expect(wanted).toBeGreaterThan(0);
	expect((await stored(results)).summary().drift!.staleBoxes).toBe(wanted);
});

it('asks for what the settings ask for after a change, too', async () => {
	const run = await stored(
		many(80, (i) => estimated(i)),
		[{ frameIndex: 40, settings: { agreement: 0.8 } }],
	);
	expect(run.shortfall).toMatchObject({ fromFrame: 0, toFrame: 39 });
});
