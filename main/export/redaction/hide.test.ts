import { describe, expect, it } from 'vitest';
import { chanceOf } from '../../domain/chance.fixture.ts';
import { hideBoxes, type Hiding } from './hide.ts';

const SIZE = { width: 96, height: 80 };
const BOX = [16, 8, 80, 72] as const;

function noise(seed: number): Uint8Array {
	const chance = chanceOf(seed);
	return Uint8Array.from({ length: 4 * SIZE.width * SIZE.height }, (_, i) =>
		i % 4 === 3 ? 255 : chance(256),
	);
}

const inBox = (pixel: number) => {
	const [x, y] = [pixel % SIZE.width, Math.floor(pixel / SIZE.width)];
	return x >= BOX[0] && x < BOX[2] && y >= BOX[1] && y < BOX[3];
};

function hidden(
	picture: Uint8Array,
	how: Hiding,
	boxes: (readonly [number, number, number, number])[] = [BOX],
	scale = 1,
) {
	const copy = picture.slice();
	hideBoxes(copy, SIZE, boxes, scale, how);
	return copy;
}

describe.each<Hiding>(['blur', 'pixelate', 'fill'])('%s', (how) => {
	it('leaves what is outside of the box as it is, and the picture opaque', () => {
		const before = noise(1);
		const after = hidden(before, how);
		for (let i = 0; i < before.length; i++) {
			if (!inBox(i >> 2)) expect(after[i]).toBe(before[i]);
			if (i % 4 === 3) expect(after[i]).toBe(255);
		}
	});

	it('can’t be undone: pictures whose pixels lie otherwise within a cell come out the same', () => {
		const before = noise(2);
		const other = before.slice();
		const at = (x: number, y: number) => 4 * (y * SIZE.width + x);
		// The box has cells of 8 × 8: turn every one of them upside down.
		for (let y = BOX[1]; y < BOX[3]; y++) {
			for (let x = BOX[0]; x < BOX[2]; x++) {
				const top = BOX[1] + 8 * Math.floor((y - BOX[1]) / 8);
				const from = at(x, 2 * top + 7 - y);
				other.set(before.subarray(from, from + 4), at(x, y));
			}
		}
		expect(other).not.toEqual(before);
		expect(hidden(other, how)).toEqual(hidden(before, how));
	});

	it.each<[string, readonly [number, number, number, number]]>([
		['beyond every side', [-50, -50, 500, 500]],
		['outside of the picture', [200, 10, 220, 20]],
		['without extent', [10, 10, 10, 10]],
		['of a fraction of a pixel', [10.2, 10.2, 10.4, 10.4]],
	])('takes a box %s', (_, box) => {
		expect(hidden(noise(3), how, [box])).toHaveLength(4 * SIZE.width * SIZE.height);
	});

	it('covers pixels that a box only touches, at any scale', () => {
		const before = noise(4);
		const after = hidden(before, how, [[33, 17, 159, 143]], 0.5);
		const changed = (x: number, y: number) => {
			const i = 4 * (y * SIZE.width + x);
			return before.subarray(i, i + 3).some((value, channel) => value !== after[i + channel]);
		};
		expect(changed(16, 8)).toBe(true);
		expect(changed(79, 71)).toBe(true);
		expect(changed(15, 7)).toBe(false);
		expect(changed(80, 72)).toBe(false);
	});
});

it('keeps a coarse picture of what moves', () => {
	const picture = new Uint8Array(4 * SIZE.width * SIZE.height).fill(255);
	for (let i = 0; i < picture.length; i++) if (i % 4 < 3 && (i >> 2) % SIZE.width < 48) picture[i] = 20;
	const at = (shown: Uint8Array, x: number) => shown[4 * (40 * SIZE.width + x)]!;
	for (const how of ['blur', 'pixelate'] as const) {
		expect(at(hidden(picture, how), 20)).toBe(20);
		expect(at(hidden(picture, how), 76)).toBe(255);
	}
});
