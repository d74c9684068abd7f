import { describe, expect, it } from 'vitest';
import { BreakEven, TimeController, tokensWithinMacs } from './budget.ts';
import { countAbove, dilate } from './change.ts';
import { pickAbove, pickBest, type TokenState } from './policies.ts';
import { markDue } from './refresh.ts';

function state(change: number[], more: Partial<TokenState> = {}): TokenState {
	const tokens = change.length;
	return {
		change: Float32Array.from(change),
		due: new Uint8Array(tokens),
		waited: new Uint16Array(tokens),
		relevance: null,
		...more,
	};
}

function picked(pick: (out: Int32Array) => number): number[] {
	const out = new Int32Array(16);
	return Array.from(out.subarray(0, pick(out)));
}

describe('pickAbove', () => {
	it.each([
		['takes what changed by more than the threshold', state([1, 5, 4, 9]), 4, [1, 3]],
		['takes what is due as well', state([1, 5, 0], { due: Uint8Array.of(0, 0, 1) }), 4, [1, 2]],
		['takes nothing from a still picture', state([0, 0]), 0, []],
	])('%s', (_, tokens, threshold, expected) => {
		expect(picked((out) => pickAbove(tokens, threshold, out))).toEqual(expected);
	});
});

describe('pickBest', () => {
	const plain = { floor: 1, fairness: 0 };
	it.each([
		['the largest changes', state([3, 9, 5, 7]), 2, plain, [1, 3]],
		['nothing below the floor, even with room', state([0.5, 9, 1]), 3, plain, [1]],
		['the earlier of equals', state([5, 5, 5]), 2, plain, [0, 1]],
		['what is due before what changed', state([0, 9, 8], { due: Uint8Array.of(1, 0, 0) }), 2, plain, [0, 1]],
		['change × relevance', state([9, 5], { relevance: Float32Array.of(0.1, 0.9) }), 1, plain, [1]],
		[
			'what waited long',
			state([9, 5], { waited: Uint16Array.of(0, 10) }),
			1,
			{ floor: 1, fairness: 0.1 },
			[1],
		],
		['nothing when nothing is allowed', state([9, 5]), 0, plain, []],
	])('takes %s', (_, tokens, limit, ranking, expected) => {
		expect(picked((out) => pickBest(tokens, limit, ranking, out))).toEqual(expected);
	});
});

describe('dilate', () => {
	it('spreads a change over a square and leaves the rest', () => {
		const change = new Float32Array(5 * 6);
		change[2 * 6 + 3] = 7;
		const out = new Float32Array(30);
		dilate(change, 5, 6, 1, new Float32Array(30), out);
		const expected = Array.from({ length: 30 }, (_, i) => {
			return Math.abs(Math.floor(i / 6) - 2) <= 1 && Math.abs((i % 6) - 3) <= 1 ? 7 : 0;
		});
		expect([...out]).toEqual(expected);
		expect(countAbove(out, 6)).toBe(9);
	});

	it('stops at the edges of the grid', () => {
		const out = new Float32Array(6);
		dilate(Float32Array.of(4, 0, 0, 0, 0, 0), 2, 3, 1, new Float32Array(6), out);
		expect([...out]).toEqual([4, 4, 0, 4, 4, 0]);
	});
});

describe('markDue', () => {
	it('spreads tokens that were computed together over the second half of the period', () => {
		const tokens = 1000;
		const due = new Uint8Array(tokens);
		const last = new Int32Array(tokens);
		const counts = [];
		for (let frame = 1; frame <= 40; frame++) {
			markDue(last, frame, 40, due);
			let count = 0;
			due.forEach((isDue, token) => {
				if (!isDue) return;
				count++;
				last[token] = frame;
			});
			counts.push(count);
		}
		expect(counts.slice(0, 20).every((count) => count === 0)).toBe(true);
		expect(counts.reduce((a, b) => a + b)).toBe(tokens);
		expect(Math.max(...counts)).toBeLessThan(100); // a fair share is 50
	});

	it('never refreshes with a period of zero', () => {
		const due = Uint8Array.of(1, 1);
		markDue(new Int32Array(2), 1e6, 0, due);
		expect([...due]).toEqual([0, 0]);
	});
});

describe('budgets', () => {
	const linear = (fixed: number, perToken: number) => (count: number) => fixed + count * perToken;
	const byThirtyTwo = (count: number) => Math.ceil(count / 32) * 3200;
	it.each<[number, string, (count: number) => number, number]>([
		[1000, '100 fixed and 90 a token', linear(100, 90), 10],
		[1000, '100 fixed and 91 a token', linear(100, 91), 9],
		[50, '100 fixed and 10 a token', linear(100, 10), 0],
		[1e6, '100 fixed and 10 a token', linear(100, 10), 200],
		[9600, '3,200 for every 32 tokens that are begun', byThirtyTwo, 96],
		[9599, '3,200 for every 32 tokens that are begun', byThirtyTwo, 64],
	])('%i operations with %s afford as many of 200 tokens', (budget, _, macs, expected) => {
		expect(tokensWithinMacs(budget, macs, 200)).toBe(expected);
	});

	it('reacts at once to a slow frame and slowly to a quick one', () => {
		const controller = new TimeController();
		expect(controller.limit(100)).toBe(0);
		controller.observe(100, 100);
		expect(controller.limit(100)).toBe(100);
		controller.observe(100, 200);
		expect(controller.limit(100)).toBe(50);
		controller.observe(100, 100);
		expect(controller.limit(100)).toBeGreaterThan(50);
		expect(controller.limit(100)).toBeLessThan(60);
		controller.observe(2, 1000); // too few tokens to tell a cost per token
		expect(controller.limit(100)).toBeGreaterThan(50);
	});
});

describe('the break-even of whole and partial frames', () => {
	/** Frames of a machine on which a share of the tokens takes this many milliseconds, and a whole frame 100. */
	function learned(milliseconds: (share: number) => number): number {
		const breakEven = new BreakEven();
		breakEven.observe(1, 500); // fetches memory, and is not counted
		for (let round = 0; round < 40; round++) {
			breakEven.observe(1, 100);
			for (const share of [0.1, breakEven.share, breakEven.share - 0.02]) {
				breakEven.observe(share, milliseconds(share));
			}
		}
		return breakEven.share;
	}

	it.each([
		['partial frames as dear as here', (share: number) => 250 * share, 0.4],
		['cheap ones', (share: number) => 120 * share, 0.83],
		['dear ones', (share: number) => 500 * share, 0.2],
	])('is found for %s', (_, milliseconds, expected) => {
		expect(Math.abs(learned(milliseconds) - expected)).toBeLessThanOrEqual(0.1);
	});

	it('stays where it was while no frame comes near it', () => {
		const breakEven = new BreakEven();
		for (let i = 0; i < 20; i++) breakEven.observe(1, 100);
		for (let i = 0; i < 20; i++) breakEven.observe(0.1, 90);
		expect(breakEven.share).toBe(0.5);
	});
});
