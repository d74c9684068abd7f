import { describe, expect, it } from 'vitest';
import { pickStale } from './policies.ts';
import { floorFor, Staleness } from './staleness.ts';

/** Tokens of a scene with a few scores; every third one changes, some more than others. */
function scene(tokens = 90): Staleness {
	const staleness = new Staleness(tokens);
	const change = Float32Array.from({ length: tokens }, (_, i) => (i % 3 === 0 ? 1 + i / 10 : 0));
	const scores = Float32Array.from({ length: tokens }, (_, i) => (i % 10 === 0 ? 0.5 : 0.01));
	staleness.measure(change, 2, {
		relevance: scores.map((score) => score + 0.1),
		scores: scores.reduce((sum, score) => sum + score, 0),
	});
	return staleness;
}

describe('staleness', () => {
	it('is nothing at or below the noise floor, and change × relevance above it', () => {
		const staleness = new Staleness(3);
		const relevance = Float32Array.of(1, 0.5, 0.25);
		staleness.measure(Float32Array.of(2, 8, 16), 2, {
			relevance,
			scores: relevance.reduce((sum, score) => sum + score, 0),
		});
		expect([...staleness.values]).toEqual([0, 4, 4]);
	});

	it.each([0.02, 0.03, 0.05, 0.1, 0.3])('picks as few tokens as a loss of %f allows', (loss) => {
		const staleness = scene();
		const cutoff = staleness.cutoff(loss);
		const waiting = [...staleness.values].filter((value) => value < cutoff);
		const sum = waiting.reduce((total, value) => total + value, 0);
		expect(staleness.loss(sum)).toBeLessThanOrEqual(loss);
		// One more token that waits would be too much.
		if (cutoff < Infinity) expect(staleness.loss(sum + cutoff)).toBeGreaterThan(loss);
	});

	it('lets everything wait where all of it is allowed', () => {
		expect(scene().cutoff(1)).toBe(Infinity);
	});

	it('lets nothing wait where less is allowed than is lost anyway', () => {
		const staleness = scene();
		const picked = new Int32Array(90);
		const count = pickStale(staleness.values, new Uint8Array(90), staleness.cutoff(0.001), picked);
		expect(count).toBe(staleness.values.filter((value) => value > 0).length);
	});

	it('measures by the number of tokens where answers have no scores', () => {
		const losses = [100, 1000].map((tokens) => {
			const staleness = new Staleness(tokens);
			staleness.measure(new Float32Array(tokens).fill(4), 2, null);
			return staleness.loss(0.1 * tokens);
		});
		expect(losses[0]).toBeCloseTo(losses[1]!, 10);
	});

	it.each([
		['the usual one for a loss that it allows', 0.03, 2],
		['a lower one for little loss', 0.0065, 1],
		['none for no loss', 0, 0],
	])('has a noise floor: %s', (_, loss, floor) => {
		expect(floorFor(loss, 2)).toBeCloseTo(floor, 10);
	});
});

it('pickStale takes what is due and what is at least as stale as the cutoff', () => {
	const out = new Int32Array(8);
	const count = pickStale(Float64Array.of(0, 3, 2, 5), Uint8Array.of(1, 0, 0, 0), 3, out);
	expect([...out.subarray(0, count)]).toEqual([0, 1, 3]);
});
