import { beforeAll, describe, expect, it } from 'vitest';
import type { Detector, Model } from '../../detector/detector.ts';
import type { SettingValues } from '../../domain/settings-table.ts';
import { syntheticFrame } from '../../pixels/synthetic-frame.fixture.ts';
import { openDetector } from '../detector.fixture.ts';
import { openModel } from '../index.ts';

// The policies that are steered by quality and by the video's pace, and their audits, on the embedded model.
const MODEL = new URL('../../../models/lookout', import.meta.url).pathname;
const SIZE = { width: 192, height: 128 };
const TOKENS = 96;
const FRAMES = 40;

let model: Model;

beforeAll(async () => {
	model = await openModel(MODEL);
});

const open = (settings: SettingValues, mode = 'token-cache'): Promise<Detector<{ head: Float32Array }>> =>
	openDetector(model, { displaySize: SIZE, mode, settings, scoreThreshold: 0.05 });

/** A square that moves over a picture; `seed` says which picture. */
const moving = (frame: number, seed = 1) => ({
	seed,
	index: frame,
	square: { x: (7 * frame) % 160, y: 40, side: 30 },
});

async function step(detector: Detector<{ head: Float32Array }>, picture: ReturnType<typeof moving>) {
	const pixels = detector.prepare(syntheticFrame(detector.grid, picture));
	const { output, selection, drift, macs, stale } = await detector.run(pixels, detector.select(pixels));
	const { kind, count } = selection;
	const detections = detector.interpret(output, stale);
	detector.observe(count, detections);
	return { kind, count, drift: drift!, macs, head: output.head.slice(), stale: stale?.slice() };
}

type Step = Awaited<ReturnType<typeof step>>;

async function run(detector: Detector<{ head: Float32Array }>, from = 0, to = FRAMES): Promise<Step[]> {
	const steps: Step[] = [];
	for (let frame = from; frame < to; frame++) steps.push(await step(detector, moving(frame)));
	return steps;
}

describe.each(['token-cache', 'eventful'])('%s by quality', (mode) => {
	const quality = { policy: 'quality', audits: 0.4 };

	it('audits frames: shows what dense shows, and says what the reduced answer was', async () => {
		const [detector, dense] = [await open(quality, mode), await open({}, 'dense')];
		const [steps, whole] = [await run(detector), await run(dense)];
		const audited = steps.flatMap(({ drift }, frame) => (drift.audit ? [frame] : []));
		expect(audited.length).toBeGreaterThan(1);
		expect(audited.length).toBeLessThan(FRAMES / 2);
		for (const frame of audited) {
			const [mine, theirs] = [steps[frame]!.head, whole[frame]!.head];
			const apart = mine.reduce((most, value, i) => Math.max(most, Math.abs(value - theirs[i]!)), 0);
			expect(apart).toBeLessThan(1e-4);
			expect(steps[frame]).toMatchObject({ kind: 'flush', count: TOKENS });
			expect(steps[frame]!.macs).toBeGreaterThan(detector.denseMacs);
		}
		const spent = audited.length * detector.denseMacs;
		expect(spent).toBeLessThan(0.4 * steps.reduce((sum, { macs }) => sum + macs, 0) + detector.denseMacs);
		await Promise.all([detector.release(), dense.release()]);
	});

	it.each([8, 23])('goes on behind frame %i as if never interrupted, audits included', async (at) => {
		const [whole, first, second] = [
			await open(quality, mode),
			await open(quality, mode),
			await open(quality, mode),
		];
		const expected = await run(whole);
		await run(first, 0, at);
		second.restoreState(await first.saveState());
		const rest = await run(second, at);
		expect(rest.map(({ kind, count, drift }) => ({ kind, count, drift }))).toEqual(
			expected.slice(at).map(({ kind, count, drift }) => ({ kind, count, drift })),
		);
		expect(rest.map(({ head }) => head)).toEqual(expected.slice(at).map(({ head }) => head));
		await Promise.all([whole.release(), first.release(), second.release()]);
	});

	it('computes no fewer tokens for more agreement', async () => {
		const counts: number[] = [];
		for (const agreement of [0.8, 0.97, 1]) {
			const detector = await open({ policy: 'quality', agreement, audits: 0 }, mode);
			counts.push((await run(detector, 0, 12)).slice(1).reduce((sum, { count }) => sum + count, 0));
			await detector.release();
		}
		expect(counts).toEqual([...counts].sort((a, b) => a - b));
		expect(counts[2]).toBeGreaterThan(counts[0]!);
	});
});

describe('what waits', () => {
	it('is counted, with the frames that it waits', async () => {
		const detector = await open({ k: 1, audits: 0, refresh: 0 });
		const steps = await run(detector, 0, 6);
		expect(steps[0]!.drift).toMatchObject({ waitingTokens: 0, longestWait: 0, agreement: 1 });
		const last = steps.at(-1)!.drift;
		expect(last.waitingTokens).toBeGreaterThan(1);
		expect(last.longestWait).toBeGreaterThanOrEqual(4);
		expect(last.sufficientTokens).toBeGreaterThan(1);
		expect(last.agreement).toBeLessThan(1);
		expect(steps.at(-1)!.stale).toContain(1);
		await detector.release();
	});

	it('is nothing where every token is computed', async () => {
		const detector = await open({ fraction: 1, floor: 0, sceneCut: 1, audits: 0 });
		for (const { drift, stale } of await run(detector, 0, 4)) {
			expect(drift.waitingTokens).toBe(0);
			expect(stale).not.toContain(1);
		}
		await detector.release();
	});
});

describe('real time', () => {
	it('takes no more tokens than there is time for until the next frame', async () => {
		const detector = await open({ policy: 'real-time', audits: 0, sceneCut: 1 });
		await step(detector, moving(0));
		await step(detector, moving(1)); // a token takes a millisecond, as `step` tells, and a frame 40 of them
		for (let frame = 2; frame < 8; frame++) {
			const { count } = await step(detector, moving(frame, frame));
			expect(count).toBeGreaterThan(0);
			expect(count).toBeLessThanOrEqual(34);
		}
		await detector.release();
	});

	it('spreads the first frame and a scene cut over frames where that is preferred', async () => {
		const detector = await open({ policy: 'real-time', spread: true, audits: 0, refresh: 0 });
		const still = (frame: number, seed = 1) => ({ ...moving(0, seed), index: frame });
		let computed = 0;
		for (let frame = 0; computed < TOKENS; frame++) {
			const { kind, count } = await step(detector, still(frame));
			expect(kind).toBe('partial'); // at least one token is, so this ends
			computed += count;
		}
		expect((await step(detector, still(50))).count).toBe(0);
		const cut = await step(detector, still(51, 2));
		expect(cut.kind).toBe('partial');
		expect(cut.count).toBeLessThan(TOKENS);
		expect(cut.stale).toContain(1);
		await detector.release();
	});
});
