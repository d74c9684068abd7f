import { describe, expect, it } from 'vitest';
import { chanceOf } from '../domain/chance.fixture.ts';
import type { Point } from '../domain/zones.ts';
import { countPerClass } from './class-counts.ts';
import { countTracks, COUNTING, type CountingOptions } from './count-tracks.ts';
import { EVENT_KINDS } from './events.ts';
import { filterEvents, nextEvent, type EventFilter } from './filter-events.ts';
import { orderByFrame } from './frame-order.ts';
import { pathsOf, walk, zoneSetOf, type MadeTrack } from './paths.fixture.ts';

const YARD = { id: 'yard', name: 'Yard', points: [[100, 100], [300, 100], [300, 300], [100, 300]] as Point[] }; // prettier-ignore
const INNER = { id: 'inner', name: 'Inner', points: [[150, 150], [250, 150], [250, 250], [150, 250]] as Point[] }; // prettier-ignore
const GATE = { id: 'gate', name: 'Gate', from: [200, 0], to: [200, 480] } as const;
const ZONES = zoneSetOf({ zones: [YARD, INNER], lines: [GATE] });
const PLACES = ['yard', 'inner', 'gate'];

/** Half from the left to the right, starting outside; half from within to the left. */
const THROUGH: MadeTrack = { path: walk([55, 200], [355, 200], 31), classIndex: 2, score: 0.8 };
const OUT: MadeTrack = { path: walk([205, 205], [55, 205], 16), firstFrame: 10, height: 50, score: 0.4 };
const TRACKS = [THROUGH, OUT];

/** Such as `12 #1 entered yard`. */
function eventsOf(
	tracks: readonly MadeTrack[],
	options: CountingOptions = COUNTING,
	filter: EventFilter = {},
): string[] {
	const { events } = countTracks(pathsOf(tracks), ZONES, options);
	return Array.from(filterEvents(events, filter), (row) => {
		const place = PLACES[events.places[row]!] ?? '-';
		const amount = events.amounts[row]!;
		const way = { '1': ' forwards', '-1': ' backwards', '0': '' }[events.directions[row]!]!;
		const more = Number.isNaN(amount) ? '' : ` ${Number(amount.toFixed(2))}`;
		return `${events.frameIndices[row]} #${events.identities[row]} ${EVENT_KINDS[events.kinds[row]!]!} ${place}${way}${more}`;
	});
}

describe('events', () => {
	it('are all that happens, frame by frame', () => {
		expect(eventsOf(TRACKS)).toEqual([
			'0 #1 appeared -',
			'5 #1 entered yard',
			'10 #1 entered inner',
			'10 #2 appeared yard',
			'10 #2 appeared inner',
			'11 #2 crossed gate forwards',
			'15 #1 crossed gate backwards',
			'16 #2 left inner 0.55',
			'20 #1 left inner 1',
			'21 #2 left yard 1.05',
			'25 #1 left yard 2',
			'25 #2 disappeared -',
			'30 #1 disappeared -',
		]);
	});

	it('hold the sighting that they are of', () => {
		const { events } = countTracks(pathsOf(TRACKS), ZONES);
		const row = filterEvents(events, { kinds: ['crossed'] })[0]!;
		expect(events.timesSeconds[row]).toBeCloseTo(1.1);
		expect(events.sinceFrames[row]).toBe(10);
		expect(events.classIndices[row]).toBe(0);
		expect(events.scores[row]).toBeCloseTo(0.4);
		expect([...events.boxesXyxy.subarray(4 * row, 4 * row + 4)]).toEqual([175, 155, 215, 205]);
	});

	it.each<[seconds: number, expected: string[]]>([
		[0.9, ['19 #1 dwelt inner 1', '14 #1 dwelt yard 2', '20 #2 dwelt yard 1.05']],
		[1.5, ['20 #1 dwelt yard 2']],
		[2.5, []],
	])(
		'name who stays longer than %d s, in the first frame with which it is longer',
		(dwellSeconds, expected) => {
			const found = eventsOf(TRACKS, { ...COUNTING, dwellSeconds }, { kinds: ['dwelt'] });
			expect([...found].sort()).toEqual([...expected].sort());
		},
	);

	it.each<[most: number, expected: string[]]>([
		[0, ['5 #1 crowded yard 1', '10 #1 crowded inner 1']],
		[1, ['10 #2 crowded inner 2', '10 #2 crowded yard 2']],
		[2, []],
	])('name who makes more than %d at once, once for each time', (mostAtOnce, expected) => {
		const found = eventsOf(TRACKS, { ...COUNTING, mostAtOnce }, { kinds: ['crowded'] });
		expect([...found].sort()).toEqual([...expected].sort());
	});

	it('do not happen where nothing is', () => {
		expect(eventsOf([])).toEqual([]);
		expect(eventsOf([{ path: [] }])).toEqual([]);
	});
});

