import { describe, expect, it } from 'vitest';
import { halvesToFloat32 } from './half.ts';

describe('halvesToFloat32', () => {
	// Bits and values from the table of IEEE 754 binary16 examples.
	it.each([
		['one', 0x3c00, 1],
		['minus two', 0xc000, -2],
		['the largest', 0x7bff, 65504],
		['the smallest normal', 0x0400, 2 ** -14],
		['the smallest subnormal', 0x0001, 2 ** -24],
		['the largest subnormal', 0x03ff, 1023 * 2 ** -24],
		['the next after one', 0x3c01, 1 + 2 ** -10],
		['a third', 0x3555, 0.333251953125],
		['minus zero', 0x8000, -0],
		['infinity', 0x7c00, Infinity],
		['minus infinity', 0xfc00, -Infinity],
		['no number', 0x7e00, Number.NaN],
	])('%s', (_, bits, value) => {
		expect(halvesToFloat32(Uint16Array.of(bits))[0]).toBe(value);
	});
});
