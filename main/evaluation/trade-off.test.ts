import { describe, expect, it } from 'vitest';
import { tradeOff, tradeOffSentence, type TradeOffPoint } from './trade-off.ts';

/** Points by name: multiply-adds, milliseconds, agreement and AP50. */
function pointsOf(rows: Record<string, [number, number, number | null, number | null]>): TradeOffPoint[] {
	return Object.entries(rows).map(([label, [gmacPerFrame, msPerFrame, agreement, ap50]]) => ({
		label,
		reference: label === 'dense' ? null : 'dense',
		gmacPerFrame,
		msPerFrame,
		agreement,
		ap50,
	}));
}

const DENSE = [10, 50, 1, null] as [number, number, number, null];

describe('tradeOff', () => {
	it.each<[string, Parameters<typeof pointsOf>[0], object]>([
		[
			'the cheapest near dense is the fastest',
			{ dense: DENSE, a: [1, 10, 0.9, null], b: [2, 20, 0.99, null], c: [4, 30, 0.995, null] },
			{
				measure: 'agreement',
				best: { gmacPerFrame: 'b', msPerFrame: 'b' },
				front: { gmacPerFrame: ['a', 'b', 'c', 'dense'] },
			},
		],
		[
			'multiply-adds and time disagree',
			{ dense: DENSE, a: [1, 60, 0.995, null], b: [2, 40, 0.992, null] },
			{
				best: { gmacPerFrame: 'a', msPerFrame: 'b' },
				front: { gmacPerFrame: ['a', 'dense'], msPerFrame: ['b', 'dense'] },
			},
		],
		[
			'nobody is near',
			{ dense: DENSE, a: [1, 10, 0.9, null] },
			{ best: { gmacPerFrame: null, msPerFrame: null } },
		],
		[
			'what is near and costs more than dense is no finding',
			{ dense: DENSE, a: [11, 60, 1, null] },
			{
				best: { gmacPerFrame: null, msPerFrame: null },
				front: { gmacPerFrame: ['dense'], msPerFrame: ['dense'] },
			},
		],
		[
			'truth decides where there is one, also for better than dense',
			{ dense: [10, 50, 1, 0.7], a: [1, 10, 0.8, 0.71], b: [0.5, 5, 0.7, 0.6] },
			{
				measure: 'ap50',
				best: { gmacPerFrame: 'a', msPerFrame: 'a' },
				front: { gmacPerFrame: ['b', 'a'], msPerFrame: ['b', 'a'] },
			},
		],
		[
			'a run without an accuracy is left out',
			{ dense: DENSE, a: [1, 10, null, null] },
			{ best: { gmacPerFrame: null, msPerFrame: null }, front: { gmacPerFrame: ['dense'] } },
		],
	])('%s', (_, rows, expected) => {
		expect(tradeOff(pointsOf(rows))).toMatchObject(expected);
	});

	it('takes a point from the edge of what is allowed, and another distance', () => {
		const points = pointsOf({ dense: [10, 50, 1, 0.7], a: [1, 10, 0.8, 0.69], b: [0.5, 5, 0.7, 0.68] });
		expect(tradeOff(points).best.gmacPerFrame).toBe('a');
		expect(tradeOff(points, 2).best.gmacPerFrame).toBe('b');
	});
});

describe('tradeOffSentence', () => {
	it.each<[Parameters<typeof pointsOf>[0], string]>([
		[
			{ dense: DENSE, b: [2, 20, 0.991, null] },
			'The cheapest setting within 1 point of dense: b, 2.00 of 10.00 GMAC a frame, agreement 0.991; also the fastest (20.0 of 50.0 ms).',
		],
		[
			{ dense: [10, 50, 1, 0.7], a: [1, 60, 0.8, 0.71], b: [2, 40, 0.9, 0.7] },
			'The cheapest setting within 1 point of dense: a, 1.00 of 10.00 GMAC a frame, AP50 0.710 beside 0.700; the fastest: b, 40.0 of 50.0 ms a frame, AP50 0.700 beside 0.700.',
		],
		[
			{ dense: DENSE, a: [1, 60, 0.995, null] },
			'The cheapest setting within 1 point of dense: a, 1.00 of 10.00 GMAC a frame, agreement 0.995; none of these is faster than dense.',
		],
		[
			{ dense: DENSE, a: [1, 10, 0.9, null] },
			'No setting that costs less than dense is within 1 point of its agreement; the closest is a (0.900).',
		],
	])('%#', (rows, sentence) => {
		expect(tradeOffSentence(tradeOff(pointsOf(rows)))).toBe(sentence);
	});
});
