import { describe, expect, it } from 'vitest';
import { pictureMotion, type CameraPath } from '../domain/camera-path.ts';
import { BoxFilter } from './box-filter.ts';

type Box = readonly [left: number, top: number, right: number, bottom: number];
const BOX: Box = [100, 50, 120, 90];
const shifted = (x: number, y: number): Box => [BOX[0] + x, BOX[1] + y, BOX[2] + x, BOX[3] + y];
const near = (box: Box, expected: Box) => box.forEach((side, i) => expect(side).toBeCloseTo(expected[i]!, 0));

function boxOf(filter: BoxFilter): Box {
	const box = new Float64Array(4);
	filter.putBox(box);
	return [box[0]!, box[1]!, box[2]!, box[3]!];
}

/** What a filter believes after sightings every `seconds` of a box that moves by (20, 10) pixels per second. */
function after(sightings: number, seconds: number): BoxFilter {
	const filter = new BoxFilter(BOX);
	for (let i = 1; i < sightings; i++) {
		filter.predict(seconds);
		filter.see(shifted(20 * i * seconds, 10 * i * seconds));
	}
	return filter;
}

describe('the filter of a box', () => {
	it('begins where the box is, at rest', () => {
		const filter = new BoxFilter(BOX);
		near(boxOf(filter), BOX);
		filter.predict(1);
		near(boxOf(filter), BOX);
	});

	it.each([0.02, 0.1, 1])('learns how fast it moves from sightings every %s seconds', (seconds) => {
		const filter = after(200, seconds);
		filter.predict(0.5);
		const x = 20 * (199 * seconds + 0.5);
		near(boxOf(filter), shifted(x, x / 2));
	});

	it('weighs what it sees against what it expects: less after many sightings', () => {
		const [young, old] = [1, 50].map((sightings) => {
			const filter = after(sightings, 0);
			filter.see(shifted(10, 0));
			return boxOf(filter)[0] - BOX[0];
		});
		expect(young).toBeGreaterThan(7);
		expect(old).toBeLessThan(1);
	});

	it('stays a box where there is none: without height, and shrinking for long', () => {
		const flat = new BoxFilter([10, 50, 30, 50]);
		flat.predict(1);
		flat.see([10, 50, 30, 50]);
		expect(boxOf(flat).every(Number.isFinite)).toBe(true);
		const shrinking = new BoxFilter(BOX);
		for (let i = 1; i < 8; i++) {
			shrinking.predict(0.1);
			shrinking.see([100, 50, 120, 90 - 5 * i]);
		}
		shrinking.predict(20);
		const [left, top, right, bottom] = boxOf(shrinking);
		expect(right - left).toBeGreaterThanOrEqual(0);
		expect(bottom - top).toBeGreaterThanOrEqual(0);
	});

	const rest: CameraPath = { x: 0, y: 0, scale: 1, rotation: 0, gridX: 0, gridY: 0 };
	const middle = { x: 100, y: 60 };
	it.each<[string, Partial<CameraPath>, Box]>([
		['a pan to the right moves pictures to the left', { x: 30, y: -5 }, shifted(-30, 5)],
		['a zoom moves them away from the middle', { scale: 1.5 }, [100, 45, 130, 105]],
		['a quarter turn clockwise turns the picture back', { rotation: Math.PI / 2 }, [100, 30, 120, 70]],
		['a pan after a zoom is as much longer', { x: 30, y: -5, scale: 2 }, [40, 50, 80, 130]],
	])('%s', (_, to, expected) => {
		const filter = new BoxFilter(BOX);
		filter.moveWith(pictureMotion(rest, { ...rest, ...to }), middle);
		near(boxOf(filter), expected);
	});

	it('goes along with a camera step by step as it does in one', () => {
		const paths = [
			rest,
			{ ...rest, x: 12, y: 3, scale: 1.1, rotation: 0.1 },
			{ ...rest, x: -7, y: 9, scale: 0.9, rotation: -0.2 },
		];
		const [steps, once] = [new BoxFilter(BOX), new BoxFilter(BOX)];
		steps.moveWith(pictureMotion(paths[0]!, paths[1]!), middle);
		steps.moveWith(pictureMotion(paths[1]!, paths[2]!), middle);
		once.moveWith(pictureMotion(paths[0]!, paths[2]!), middle);
		boxOf(steps).forEach((side, i) => expect(side).toBeCloseTo(boxOf(once)[i]!, 9));
	});
});