describe('a filter', () => {
	it.each<[what: string, filter: EventFilter, count: number]>([
		['nothing asked', {}, 13],
		['one kind', { kinds: ['crossed'] }, 2],
		['no kind at all', { kinds: [] }, 0],
		['several kinds', { kinds: ['entered', 'left'] }, 6],
		['a class', { classes: [2] }, 7],
		['a class that nothing has', { classes: [900] }, 0],
		['a zone', { places: [1] }, 4],
		['a line, forwards', { places: [2], direction: 1 }, 1],
		['no place', { places: [-1] }, 3],
		['a least score', { leastScore: 0.5 }, 7],
		['a time', { fromSeconds: 1, toSeconds: 1.1 }, 4],
		['a time before everything', { toSeconds: -1 }, 0],
		['a height', { leastHeight: 60 }, 7],
		['a height at most', { mostHeight: 60 }, 6],
		['an area', { leastArea: 1999, mostArea: 2001 }, 6],
		[
			'everything at once',
			{ kinds: ['left'], classes: [0], places: [0], leastScore: 0.1, mostArea: 3000 },
			1,
		],
	])('of %s', (_, filter, count) => expect(eventsOf(TRACKS, COUNTING, filter)).toHaveLength(count));

	it.each<[frame: number, step: 1 | -1, found: number]>([
		[0, 1, 5],
		[5, 1, 10],
		[12, 1, -1],
		[10, -1, 5],
		[5, -1, -1],
		[99, -1, 10],
	])('behind frame %d, in steps of %d, the next one is in frame %d', (frame, step, found) => {
		const { events } = countTracks(pathsOf(TRACKS), ZONES);
		const row = nextEvent(events, filterEvents(events, { kinds: ['entered'] }), frame, step);
		expect(row === -1 ? -1 : events.frameIndices[row]).toBe(found);
	});
});

describe('counts', () => {
	it('are kept per class and direction', () => {
		const paths = pathsOf(TRACKS);
		const counting = countTracks(paths, ZONES);
		const { lines, zones } = countPerClass(counting, 2, 1, paths.classIndices);
		expect(lines).toEqual([
			[
				{ classIndex: 0, forwards: 1, backwards: 0 },
				{ classIndex: 2, forwards: 0, backwards: 1 },
			],
		]);
		expect(zones[0]).toMatchObject([
			{ classIndex: 0, visits: 1, entered: 0, appeared: 1, left: 1, disappeared: 0 },
			{ classIndex: 2, visits: 1, entered: 1, appeared: 0, left: 1, disappeared: 0 },
		]);
		expect(zones[1]![1]!.dwellSeconds).toBeCloseTo(1);
		const persons = countPerClass(counting, 2, 1, paths.classIndices, new Set([0]));
		expect(persons.lines[0]).toHaveLength(1);
		expect(persons.zones[0]).toHaveLength(1);
	});

	it('are the same whichever zones and lines are counted beside', () => {
		const chance = chanceOf(5);
		const tracks = Array.from({ length: 60 }, (): MadeTrack => {
			const point = (): Point => [chance(640) + 0.5, chance(480) + 0.5];
			return { path: walk(point(), point(), 2 + chance(30)), firstFrame: chance(50) };
		});
		const alone = countTracks(pathsOf(tracks), zoneSetOf({ zones: [INNER] }));
		const beside = countTracks(pathsOf(tracks), ZONES);
		expect(beside.occupancy[1]).toEqual(alone.occupancy[0]);
		expect(beside.visits.zones.filter((zone) => zone === 1)).toHaveLength(alone.visits.count);
	});
});

