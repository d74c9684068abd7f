import { expect, it } from 'vitest';
import { cutOut } from './cut-out.ts';

const PICTURE = { width: 640, height: 480 };

it.each<
	[what: string, box: [number, number, number, number], margin: number, aspect: number | null, cut: number[]]
>([
	['has a margin on each side, of the longer one', [100, 100, 140, 200], 0.1, null, [90, 90, 60, 120]],
	['is the box alone', [100, 100, 140, 200], 0, null, [100, 100, 40, 100]],
	['takes more along at the sides', [100, 100, 140, 200], 0, 1, [70, 100, 100, 100]],
	['takes more along above and below', [100, 100, 200, 140], 0, 0.5, [100, 20, 100, 200]],
	['is moved into the picture', [0, 440, 40, 480], 0.25, 1, [0, 420, 60, 60]],
	['has another shape where the picture is too small', [0, 0, 640, 400], 0, 0.8, [0, 0, 640, 480]],
	['stays within for a box beyond the border', [600, -50, 700, 60], 0, null, [540, 0, 100, 110]],
	['has a pixel at least', [10.2, 10.2, 10.3, 10.3], 0, null, [10, 10, 1, 1]],
])('what is cut out %s', (_, box, margin, aspect, [x, y, width, height]) => {
	expect(cutOut(box, PICTURE, { margin, aspect })).toEqual({ x, y, width, height });
});
