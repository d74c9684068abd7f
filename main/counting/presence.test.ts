import { describe, expect, it } from 'vitest';
import { pathsOf, walk } from './paths.fixture.ts';
import { presenceOf } from './presence.ts';

const SIZE = { width: 640, height: 480 };

describe('where objects have been', () => {
	it('is counted by cells of the picture, the fullest of which is brightest', () => {
		const paths = pathsOf([
			{ path: Array.from({ length: 9 }, () => [105, 205] as const) },
			{ path: [[325, 205]], classIndex: 1 }, // prettier-ignore
		]);
		const { cols, rows, levels, most } = presenceOf(paths, SIZE, 'bottom', null);
		expect([cols, rows, most]).toEqual([64, 48, 9]);
		expect(levels[20 * cols + 10]).toBe(255);
		expect(levels[20 * cols + 32]).toBe(85); // the root of a ninth
		expect(levels.filter((level) => level > 0)).toHaveLength(2);
	});

	it('can be asked of one class', () => {
		const paths = pathsOf([
			{ path: walk([5, 100], [635, 100], 10) },
			{ path: walk([5, 300], [635, 300], 10), classIndex: 1 },
		]);
		const { levels, cols } = presenceOf(paths, SIZE, 'bottom', 1);
		expect(
			new Set([...levels.keys()].filter((i) => levels[i]! > 0).map((i) => Math.floor(i / cols))),
		).toEqual(new Set([30]));
	});

	it('stays within the picture, and is nothing where nobody was', () => {
		const { levels, most } = presenceOf(pathsOf([{ path: [[639.9, 530]] }]), SIZE, 'bottom', null); // prettier-ignore
		expect([levels.at(-1), most]).toEqual([255, 1]);
		expect(presenceOf(pathsOf([]), SIZE, 'bottom', null).most).toBe(0);
	});
});
