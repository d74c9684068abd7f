import { describe, expect, it } from 'vitest';
import { countHeldBack } from './gate-drift.ts';

describe('tokens that a gate holds back', () => {
	it.each([
		['those that changed and were not selected', { norms: [0, 2, 3, 4], selected: [3] }, 2],
		['none where the share lets more pass than changed', { norms: [0, 0, 3, 0], selected: [0, 1, 2] }, 0],
		['none in a black video, whatever passes', { norms: [0, 0, 0, 0], selected: [0, 1] }, 0],
		['none behind an open gate', { norms: [1, 1], selected: [0, 1], isOpen: true }, 0],
	])('are %s', (_, { norms, selected, ...open }, expected) => {
		const gate = {
			norms: Float32Array.from(norms),
			indices: Int32Array.from(selected),
			count: selected.length,
			isOpen: 'isOpen' in open,
		};
		expect(countHeldBack(gate)).toBe(expected);
	});
});
