import { describe, expect, it, vi } from 'vitest';
import { MOST_TIMELINE_FRAMES } from '../../preload/contract.ts';
import { madeUpBatch, madeUpTimeline } from './batches.fixture.ts';
import { FakeHost, madeUpEntry, madeUpRun, withRuns } from './fake-host.fixture.ts';
import { RunData } from './run-data.svelte.ts';

const settled = () => new Promise((done) => setTimeout(done, 0));

async function opened(stored: () => number): Promise<{ run: RunData; host: FakeHost }> {
	const host = withRuns(new FakeHost(), (runId) => madeUpEntry(runId), stored);
	return { run: await RunData.open(host, 'a'), host };
}

describe('maps of tokens', () => {
	it('are asked for when one is looked at', async () => {
		const { run, host } = await opened(() => 100);
		expect(run.mapKinds).toEqual(['relevance']);
		expect(host.count('run.maps')).toBe(0);
		expect(run.mapOf(20, 'relevance')).toBeNull();
		await settled();
		expect([...run.mapOf(20, 'relevance')!]).toEqual(Array(12).fill(20));
		expect([...run.mapOf(21, 'relevance')!]).toEqual(Array(12).fill(21));
		expect(run.mapOf(1, 'relevance')).toBeNull();
		await settled();
		expect(run.mapOf(1, 'relevance')).toBeNull(); // a frame without one
		expect(host.count('run.maps')).toBe(2);
	});

	it('are offered as soon as a live frame has one', async () => {
		const { run } = await opened(() => 0);
		run.take(madeUpBatch(0, 5));
		expect(run.mapKinds).toEqual([]);
		run.take(madeUpBatch(5, 1));
		expect(run.mapKinds).toEqual(['relevance']);
	});
});

describe('a run of more frames than one answer holds', () => {
	const STORED = MOST_TIMELINE_FRAMES + 10;

	it('gets its first frames by itself, and then the others', async () => {
		const { host } = await opened(() => STORED);
		let goOn!: () => void;
		const gate = new Promise<void>((open) => (goOn = open));
		host.answer('run.timeline', async ({ from, count }) => {
			if (from > 0) await gate;
			return madeUpTimeline(from, Math.min(count, STORED - from));
		});
		const run = await RunData.open(host, 'a');
		await vi.waitFor(() => expect(run.timeline.length).toBe(MOST_TIMELINE_FRAMES));
		// No earlier frame is shown for one that is not there yet.
		expect(run.positionOf(STORED - 1, true)).toBe(-1);
		expect(run.positionOf(MOST_TIMELINE_FRAMES - 1, true)).toBe(MOST_TIMELINE_FRAMES - 1);
		goOn();
		await vi.waitFor(() => expect(run.timeline.length).toBe(STORED));
		expect(run.positionOf(STORED - 1, true)).toBe(STORED - 1);
		expect(run.positionOf(STORED + 5, true)).toBe(STORED - 1); // behind its end, its last frame holds
	});

	it('gets the others once the page is calm', async () => {
		const { host } = await opened(() => STORED);
		let calmDown!: () => void;
		const calm = new Promise<void>((resolve) => (calmDown = resolve));
		const run = await RunData.open(host, 'b', calm);
		await settled();
		expect(run.timeline.length).toBe(0);
		calmDown();
		await vi.waitFor(() => expect(run.timeline.length).toBe(STORED));
	});

	it('waits for the stored ones where it is going on, began at a time, and tells of its frames first', async () => {
		const { host } = await opened(() => STORED);
		host.answer('run.timeline', ({ from, count }) =>
			madeUpTimeline(from + 10, Math.min(count, STORED - from)),
		);
		host.answer('run.open', ({ runId }) => {
			const run = madeUpRun(madeUpEntry(runId), STORED);
			return { ...run, header: { ...run.header, range: { ...run.header.range, from: { seconds: 1 } } } };
		});
		const run = await RunData.open(host, 'b');
		run.take(madeUpBatch(STORED + 10, 5));
		await vi.waitFor(() => expect(run.timeline.length).toBe(STORED + 5));
		expect(run.timeline.lastFrameIndex).toBe(STORED + 14);
	});

	it('says why its columns are not there', async () => {
		const { host } = await opened(() => STORED);
		host.refuse('run.timeline', 'run-unreadable');
		const run = await RunData.open(host, 'b');
		await vi.waitFor(() => expect(run.error?.code).toBe('run-unreadable'));
	});

	it('holds the frame before one that was not analysed, also before the columns reach it', async () => {
		const { host } = await opened(() => STORED);
		host.answer('run.open', ({ runId }) => madeUpRun(madeUpEntry(runId), STORED, 3));
		host.answer('run.frames', ({ from, count }) => madeUpBatch(3 * from, count, 3));
		const run = await RunData.open(host, 'b', new Promise(() => undefined));
		run.frame(301, true);
		await settled();
		expect(run.frame(301, true)?.frameIndex).toBe(300);
		expect(run.frame(301, false)).toBeNull();
		expect(run.frame(300, false)?.frameIndex).toBe(300);
	});

	describe('before those are there', () => {
		const AHEAD = STORED - 1;
		const never = new Promise<void>(() => undefined);

		it('shows a frame that stands where it is expected', async () => {
			const { host } = await opened(() => STORED);
			const run = await RunData.open(host, 'b', never);
			expect(run.frame(AHEAD, false)).toBeNull();
			expect(run.identitiesOf(AHEAD)).toBeNull();
			await settled();
			expect(run.frame(AHEAD, false)?.frameIndex).toBe(AHEAD);
			expect(run.positionOf(AHEAD, false)).toBe(-1); // its columns are not there
			expect(run.frame(STORED, false)).toBeNull();
			expect(host.count('run.frames')).toBe(1);
		});

		it('shows nothing where another one stands there, and does not ask again', async () => {
			const { host } = await opened(() => STORED);
			host.answer('run.frames', ({ from, count }) => madeUpBatch(from + 1, count));
			const run = await RunData.open(host, 'b', never);
			for (let look = 0; look < 3; look++) {
				expect(run.frame(AHEAD, false)).toBeNull();
				expect(run.identitiesOf(AHEAD)).toBeNull();
				await settled();
			}
			expect(host.count('run.frames')).toBe(1);
			expect(host.count('run.identities')).toBe(0);
		});
	});
});

