import { describe, expect, it } from 'vitest';
import { interpolate, type ResizeFilter, resizeBytes } from './resize.ts';

// Expected numbers are what torchvision gives for the first channel of this picture.
const SIZE = { width: 5, height: 4 };
const PICTURE = Uint8Array.from(
	Array.from({ length: 20 }, (_, i) => (i * 37) % 256).flatMap((value) => [value, 255 - value, value >> 1]),
);

describe('bytes are resized with antialiasing, to the last bit', () => {
	it.each<[ResizeFilter, number[], number[]]>([
		[
			'bilinear',
			[112, 84, 97, 110, 139, 127],
			[
				0, 21, 48, 74, 100, 127, 148, 130, 151, 126, 24, 50, 77, 98, 150, 171, 161, 96, 122, 94, 42, 93, 114,
				141, 167, 193, 143, 61, 43, 64, 91, 117, 143, 170, 191,
			],
		],
		[
			'bicubic',
			[114, 79, 93, 108, 149, 129],
			[
				0, 9, 43, 77, 103, 133, 153, 137, 170, 137, 10, 29, 74, 105, 163, 193, 179, 96, 128, 88, 23, 87, 106,
				141, 181, 223, 148, 49, 38, 58, 88, 114, 139, 175, 201,
			],
		],
		[
			'lanczos',
			[117, 81, 88, 111, 153, 127],
			[
				0, 3, 43, 82, 108, 136, 153, 126, 171, 130, 4, 9, 82, 115, 180, 220, 192, 96, 132, 80, 2, 78, 92, 135,
				187, 243, 149, 54, 38, 58, 89, 109, 130, 176, 206,
			],
		],
		[
			'nearest',
			[185, 3, 77, 43, 117, 191],
			[
				0, 37, 37, 74, 111, 111, 148, 185, 222, 222, 3, 40, 40, 77, 114, 151, 151, 188, 225, 225, 6, 114, 151,
				151, 188, 225, 225, 6, 43, 80, 80, 117, 154, 154, 191,
			],
		],
	])('%s', (filter, smaller, larger) => {
		const to = (width: number, height: number) =>
			[...resizeBytes({ data: PICTURE, size: SIZE }, { width, height }, filter).data].filter(
				(_, i) => i % 3 === 0,
			);
		expect(to(3, 2)).toEqual(smaller);
		expect(to(7, 5)).toEqual(larger);
		expect(to(5, 4)).toEqual([...PICTURE].filter((_, i) => i % 3 === 0));
	});
});

describe('numbers are interpolated between neighbours', () => {
	it.each([
		['bilinear', [104.8333, 38.5, 100.1667, 90.8333, 152.5, 128.8333]],
		['bicubic', [117.1933, 21.1562, 102.0081, 80.103, 169.8438, 130.103]],
		['nearest', [185, 3, 77, 43, 117, 191]],
	] as const)('%s', (filter, expected) => {
		const picture = { data: Float32Array.from(PICTURE), size: SIZE };
		const { data } = interpolate(picture, { width: 3, height: 2 }, filter);
		expected.forEach((value, i) => expect(data[3 * i]).toBeCloseTo(value, 3));
	});
});