describe('anchors are smoothed', () => {
	const crossed = (path: readonly (Point | null)[]) =>
		eventsOf([{ path }], COUNTING, { kinds: ['crossed'] }).map((event) =>
			event.replace(' #1 crossed gate', ''),
		);
	const at = (offsets: readonly number[]): Point[] => offsets.map((offset) => [200 + offset, 50]);

	it.each<[what: string, path: readonly (Point | null)[], expected: string[]]>([
		[
			'where a box trembles widely',
			at([-60, -50, -40, 9, -30, 12, -11, 20, -9, 30, 50, 60, 70]),
			['6 backwards'],
		],
		['where it was another one for a moment', at([-60, -50, -40, -30, 40, -20, -15, -20, -30, -40, -50]), []],
		['but even motion stays in its frames', at([-45, -35, -25, -15, -5, 5, 15, 25]), ['5 backwards']],
		['but the first and the last stay', at([-30, -25, -20, -15, -10, 20]), ['5 backwards']],
		['but not over times in which nothing was seen', [...at([-50, -40]), ...Array<null>(9).fill(null), ...at([9, 19])], ['11 backwards']], // prettier-ignore
	])('%s', (_, path, expected) => expect(crossed(path)).toEqual(expected));
});

describe('occupancy', () => {
	it('changes in the frames in which somebody comes or goes', () => {
		const { occupancy } = countTracks(pathsOf(TRACKS), ZONES);
		expect(occupancy[0]).toEqual({
			frameIndices: Int32Array.of(5, 10, 21, 25),
			counts: Uint32Array.of(1, 2, 1, 0),
			most: 2,
			mostFrame: 10,
		});
	});

	it('counts who disappears within up to the last sighting, and nobody who only jumped over', () => {
		const stays = [
			{ path: walk([200, 200], [210, 200], 3) },
			{ path: walk([0, 200], [400, 200], 2), firstFrame: 1 },
		];
		const { occupancy } = countTracks(pathsOf(stays), ZONES);
		expect(occupancy[0]).toMatchObject({
			frameIndices: Int32Array.of(0, 3),
			counts: Uint32Array.of(1, 0),
			most: 1,
		});
	});

	it('has no step where as many come as go', () => {
		const there = { path: walk([200, 200], [210, 200], 3) };
		const { occupancy } = countTracks(pathsOf([there, { ...there, firstFrame: 3 }]), ZONES);
		expect(occupancy[0]).toMatchObject({ frameIndices: Int32Array.of(0, 6), counts: Uint32Array.of(1, 0) });
	});

	it('of a zone without visits is empty', () => {
		const { occupancy } = countTracks(pathsOf([]), ZONES);
		expect(occupancy[0]).toMatchObject({ most: 0, mostFrame: -1 });
	});

	it('adds up, frame by frame, to the visits', () => {
		const chance = chanceOf(9);
		const tracks = Array.from({ length: 50 }, (): MadeTrack => ({
			path: walk([chance(400), chance(400)], [chance(400), chance(400)], 2 + chance(20)),
			firstFrame: chance(40),
		}));
		const { visits, occupancy } = countTracks(pathsOf(tracks), ZONES);
		for (const [zone, { frameIndices, counts }] of occupancy.entries()) {
			for (let frame = 0; frame < 70; frame++) {
				let inside = 0;
				for (let v = 0; v < visits.count; v++) {
					const end = visits.leaveFrames[v]! + (visits.hasLeft[v] ? 0 : 1);
					if (visits.zones[v] === zone && visits.enterFrames[v]! <= frame && frame < end) inside++;
				}
				expect(counts[frameIndices.findLastIndex((step) => step <= frame)] ?? 0).toBe(inside);
			}
		}
	});
});

describe('ordering by frame', () => {
	it.each<[what: string, frames: number[]]>([
		['nothing', []],
		['one', [7]],
		['small numbers', [3, 1, 3, 0, 1]],
		['numbers beyond 16 bits', [70_000, 5, 1_000_000, 70_000, 65_536, 65_535, 2 ** 31 - 1]],
		['zeros', [0, 0, 0]],
	])('keeps equal ones in their order: %s', (_, frames) => {
		const expected = frames.map((_, i) => i).sort((a, b) => frames[a]! - frames[b]! || a - b);
		expect([...orderByFrame(Int32Array.from(frames))]).toEqual(expected);
	});
});
