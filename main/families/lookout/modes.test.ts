import { Detections } from '../../domain/detections.ts';
import { beforeAll, describe, expect, it } from 'vitest';
import type { SettingValues } from '../../domain/settings-table.ts';
import { tokenCount } from '../../domain/tokens.ts';
import type { Detector as AnyDetector, Model } from '../../detector/detector.ts';
import { syntheticFrame } from '../../pixels/synthetic-frame.fixture.ts';
import { openDetector, step as stepFrame } from '../detector.fixture.ts';
import { openModel } from '../index.ts';

// What the modes promise beyond the contract of families/modes.test.ts, on the embedded model.
const MODEL = new URL('../../../models/lookout', import.meta.url).pathname;
const SIZE = { width: 192, height: 128 };
const TOKENS = 96;
const TOLERANCE = 1e-4;

type Detector = AnyDetector<{ head: Float32Array }>;

let model: Model;

beforeAll(async () => {
	model = await openModel(MODEL);
});

const open = (mode: string, settings: SettingValues = {}): Promise<Detector> =>
	openDetector(model, { displaySize: SIZE, mode, settings, scoreThreshold: 0.05 });

/** A step whose answers stay as they are. */
async function step(detector: Detector, picture: Parameters<typeof syntheticFrame>[1]) {
	const stepped = await stepFrame(detector, syntheticFrame(detector.grid, picture));
	return { ...stepped, head: stepped.output.head.slice() };
}

function largestDifference(a: Float32Array, b: Float32Array): number {
	expect(a.length).toBe(b.length);
	return a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i]!)), 0);
}

/** Where the head outputs have the best class logit; a point is `pointWidth` numbers, of which the last four are a box. */
function indexOfBestLogit(head: Float32Array, pointWidth: number): number {
	const logits = head.map((value, i) => (i % pointWidth < pointWidth - 4 ? value : -Infinity));
	return logits.indexOf(Math.max(...logits));
}

const moving = (frame: number) => ({
	seed: 1,
	index: frame,
	square: { x: 20 + 12 * frame, y: 30, side: 24 },
});

describe('a still video costs nothing after its first frame', () => {
	it.each([
		['token-cache', { refresh: 0 }],
		['token-cache', { refresh: 0, fraction: 0.25 }],
		['token-cache', { refresh: 0, ms: 20 }],
		['motion', {}],
	])('%s %o', async (mode, settings) => {
		const detector = await open(mode, settings);
		const first = await step(detector, moving(0));
		for (let frame = 1; frame < 4; frame++) {
			const still = await step(detector, moving(0));
			expect(still).toMatchObject({ kind: 'skipped', count: 0 });
			expect(still.macs).toBe(0);
			expect(largestDifference(still.head, first.head)).toBe(0);
		}
		await detector.release();
	});
});

