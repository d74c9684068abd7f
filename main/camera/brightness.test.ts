import { describe, expect, it } from 'vitest';
import { fitBrightness } from './brightness.ts';

const SQUARES = 200;
/** Means of squares between dark and bright, and those of another frame of them. */
const REMEMBERED = Float32Array.from({ length: SQUARES }, (_, i) => 20 + ((i * 37) % 180));
const seen = (of: (value: number, i: number) => number) => REMEMBERED.map(of);

describe('what most squares share is light', () => {
	it.each([
		['an exposure that halves', 0.5, 0],
		['a flash', 1.25, 12],
		['fog', 0.8, 40],
	])('%s', (_, gain, offset) => {
		// A tenth of the squares shows something else altogether.
		const fit = fitBrightness(
			seen((value, i) => (i % 10 === 0 ? 200 - value : gain * value + offset)),
			REMEMBERED,
		);
		expect(fit!.gain).toBeCloseTo(1 / gain, 1);
		expect(fit!.gain * 100 + fit!.offset).toBeCloseTo((100 - offset) / gain, 0);
	});
});

describe('anything else is left alone', () => {
	it.each<[string, (value: number, i: number) => number]>([
		['steady light', (value) => value],
		['sensor noise', (value, i) => value + ((i * 7) % 5) - 2],
		['a change too small to tell', (value) => value + 2],
		['something large that moves through', (value, i) => (i % 5 < 2 ? 200 - value : value)],
		['another scene', (_, i) => 20 + ((i * 91) % 170)],
		['a black frame', () => 0],
	])('%s', (_, of) => {
		expect(fitBrightness(seen(of), REMEMBERED)).toBeNull();
	});

	it('squares of which nothing is remembered have no say', () => {
		const remembered = REMEMBERED.map((value, i) => (i < 150 ? NaN : value));
		expect(
			fitBrightness(
				seen((value, i) => (i < 150 ? 0 : value)),
				remembered,
			),
		).toBeNull();
		expect(
			fitBrightness(
				seen((value) => value),
				new Float32Array(SQUARES).fill(NaN),
			),
		).toBeNull();
	});
});
