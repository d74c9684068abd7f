import { describe, expect, it } from 'vitest';
import {
	bounded,
	fromSlider,
	nudged,
	SLIDER_STEPS,
	sliderKind,
	toSlider,
	type NumberSpec,
} from './slider-scale.ts';

const base = { description: '' };
const FRACTION: NumberSpec = { ...base, kind: 'number', default: 0.1, min: 0.005, max: 1, step: 0.005 };
const THRESHOLD: NumberSpec = { ...base, kind: 'number', default: 2, min: 0, max: 255, step: 0.5 };
const K: NumberSpec = { ...base, kind: 'integer', default: 128, min: 1, max: 100_000, step: 16 };
const DILATION: NumberSpec = { ...base, kind: 'integer', default: 0, min: 0, max: 8 };
const REFRESH: NumberSpec = { ...base, kind: 'integer', default: 150, min: 0, max: 1_000_000 };

describe.each([
	['a share', FRACTION, 'linear'],
	['grey levels, of which the lowest matter', THRESHOLD, 'cubic'],
	['a count over five decades', K, 'logarithmic'],
	['a handful of steps whose default is the least', DILATION, 'cubic'],
	['frames up to a million', REFRESH, 'cubic'],
] as const)('the slider for %s', (_, spec, kind) => {
	it(`is ${kind}`, () => expect(sliderKind(spec)).toBe(kind));

	it('reaches both ends', () => {
		expect(fromSlider(spec, 0)).toBe(spec.min);
		expect(fromSlider(spec, SLIDER_STEPS)).toBe(spec.max);
	});

	it('stays in its table wherever it is pushed, and never goes back', () => {
		let last = spec.min;
		for (let position = 0; position <= SLIDER_STEPS; position++) {
			const value = fromSlider(spec, position);
			expect(value).toBeGreaterThanOrEqual(last);
			expect(value).toBeLessThanOrEqual(spec.max);
			if (spec.kind === 'integer') expect(value % 1).toBe(0);
			last = value;
		}
	});

	it('stands where its value is', () => {
		// Two figures are kept where values are many.
		const back = fromSlider(spec, toSlider(spec, spec.default));
		expect(Math.abs(back - spec.default)).toBeLessThanOrEqual(0.05 * spec.default);
	});

	it.each([1, -1] as const)('is moved on by a key in direction %i, as far as it goes', (direction) => {
		const end = direction > 0 ? spec.max : spec.min;
		const next = nudged(spec, spec.default, direction);
		if (spec.default === end) expect(next).toBe(end);
		else expect(Math.sign(next - spec.default)).toBe(direction);
		expect(nudged(spec, end, direction)).toBe(end);
	});
});

it.each([
	[0.1234, 0.125],
	[-3, 0.005],
	[9, 1],
])('%f becomes %f on the grid of the table', (value, on) => expect(bounded(FRACTION, value)).toBe(on));