describe('eventful', () => {
	const VARIANTS: SettingValues[] = [
		{ variant: 'exact' },
		{ variant: 'query-key' },
		{ variant: 'tokenwise' },
		{ variant: 'stgt' },
		{ gateBeforeNorm: true },
	];

	it.each(VARIANTS)('with all gates open, %o equals dense on every frame', async (settings) => {
		const [dense, other] = [await open('dense'), await open('eventful', { fraction: 1, ...settings })];
		for (let frame = 0; frame < 3; frame++) {
			const picture = { seed: 1 + frame, index: frame };
			const [expected, actual] = [await step(dense, picture), await step(other, picture)];
			expect(largestDifference(actual.head, expected.head)).toBeLessThan(TOLERANCE);
		}
		await Promise.all([dense.release(), other.release()]);
	});

	it('in its exact variant gives what recomputing both products gives, the published one does not', async () => {
		const open3 = (variant: string) => open('eventful', { fraction: 0.2, variant });
		const [whole, exact, published] = [
			await open3('tokenwise'),
			await open3('exact'),
			await open3('published'),
		];
		let apart = 0;
		// More frames than it takes until every sum has been made anew.
		for (let frame = 0; frame < 80; frame++) {
			const picture = { seed: 1 + 0.05 * frame, index: frame, square: { x: 2 * frame, y: 30, side: 24 } };
			const expected = await step(whole, picture);
			expect(largestDifference((await step(exact, picture)).head, expected.head)).toBeLessThan(TOLERANCE);
			apart = Math.max(apart, largestDifference((await step(published, picture)).head, expected.head));
		}
		expect(apart).toBeGreaterThan(100 * TOLERANCE);
		await Promise.all([whole.release(), exact.release(), published.release()]);
	});

	it('lets as many tokens pass as asked, and follows changes while running', async () => {
		const detector = await open('eventful', { k: 30 });
		await step(detector, { seed: 1 });
		expect(await step(detector, { seed: 2 })).toMatchObject({ kind: 'partial', count: 30 });
		detector.changeSettings({ k: 5 });
		expect((await step(detector, { seed: 3 })).count).toBe(5);
		detector.changeSettings({ fraction: 0.5 });
		expect((await step(detector, { seed: 4 })).count).toBe(TOKENS / 2);
		expect(() => detector.changeSettings({ variant: 'exact' })).toThrow(/variant can't change/);
		await detector.release();
	});

	it('computes the whole frame at every refresh', async () => {
		const detector = await open('eventful', { k: 5, refresh: 3 });
		const kinds = [];
		for (let frame = 0; frame < 7; frame++) kinds.push((await step(detector, moving(frame))).kind);
		expect(kinds).toEqual(['flush', 'partial', 'partial', 'flush', 'partial', 'partial', 'flush']);
		await detector.release();
	});

	it('costs as published on a still video: the norms of all gates, and what top-k asks for', async () => {
		const detector = await open('eventful', { k: 10 });
		const first = await step(detector, moving(0));
		const [moved, still] = [await step(detector, moving(3)), await step(detector, moving(3))];
		expect(still.macs).toBe(moved.macs);
		expect(still.macs).toBeLessThan(0.5 * first.macs);
		await detector.release();
	});

	it('skips a still frame where a threshold decides, but for its gates', async () => {
		const detector = await open('eventful', { threshold: 0.01 });
		const first = await step(detector, moving(0));
		const still = await step(detector, moving(0));
		expect(still).toMatchObject({ kind: 'skipped', count: 0 });
		expect(still.macs).toBeGreaterThan(0);
		expect(largestDifference(still.head, first.head)).toBe(0);
		await detector.release();
	});

	it('tells in how many gates each token passed', async () => {
		const detector = await open('eventful', { k: 10 });
		expect((await step(detector, { seed: 1 })).maps[0]!.values).toEqual(new Uint8Array(TOKENS).fill(255));
		const { maps, tokens } = await step(detector, moving(2));
		const { kind, values } = maps[0]!;
		expect(kind).toBe('blocks');
		for (const token of tokens) expect(values[token]).toBeGreaterThan(0);
		const passed = values.reduce((sum, value) => sum + value, 0) / 255;
		expect(passed).toBeGreaterThan(9);
		expect(passed).toBeLessThan(16); // ten in each gate, and rounding up
		await detector.release();
	});
});

describe('the scorer’s map', () => {
	it.each([
		['token-cache', { k: 10 }],
		['sparse', { keep: 0.2 }],
	])('comes with every frame of mode %s', async (mode, settings) => {
		const detector = await open(mode, settings);
		await step(detector, { seed: 1 });
		const { maps, tokens } = await step(detector, moving(2));
		const [map, ...others] = maps;
		expect(others).toEqual([]);
		expect(map!.kind).toBe('relevance');
		expect(map!.values).toHaveLength(TOKENS);
		expect(new Set(map!.values).size).toBeGreaterThan(10);
		if (mode === 'sparse') {
			// The kept tokens are those that the map ranks best.
			const ranked = [...map!.values].sort((a, b) => b - a);
			for (const token of tokens)
				expect(map!.values[token]).toBeGreaterThanOrEqual(ranked[tokens.length - 1]!);
		}
		const before = map!.values.slice();
		await step(detector, { seed: 9 });
		expect(map!.values).toEqual(before); // it is the frame's for good
		await detector.release();
	});
});

describe('token cache', () => {
	const POLICIES: SettingValues[] = [
		{ k: 10 },
		{ fraction: 0.1 },
		{ policy: 'relevance', fraction: 0.1 },
		{ gmac: 0.04 },
	];

	it.each(POLICIES)('never exceeds the budget of %o after the first frame', async (settings) => {
		const detector = await open('token-cache', { sceneCut: 1, refresh: 7, dilation: 1, ...settings });
		const budget = detector.budgetMacs!;
		expect(budget).toBeGreaterThan(0);
		let spent = 0;
		for (let frame = 0; frame < 12; frame++) {
			const { kind, macs } = await step(detector, { seed: 1 + 0.3 * frame, index: frame });
			if (frame === 0) continue;
			expect(kind).toBe('partial');
			expect(macs).toBeLessThanOrEqual(budget);
			spent += macs;
		}
		expect(spent).toBeGreaterThan(0.8 * 11 * budget); // everything moves: the budget is used
		await detector.release();
	});

	it('counts what surrounds an answer as relevant: what moves comes there next', async () => {
		const nine = { policy: 'relevance', fraction: 9 / TOKENS, sceneCut: 1 };
		const detector = await open('token-cache', nine);
		const { rows, cols } = detector.grid;
		const picture = { seed: 1, square: { x: 60, y: 40, side: 24 } };
		const { head } = await step(detector, picture);
		const width = head.length / TOKENS;
		const top = Math.floor(indexOfBestLogit(head, width / 4) / width);
		const [row, col] = [Math.floor(top / cols), top % cols];
		const around = Array.from({ length: TOKENS }, (_, token) => token).filter(
			(token) => Math.abs(Math.floor(token / cols) - row) <= 1 && Math.abs((token % cols) - col) <= 1,
		);
		expect([row > 0 && row < rows - 1, col > 0 && col < cols - 1]).toEqual([true, true]);
		// Every pixel changes alike, so that relevance alone decides.
		const frame = syntheticFrame(detector.grid, picture);
		const pixels = detector.prepare({ ...frame, pixels: frame.pixels.map((value) => value ^ 8) });
		const { tokens, count } = detector.select(pixels);
		expect([...tokens.subarray(0, count)]).toEqual(around);
		await detector.release();
	});

	it('follows a budget that is changed while running', async () => {
		const detector = await open('token-cache', { k: 40, sceneCut: 1 });
		await step(detector, { seed: 1 });
		expect((await step(detector, { seed: 2 })).count).toBe(40);
		detector.changeSettings({ k: 8 });
		expect((await step(detector, { seed: 3 })).count).toBe(8);
		expect(() => detector.changeSettings({ k: 0 })).toThrow(/k must be a whole number from 1/);
		expect((await step(detector, { seed: 4 })).count).toBe(8);
		await detector.release();
	});

	it('recomputes the tokens whose windows a moving square touched, and no others', async () => {
		const detector = await open('token-cache', { threshold: 0, floor: 0, refresh: 0 });
		await step(detector, { seed: 1, square: { x: 40, y: 40, side: 8 } });
		const { tokens } = await step(detector, { seed: 1, square: { x: 44, y: 40, side: 8 } });
		// Pixels 40..51 × 40..47 changed; window of token (row, col) covers 16·col − 7 … 16·col + 23.
		const touched = (at: number, first: number, last: number) => 16 * at - 7 <= last && 16 * at + 23 >= first;
		const expected = Array.from({ length: TOKENS }, (_, token) => token).filter(
			(token) => touched(token % 12, 40, 51) && touched(Math.floor(token / 12), 40, 47),
		);
		expect(tokens).toEqual(expected);
		await detector.release();
	});

	it('comes to the dense answer when the picture holds still long enough', async () => {
		const [dense, cached] = [
			await open('dense'),
			await open('token-cache', { fraction: 0.5, refresh: 3, sceneCut: 1 }),
		];
		await step(cached, { seed: 1 });
		const expected = await step(dense, { seed: 2 });
		let last = await step(cached, { seed: 2 });
		expect(last.kind).toBe('partial');
		expect(largestDifference(last.head, expected.head)).toBeGreaterThan(0.1);
		// Each block needs a round in which all tokens are computed from what the block before it settled on.
		for (let frame = 0; frame < 40; frame++) last = await step(cached, { seed: 2 });
		expect(last.kind).toBe('partial');
		expect(largestDifference(last.head, expected.head)).toBeLessThan(TOLERANCE);
		await Promise.all([dense.release(), cached.release()]);
	});

	it('computes the whole frame on a scene cut', async () => {
		const detector = await open('token-cache', { k: 4, sceneCut: 0.5 });
		await step(detector, { seed: 1 });
		const cut = await step(detector, { seed: 1, square: { x: 0, y: 0, side: 1000 } });
		expect(cut).toMatchObject({ kind: 'flush', count: TOKENS });
		await detector.release();
	});

	it('refreshes every token within the period, a few at a time', async () => {
		const period = 10;
		const detector = await open('token-cache', { threshold: 255, refresh: period });
		await step(detector, { seed: 1 });
		const last = new Map<number, number>();
		for (let frame = 1; frame <= 3 * period; frame++) {
			const { tokens } = await step(detector, { seed: 1, index: frame });
			expect(tokens.length).toBeLessThan(TOKENS / 2);
			for (const token of tokens) {
				expect(frame - (last.get(token) ?? 0)).toBeLessThanOrEqual(period);
				last.set(token, frame);
			}
		}
		expect(last.size).toBe(tokenCount(detector.grid));
		await detector.release();
	});

	it('counts the frames that a token waits, also where a budget lets nothing through, and never loses count', async () => {
		const detector = await open('token-cache', { gmac: 0.001, sceneCut: 1, floor: 0 });
		const waited = async () => (await detector.saveState())['cache.waited'] as Int32Array;
		await step(detector, { seed: 1 });
		for (const frames of [1, 2]) {
			expect((await step(detector, { seed: 2 })).kind).toBe('skipped');
			expect(Math.max(...(await waited()))).toBe(frames);
		}
		const state = await detector.saveState();
		detector.restoreState({ ...state, 'cache.waited': Int32Array.from(await waited(), () => 0xffff) });
		await step(detector, { seed: 2 });
		expect(Math.max(...(await waited()))).toBe(0xffff);
		await detector.release();
	});

	it('holds a budget in milliseconds by what frames took', async () => {
		const detector = await open('token-cache', { ms: 10, sceneCut: 1, floor: 0 });
		await step(detector, { seed: 1 });
		detector.observe(TOKENS * 0.5, Detections.none); // half a millisecond a token: 20 tokens fit into 10 ms
		expect((await step(detector, { seed: 2 })).count).toBe(20);
		detector.observe(20 * 1, Detections.none); // twice as slow now
		expect((await step(detector, { seed: 3 })).count).toBe(10);
		await detector.release();
	});
});
