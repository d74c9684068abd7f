import { describe, expect, it } from 'vitest';
import { layCameraInset, type CameraTrack } from './camera-inset.ts';
import { followedAround, followedSpans } from './camera-path.ts';

const DISPLAY = { width: 640, height: 480 };
const SIZE = { width: 1280, height: 960 };

/** A camera at these places, null where it is fixed; the scene is anchored anew at positions `anchors`. */
function track(
	places: readonly ([x: number, y: number] | null)[],
	anchors: readonly number[] = [],
): CameraTrack {
	const column = (of: (place: [number, number]) => number) =>
		Float32Array.from(places, (place) => (place ? of(place) : Number.NaN));
	return {
		columns: {
			x: column(([x]) => x),
			y: column(([, y]) => y),
			scale: column(() => 1),
			rotation: column(() => 0),
			gridX: column(() => 0),
			gridY: column(() => 0),
		},
		anchors: Uint8Array.from(places, (_, i) => (anchors.includes(i) ? 1 : 0)),
		length: places.length,
	};
}

const pan = (frames: number) => Array.from({ length: frames }, (_, i): [number, number] => [20 * i, 0]);
const at = (of: CameraTrack, position: number) => layCameraInset(of, DISPLAY, SIZE, 2)(position);

describe('the map of where a camera has been', () => {
	it('lies in the upper right corner, holds all that the camera shows, and keeps its scale', () => {
		const run = track(pan(50));
		const { rect } = at(run, 0)!;
		expect(rect.x + rect.width).toBe(SIZE.width - 16);
		expect(rect.y).toBe(16);
		expect(rect.width).toBeLessThanOrEqual(Math.ceil(0.22 * SIZE.width));
		expect(rect.height).toBeLessThanOrEqual(Math.ceil(0.22 * SIZE.height));
		for (const position of [0, 25, 49]) {
			const inset = at(run, position)!;
			expect(inset.rect).toEqual(rect);
			for (const { x, y } of [...inset.outline, inset.now, ...inset.lines.flat()]) {
				expect(x).toBeGreaterThanOrEqual(rect.x);
				expect(x).toBeLessThanOrEqual(rect.x + rect.width);
				expect(y).toBeGreaterThanOrEqual(rect.y);
				expect(y).toBeLessThanOrEqual(rect.y + rect.height);
			}
		}
	});

	it('draws the frame at the scale of the path, around where the camera looks', () => {
		const { outline, now, lines } = at(track(pan(33)), 32)!;
		const [upperLeft, upperRight, lowerRight] = outline;
		expect(lines).toHaveLength(1);
		expect(lines[0]!.at(-1)).toEqual(now);
		// The camera has gone as far as the frame is wide.
		expect(now.x - lines[0]![0]!.x).toBeCloseTo(upperRight!.x - upperLeft!.x, 4);
		expect(lowerRight!.y - upperRight!.y).toBeCloseTo((480 / 640) * (upperRight!.x - upperLeft!.x), 4);
		expect((upperLeft!.x + upperRight!.x) / 2).toBeCloseTo(now.x, 4);
	});

	it.each<[string, (readonly [number, number] | null)[], number[], number[]]>([
		['one line where the camera is followed throughout', pan(6), [], [6]],
		['a gap where it was fixed in between', [...pan(3), null, ...pan(3)], [], [3, 3]],
		['a gap where the scene was anchored anew', pan(6), [4], [4, 2]],
	])('draws %s', (_, places, anchors, lengths) => {
		const run = track(places as ([number, number] | null)[], anchors);
		expect(at(run, run.length - 1)!.lines.map((line) => line.length)).toEqual(lengths);
	});

	it('draws nothing of what comes later, and nothing where the camera is fixed', () => {
		const run = track([null, ...pan(5), null]);
		expect(at(run, 0)).toBeNull();
		expect(at(run, 1)!.lines).toEqual([[at(run, 1)!.now]]);
		expect(at(run, 6)).toBeNull();
		expect(at(run, 7)).toBeNull();
		expect(at(run, -1)).toBeNull();
	});

	it('turns and shrinks the outline with the view', () => {
		const run = track(pan(1));
		run.columns.rotation[0] = 0.1;
		run.columns.scale[0] = 2;
		const { outline, now } = at(run, 0)!;
		const [upperLeft, upperRight, lowerRight] = outline;
		expect(Math.atan2(upperRight!.y - upperLeft!.y, upperRight!.x - upperLeft!.x)).toBeCloseTo(0.1, 5);
		expect((upperLeft!.x + lowerRight!.x) / 2).toBeCloseTo(now.x, 4);
	});

	it('leaves out points that lie on others, so that hours stay small', () => {
		const shaking = Array.from({ length: 5000 }, (_, i): [number, number] => [Math.sin(i) / 10, 0]);
		expect(at(track(shaking), 4999)!.lines.flat().length).toBeLessThan(10);
	});
});

it('knows the stretch in which the camera is followed', () => {
	const { columns, length } = track([null, ...pan(3), null, ...pan(2)]);
	expect(followedSpans(columns)).toEqual([
		{ from: 1, to: 3 },
		{ from: 5, to: 6 },
	]);
	const spans = Array.from({ length }, (_, position) => followedAround(columns, position, length));
	expect(spans).toEqual([
		null,
		...new Array(3).fill({ from: 1, to: 3 }),
		null,
		...new Array(2).fill({ from: 5, to: 6 }),
	]);
});