it('a run is not asked again and again for frames that are here under other positions', async () => {
	const { run, host } = await opened(() => 0);
	run.take(madeUpBatch(0, 1));
	run.take(madeUpBatch(1, 1));
	host.answer('run.timeline', ({ count }) => {
		if (host.count('run.timeline') > 5) throw new Error('it does not end');
		const again = madeUpTimeline(0, count);
		return { ...again, frameIndices: again.frameIndices.fill(0) };
	});
	await run.catchUp();
	expect(host.count('run.timeline')).toBe(1);
	expect(run.timeline.length).toBe(2);
});

describe('a budget that is too small', () => {
	/** Frames whose agreement is estimated as 0.8; frame `i` is `i` tenths of a second into the video. */
	const short = (from: number, count: number) => {
		const batch = madeUpBatch(from, count);
		for (let row = 0; row < count; row++) batch.agreements.set([0.8, 0.5, 0.9], 3 * row);
		return batch;
	};

	it('is told of during the run, once that has lasted for a second', async () => {
		const { run } = await opened(() => 0);
		run.take(short(0, 9));
		expect(run.shortfall).toBeNull();
		run.take(short(9, 8));
		expect(run.shortfall).toMatchObject({ fromFrame: 1, toFrame: null, sufficientShare: 0.5 });
		expect(run.shortfall!.loss).toBeCloseTo(0.2);
	});

	it('is not what the policy that keeps the agreement falls short by', async () => {
		const { run } = await opened(() => 0);
		run.events = [{ frameIndex: 0, settings: { policy: 'quality', agreement: 0.9 } }];
		run.take(short(0, 30));
		expect(run.shortfall).toMatchObject({ byBudget: false, sufficientShare: null });
		expect(run.agreementAsked).toBe(0.9);
	});
});

