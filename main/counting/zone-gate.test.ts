import { describe, expect, it } from 'vitest';
import { chanceOf } from '../domain/chance.fixture.ts';
import type { Point } from '../domain/zones.ts';
import { COUNTING, countTracks } from './count-tracks.ts';
import { isInside } from './geometry.ts';
import { pathsOf, walk, zoneSetOf } from './paths.fixture.ts';

const YARD = { id: 'yard', name: 'Yard', points: [[100, 100], [300, 100], [300, 300], [100, 300]] as Point[] }; // prettier-ignore
/** A yard with a bay from the right: two arms around what is not part of it. */
const FORK = { ...YARD, points: [[100, 100], [300, 100], [300, 160], [150, 160], [150, 240], [300, 240], [300, 300], [100, 300]] as Point[] }; // prettier-ignore

/** Such as `entered 5..12 left` or `appeared 0..9 disappeared`. */
function stays(path: readonly (Point | null)[], zone = YARD, hysteresis = 0.05): string[] {
	const { visits } = countTracks(pathsOf([{ path }]), zoneSetOf({ zones: [zone], hysteresis }), AS_SEEN);
	return Array.from({ length: visits.count }, (_, v) => {
		const frames = `${visits.enterFrames[v]}..${visits.leaveFrames[v]}`;
		return `${visits.hasEntered[v] ? 'entered' : 'appeared'} ${frames} ${visits.hasLeft[v] ? 'left' : 'disappeared'}`;
	});
}

const shaken = (x: readonly number[]): Point[] => x.map((offset) => [100 + offset, 200]);

/** Without smoothing, so that frames are known exactly. */
const AS_SEEN = { ...COUNTING, smoothSeconds: 0 };

describe('a zone has visits of', () => {
	it.each<[what: string, path: (Point | null)[], expected: string[], zone?: typeof YARD]>([
		['who walks through', walk([55, 200], [355, 200], 31), ['entered 5..25 left']],
		['who starts within', walk([205, 200], [355, 200], 16), ['appeared 0..10 left']],
		['who ends within', walk([55, 200], [205, 200], 16), ['entered 5..15 disappeared']],
		['who is never seen outside', walk([120, 200], [280, 200], 5), ['appeared 0..4 disappeared']],
		['who is seen once', [[200, 200]], ['appeared 0..0 disappeared']],
		['nobody outside', walk([0, 50], [400, 50], 9), []],
		['who trembles on the edge once', shaken([-30, -2, 2, -3, 3, -1, 30, 60]), ['entered 6..7 disappeared']],
		['nobody who steps over the edge within the margin', shaken([-30, -2, 3, 4, -2, -30]), []],
		['nobody who trembles on the edge and is seen nowhere else', shaken([-3, 2, -2, 3]), []],
		['who trembles on the edge within from the start', shaken([3, -2, 2, -1]), ['appeared 0..3 disappeared']],
		[
			'who steps out within the margin, throughout',
			shaken([50, 20, -3, -4, 10, 50]),
			['appeared 0..5 disappeared'],
		],
		[
			'who jumps over it between two frames',
			[
				[50, 200],
				[350, 200],
			],
			['entered 1..1 left'],
		],
		[
			'who is not seen within',
			[[50, 200], null, null, [60, 260], null, null, [350, 150]],
			['entered 6..6 left'],
		],
		[
			'nobody who cuts a corner within the margin',
			[
				[90, 103],
				[103, 90],
				[110, 80],
			],
			[],
		],
		[
			'nobody whose jump passes beside it',
			[
				[50, 200],
				[50, 350],
				[350, 350],
			],
			[],
		],
		['nobody in a bay', walk([350, 200], [200, 200], 6), [], FORK],
		['who jumps from arm to arm over the bay', [[280, 130], [280, 270]], ['appeared 0..1 left', 'entered 1..1 disappeared'], FORK], // prettier-ignore
		[
			'who jumps over both arms',
			[
				[280, 50],
				[280, 350],
			],
			['entered 1..1 left', 'entered 1..1 left'],
			FORK,
		],
		['who walks over both arms', walk([280, 52], [280, 352], 61), ['entered 10..22 left', 'entered 38..50 left'], FORK], // prettier-ignore
	])('%s', (_, path, expected, zone = YARD) => {
		expect(stays(path, zone)).toEqual(expected);
		const turned = { ...zone, points: [...zone.points].reverse() };
		expect(stays(path, turned)).toEqual(expected);
	});

	it('stays from edge to edge: between two sightings as if the object moved evenly', () => {
		const { visits } = countTracks(pathsOf([{ path: [[50, 200], [350, 200]] }]), zoneSetOf({ zones: [YARD] }), AS_SEEN); // prettier-ignore
		expect(visits.enterSeconds[0]).toBeCloseTo(0.1 * (50 / 300));
		expect(visits.leaveSeconds[0]).toBeCloseTo(0.1 * (250 / 300));
	});
});

describe('over paths of every kind', () => {
	const chance = chanceOf(12);
	const paths = Array.from({ length: 100 }, (): Point[] => {
		let [x, y] = [50.5 + chance(300), 50.5 + chance(300)];
		return Array.from({ length: 2 + chance(50) }, (): Point => {
			x += chance(81) - 40;
			y += chance(81) - 40;
			return [x, y];
		});
	});

	it.each([YARD, FORK])('without a margin, a visit holds the frames whose anchor is inside', (zone) => {
		for (const path of paths) {
			const { visits } = countTracks(
				pathsOf([{ path }]),
				zoneSetOf({ zones: [zone], hysteresis: 0 }),
				AS_SEEN,
			);
			const within = path.map(() => false);
			for (let v = 0; v < visits.count; v++) {
				within.fill(true, visits.enterFrames[v], visits.leaveFrames[v]! + (visits.hasLeft[v] ? 0 : 1));
			}
			expect(within).toEqual(path.map(([x, y]) => isInside(zone.points.flat(), x, y)));
		}
	});

	it('visits of one object follow one another, and only the first and last may lack a side', () => {
		for (const path of paths) {
			const { visits } = countTracks(pathsOf([{ path }]), zoneSetOf({ zones: [FORK] }), AS_SEEN);
			for (let v = 0; v < visits.count; v++) {
				expect(visits.hasEntered[v] === 1 || v === 0).toBe(true);
				expect(visits.hasLeft[v] === 1 || v === visits.count - 1).toBe(true);
				expect(visits.leaveSeconds[v]).toBeGreaterThanOrEqual(visits.enterSeconds[v]!);
				if (v > 0) expect(visits.enterSeconds[v]).toBeGreaterThanOrEqual(visits.leaveSeconds[v - 1]!);
			}
		}
	});

	it('a film that runs backwards has the same visits the other way round', () => {
		for (const path of paths) {
			const kinds = (points: Point[]) => stays(points, FORK).map((stay) => stay.replace(/\d+\.\.\d+/, '-'));
			const turned = (stay: string) =>
				`${stay.endsWith('left') ? 'entered' : 'appeared'} - ${stay.startsWith('entered') ? 'left' : 'disappeared'}`;
			expect(
				kinds([...path].reverse())
					.map(turned)
					.reverse(),
			).toEqual(kinds(path));
		}
	});
});
