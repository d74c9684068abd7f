import { describe, expect, it } from 'vitest';
import { chanceOf } from '../domain/chance.fixture.ts';
import type { Anchor, Point } from '../domain/zones.ts';
import { COUNTING, countTracks } from './count-tracks.ts';
import { pathsOf, walk, zoneSetOf, type MadeTrack } from './paths.fixture.ts';

/** From left to right: who goes down the picture crosses it forwards. */
const GATE = { id: 'gate', name: 'Gate', from: [100, 200], to: [300, 200] } as const;

type Crossing = [direction: number, frame: number, since: number];

function crossings(
	tracks: readonly MadeTrack[],
	line = GATE as typeof GATE | typeof BACK,
	anchor: Anchor = 'bottom',
	hysteresis = 0.05,
): Crossing[] {
	const { events } = countTracks(pathsOf(tracks), zoneSetOf({ lines: [line], anchor, hysteresis }), AS_SEEN);
	return Array.from({ length: events.count }, (_, row) => row)
		.filter((row) => events.directions[row] !== 0)
		.map((row) => [events.directions[row]!, events.frameIndices[row]!, events.sinceFrames[row]!]);
}

const BACK = { ...GATE, from: GATE.to, to: GATE.from };
const shaken = (y: readonly number[]): Point[] => y.map((offset) => [200, 200 + offset]);

/** Without smoothing, so that frames are known exactly. */
const AS_SEEN = { ...COUNTING, smoothSeconds: 0 };

describe('a line counts', () => {
	it.each<[what: string, path: (Point | null)[], expected: Crossing[]]>([
		['who walks over it, in the first frame beyond it', walk([200, 150], [200, 260], 12), [[1, 6, 5]]],
		['who comes back, once each way', [...walk([200, 150], [200, 250], 11), ...walk([200, 240], [200, 150], 10)], [[1, 6, 5], [-1, 16, 15]]], // prettier-ignore
		['nobody who walks round its end', [...walk([350, 150], [350, 250], 11), ...walk([340, 250], [200, 250], 11)], []], // prettier-ignore
		['nobody who walks along it', walk([50, 190], [350, 190], 20), []],
		['nobody who turns round before it', [...walk([200, 150], [200, 198], 9), ...walk([200, 195], [200, 150], 9)], []], // prettier-ignore
		['nobody who steps on it within the margin, and turns round', shaken([-30, -10, 3, 4, 2, -10, -30]), []],
		[
			'who trembles on it once, when it is left for good',
			shaken([-30, -3, 2, -2, 3, -1, 2, 30]),
			[[1, 6, 5]],
		],
		['nobody who trembles on it and is seen nowhere else', shaken([-3, 2, -2, 3, -1, 2]), []],
		['who trembles far beyond the margin each time', shaken([-30, 30, -30, 30]), [[1, 1, 0], [-1, 2, 1], [1, 3, 2]]], // prettier-ignore
		['who is not seen while crossing', [[200, 150], null, null, null, null, [220, 270]], [[1, 5, 0]]],
		['nobody whose way while not seen passes the end', [[320, 150], null, null, null, null, [340, 270]], []],
		['who crosses the whole picture between two frames', walk([200, 0], [200, 480], 2), [[1, 1, 0]]],
		['who appears close before it', shaken([-2, 1, 20]), [[1, 1, 0]]],
		['nobody who appears close behind it', shaken([2, 5, 20]), []],
		['who disappears close behind it', shaken([-20, -5, 2]), [[1, 2, 1]]],
		['nobody who disappears close before it', shaken([-20, -5, -2]), []],
		['who stands exactly on it on the way', shaken([-20, 0, 0, 20]), [[1, 3, 2]]],
		['nobody who stands exactly on it and turns round', shaken([-20, 0, -20]), []],
		['who crosses exactly at its end', walk([300, 150], [300, 250], 2), [[1, 1, 0]]],
		['who goes round the end and comes back over it', [[350, 150], [350, 250], [200, 250], [200, 150]], [[-1, 3, 2]]], // prettier-ignore
		['nobody with a single sighting', [[200, 199]], []],
	])('%s', (_, path, expected) => {
		expect(crossings([{ path }])).toEqual(expected);
	});

	it('the other way round when it is drawn the other way round', () => {
		expect(crossings([{ path: walk([200, 150], [200, 260], 12) }], BACK)).toEqual([[-1, 6, 5]]);
	});

	it.each<[Anchor, frame: number | null]>([
		['bottom', 6],
		['centre', 11],
		['top', null],
		['left', 11],
		['right', 11],
	])('the %s of the box', (anchor, frame) => {
		const path = walk([200, 150], [200, 280], 14);
		expect(crossings([{ path }], GATE, anchor).map(([, at]) => at)).toEqual(frame === null ? [] : [frame]);
	});

	it('with a margin that is a share of the height of the box', () => {
		const path = shaken([-30, 7, -30, 30]);
		expect(crossings([{ path, height: 100 }])).toHaveLength(3);
		expect(crossings([{ path, height: 200 }])).toHaveLength(1);
		expect(crossings([{ path, height: 200 }], GATE, 'bottom', 0)).toHaveLength(3);
	});

	it('every track for itself', () => {
		const over = walk([200, 150], [200, 250], 8);
		expect(
			crossings([{ path: over }, { path: [...over].reverse() }, { path: over, firstFrame: 40 }]),
		).toHaveLength(3);
	});
});

describe('over paths of every kind', () => {
	const chance = chanceOf(11);
	const wandering = (): Point[] => {
		let [x, y] = [100 + chance(200), 100 + chance(200)];
		return Array.from({ length: 2 + chance(60) }, (): Point => {
			x += chance(61) - 30;
			y += chance(61) - 30;
			return [x, y];
		});
	};
	const paths = Array.from({ length: 100 }, wandering);

	it('who crosses a line without ends changes sides: forwards less backwards is the change', () => {
		const endless = { ...GATE, from: [-1e5, 200], to: [1e5, 200] } as unknown as typeof GATE;
		for (const path of paths) {
			for (const hysteresis of [0, 0.05, 0.2]) {
				const isSure = path.some(([, y]) => Math.abs(y - 200) > 100 * hysteresis);
				const side = (y: number) => (y > 200 ? 1 : 0);
				const off = path.filter(([, y]) => y !== 200);
				const change = isSure ? side(off.at(-1)![1]) - side(off[0]![1]) : 0;
				const found = crossings([{ path }], endless, 'bottom', hysteresis);
				expect(found.reduce((sum, [direction]) => sum + direction, 0)).toBe(change);
			}
		}
	});

	it('a film that runs backwards counts the same the other way round', () => {
		for (const path of paths) {
			const there = crossings([{ path }]).map(([direction]) => direction);
			const back = crossings([{ path: [...path].reverse() }]).map(([direction]) => -direction);
			expect(back.reverse()).toEqual(there);
		}
	});

	it('more sightings on the same way change nothing where there is no margin', () => {
		for (const path of paths) {
			const finer = path.flatMap((point, i) => (i === 0 ? [point] : walk(path[i - 1]!, point, 4).slice(1)));
			const of = (points: Point[]) =>
				crossings([{ path: points }], GATE, 'bottom', 0).map(([direction]) => direction);
			expect(of(finer)).toEqual(of(path));
		}
	});
});
