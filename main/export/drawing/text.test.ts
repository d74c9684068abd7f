import { describe, expect, it } from 'vitest';
import { TextPainter } from './text.ts';

const text = new TextPainter(13);
const inked = (words: string) => text.mask(words).coverage.filter((value) => value > 127).length;

describe('TextPainter', () => {
	it('gives all figures one width, so that numbers do not jump', () => {
		const widths = [...'0123456789'].map((figure) => text.width(figure.repeat(10), 600));
		expect(new Set(widths).size).toBe(1);
	});

	it('draws with the font it brings, in two weights', () => {
		expect(text.width('frame 124')).toBeGreaterThan(40);
		expect(text.width('speed-up', 600)).toBeGreaterThan(text.width('speed-up', 400));
	});

	it.each(['person 0.93', '1.9× · 100 %', 'Größe', '…'])('puts ink down for %j', (words) => {
		expect(inked(words)).toBeGreaterThan(3);
	});

	it('keeps descenders and capitals inside the line', () => {
		const { coverage, width, height } = text.mask('Ägjpq|');
		const edge = [...coverage.subarray(0, width), ...coverage.subarray(width * (height - 1))];
		expect(Math.max(...edge)).toBe(0);
	});

	it.each([
		['fits', 500, false],
		['does not', 60, true],
		['has no room at all', 1, true],
	])('cuts with an ellipsis what is too wide: %s', (_what, maxWidth, isCut) => {
		const whole = text.width('token-cache · fraction 0.1');
		const { width } = text.mask('token-cache · fraction 0.1', 400, maxWidth);
		expect(width).toBeLessThanOrEqual(maxWidth);
		expect(width < whole).toBe(isCut);
	});

	it('takes an empty text', () => {
		expect(inked('')).toBe(0);
	});
});
