import { describe, expect, it } from 'vitest';
import { CIVIDIS, classColour, FULL_FRAME_COLOUR, inkOn, OKABE_ITO, rgbOf } from './palette.ts';

describe('classColour', () => {
	it('gives the classes of a street seven different colours', () => {
		const street = ['person', 'bicycle', 'car', 'motorcycle', 'bus', 'truck', 'train'];
		expect(new Set(street.map(classColour)).size).toBe(7);
	});

	it('gives the animals of a field six more', () => {
		const field = ['bird', 'cat', 'dog', 'horse', 'sheep', 'cow'];
		const street = ['person', 'bicycle', 'car', 'motorcycle', 'bus', 'truck', 'train'];
		expect(new Set([...field, ...street].map(classColour)).size).toBe(13);
	});

	it('gives nobody the colour of people, of cars or of the outline of a whole frame', () => {
		const kept = ['person', 'car'].map(classColour).concat(FULL_FRAME_COLOUR);
		const others = ['truck', 'bus', 'sheep', 'boat', 'bench', 'kite', 'chair', '人', ...Array.from({ length: 500 }, (_, i) => `class ${i}`)]; // prettier-ignore
		expect(others.filter((name) => kept.includes(classColour(name)))).toEqual([]);
	});

	it('answers any name from the set, and not always the same', () => {
		const names = ['cat', 'dog', 'bottle', 'chair', '人', '', 'constructor', '__proto__'];
		const colours = names.map(classColour);
		for (const colour of colours) expect(colour).toMatch(/^#[0-9a-f]{6}$/);
		expect(new Set(colours).size).toBeGreaterThan(2);
	});
});

describe('inkOn', () => {
	it.each([
		['white paper', '#ffffff', '#000000'],
		['black', '#000000', '#ffffff'],
		['yellow is light', OKABE_ITO.yellow, '#000000'],
		['blue is dark', OKABE_ITO.blue, '#ffffff'],
	])('%s', (_what, paper, ink) => {
		expect(inkOn(paper)).toBe(ink);
	});
});

describe('CIVIDIS', () => {
	it('begins and ends where the published map does', () => {
		expect([...CIVIDIS.slice(0, 3)]).toEqual([0, 34, 78]);
		expect([...CIVIDIS.slice(-3)]).toEqual([254, 232, 56]);
		expect([...CIVIDIS.slice(3 * 128, 3 * 129)]).toEqual([125, 124, 120]);
	});

	it('grows lighter with every eighth of the way', () => {
		const lightness = Array.from({ length: 9 }, (_, k) => {
			const i = 3 * Math.min(255, 32 * k);
			return 0.2126 * CIVIDIS[i]! + 0.7152 * CIVIDIS[i + 1]! + 0.0722 * CIVIDIS[i + 2]!;
		});
		for (let k = 1; k < 9; k++) expect(lightness[k]).toBeGreaterThan(lightness[k - 1]! + 10);
	});
});

describe('rgbOf', () => {
	it('reads the three channels in order', () => {
		expect(rgbOf('#0a80ff')).toEqual([10, 128, 255]);
	});
});