describe('the score that boxes are shown from', () => {
	const counts = (run: RunData) => [...run.timeline.detections.subarray(0, run.timeline.length)];
	const needed = [0, 1, 2, 0, 1, 2];
	const all = [1, 2, 3, 1, 2, 3];

	it.each([
		['lower than what the class needs', 0.1, [0.1], all],
		['not as low as the lowest box', 0.2, [0.2], needed],
		['higher than what the class needs', 0.9, [0.5], needed],
		['as the class needs', 1, [0.5], needed],
	])('is applied to boxes and counts: %s', async (_, score, thresholds, shown) => {
		const { run } = await opened(() => 6);
		run.showFrom(score);
		expect(run.displayThresholds).toEqual(thresholds);
		await settled();
		expect(counts(run)).toEqual(shown);
		run.showFrom(1);
		await settled();
		expect(counts(run)).toEqual(needed);
	});

	it('holds for frames that come in and for those not stored yet', async () => {
		let stored = 2;
		const { run } = await opened(() => stored);
		run.take(madeUpBatch(2, 2));
		run.showFrom(0.1);
		await settled();
		run.take(madeUpBatch(4, 1));
		expect(counts(run)).toEqual(all.slice(0, 5));
		stored = 6;
		await run.catchUp();
		expect(counts(run)).toEqual(all);
	});

	it('asks for counts one after another, and only for the last of many changes', async () => {
		const { run, host } = await opened(() => 6);
		for (const score of [0.9, 0.6, 0.3, 0.1]) run.showFrom(score);
		await settled();
		expect(host.count('run.shownCounts')).toBe(2);
		expect(counts(run)).toEqual(all);
	});
});

describe('a stored run', () => {
	it('reads the frames around the one that is asked for, once, and has them from then on', async () => {
		const { run, host } = await opened(() => 1000);
		expect(run.frame(300, false)).toBeNull();
		expect(run.frame(301, false)).toBeNull();
		await settled();
		expect(run.frame(300, false)?.frameIndex).toBe(300);
		expect(run.frame(511, false)?.frameIndex).toBe(511);
		expect(host.count('run.frames')).toBe(1);
	});

	it.each([
		['the last analysed frame with hold', 5000, true, 999],
		['nothing without', 5000, false, null],
		['nothing before the first, hold or not', -1, true, null],
	])('gives %s for a frame that it lacks', async (_, frame, hold, found) => {
		const { run } = await opened(() => 1000);
		run.frame(999, false);
		await settled();
		expect(run.frame(frame, hold)?.frameIndex ?? null).toBe(found);
	});

	it('counts its tokens when their history is first asked for', async () => {
		const { run } = await opened(() => 24);
		expect(run.history(23)).toBeNull();
		await settled();
		run.history(23);
		await settled();
		// Each of the 12 tokens in its two turns; all but the first once more in the whole first frame.
		expect([...run.history(23)!].map((share) => Math.round(24 * share))).toEqual([
			2,
			...Array<number>(11).fill(3),
		]);
	});
});

describe('a run that is going', () => {
	it('has its frames without asking for them', async () => {
		const { run, host } = await opened(() => 0);
		run.take(madeUpBatch(0, 10));
		run.take(madeUpBatch(10, 10));
		expect(run.frame(15, false)?.frameIndex).toBe(15);
		expect([...run.history(11)!].map((share) => Math.round(12 * share))).toEqual([
			1,
			...Array<number>(11).fill(2),
		]);
		expect(host.count('run.frames')).toBe(0);
	});

	it('waits for the frames that it missed, and has none twice', async () => {
		vi.useFakeTimers();
		try {
			let stored = 0;
			const { run } = await opened(() => stored);
			run.take(madeUpBatch(8, 4));
			run.take(madeUpBatch(12, 4));
			await vi.advanceTimersByTimeAsync(600);
			expect(run.timeline.length).toBe(0);
			stored = 10;
			await vi.advanceTimersByTimeAsync(600);
			expect([...run.timeline.frameIndices.subarray(0, run.timeline.length)]).toEqual(
				Array.from({ length: 16 }, (_, i) => i),
			);
		} finally {
			vi.useRealTimers();
		}
	});
});
