import { describe, expect, it } from 'vitest';
import { PictureCache, pictureCapacity, type Picture } from './picture-cache.ts';

/** Pictures that say when they are closed. */
function workshop() {
	const closed: number[] = [];
	const picture = (index: number): Picture => ({
		index,
		bitmap: { width: 1, height: 1, close: () => void closed.push(index) },
	});
	return { closed, picture };
}

describe('pictures that are kept', () => {
	it.each([
		[{ width: 160, height: 120 }, 48],
		[{ width: 768, height: 576 }, 37],
		[{ width: 1920, height: 1080 }, 8],
		[{ width: 3840, height: 2160 }, 4],
	])('of %o: %i', (size, count) => {
		expect(pictureCapacity(size)).toBe(count);
	});

	it.each([
		['near the eye, on both sides alike', 0, [8, 9, 10, 11, 12]],
		['ahead rather than behind, forwards', 1, [9, 10, 11, 12, 13]],
		['behind rather than ahead, backwards', -1, [7, 8, 9, 10, 11]],
	] as const)('are those %s', (_, direction, kept) => {
		const { closed, picture } = workshop();
		const cache = new PictureCache(5);
		cache.look(10, direction);
		for (let i = 0; i < 20; i++) cache.put(picture(i));
		expect(Array.from({ length: 20 }, (_, i) => i).filter((i) => cache.has(i))).toEqual(kept);
		expect(closed).toHaveLength(15);
		expect(closed).not.toContain(10);
	});

	it('include the one on the screen, however far away', () => {
		const { closed, picture } = workshop();
		const cache = new PictureCache(3);
		cache.put(picture(0));
		cache.pin(0);
		cache.look(50, 1);
		for (let i = 50; i < 60; i++) cache.put(picture(i));
		expect(cache.has(0)).toBe(true);
		cache.pin(50);
		cache.put(picture(60));
		expect(closed).toContain(0);
	});

	it('are all closed at the end, once each', () => {
		const { closed, picture } = workshop();
		const cache = new PictureCache(4);
		for (const i of [1, 2, 2, 3, 4, 5]) cache.put(picture(i));
		cache.clear();
		expect(closed.toSorted()).toEqual([1, 2, 2, 3, 4, 5]);
		expect(cache.size).toBe(0);
	});
});
