import { COUNTING, countTracks, type Counting } from '../main/counting/count-tracks.ts';
import { EVENT_KINDS } from '../main/counting/events.ts';
import { filterEvents, nextEvent } from '../main/counting/filter-events.ts';
import type { TrackPaths } from '../main/domain/track-paths.ts';
import type { Point, ZoneSet } from '../main/domain/zones.ts';
import { median } from './machine.ts';

export type CountingRow = {
	frames: number;
	tracks: number;
	sightings: number;
	events: number;
	/** Everything: crossings, visits, occupancy, the table of events. */
	countMs: number;
	/** A filter of class, zone, score, time and size, and the next event of what it found. */
	searchMs: number;
};

const WIDTH = 1920;
const HEIGHT = 1080;

/** Counts made-up tracks at five zones and over five lines. */
export function benchCounting({
	frames,
	tracks,
	rounds,
}: {
	frames: number;
	tracks: number;
	rounds: number;
}): CountingRow {
	const paths = syntheticPaths(frames, tracks);
	const options = { ...COUNTING, dwellSeconds: 1, mostAtOnce: 3 };
	let counting: Counting | null = null;
	const countMs = times(rounds, () => (counting = countTracks(paths, ZONES, options)));
	const { events } = counting!;
	const searchMs = times(rounds, () => {
		const found = filterEvents(events, {
			kinds: EVENT_KINDS.slice(0, 5),
			classes: [0, 2],
			places: [0, 1, 2, 6, 7],
			leastScore: 0.3,
			fromSeconds: 10,
			leastHeight: 60,
		});
		nextEvent(events, found, frames >> 1, 1);
	});
	return { frames, tracks, sightings: paths.scores.length, events: events.count, countMs, searchMs };
}

function times(rounds: number, work: () => unknown): number {
	return median(
		Array.from({ length: rounds }, () => {
			const start = performance.now();
			work();
			return performance.now() - start;
		}),
	);
}

const polygon = (x: number, y: number, radius: number, corners: number): Point[] =>
	Array.from({ length: corners }, (_, i) => {
		const angle = (2 * Math.PI * i) / corners;
		const length = i % 2 === 0 ? radius : 0.7 * radius;
		return [x + length * Math.cos(angle), y + length * Math.sin(angle)];
	});

const ZONES: ZoneSet = {
	format: 'sparsight-zones',
	version: 1,
	pictureSize: { width: WIDTH, height: HEIGHT },
	anchor: 'bottom',
	hysteresis: 0.05,
	zones: [0, 1, 2, 3, 4].map((i) => ({
		id: `zone-${i}`,
		name: `Zone ${i}`,
		points: polygon(300 + 330 * i, 300 + 120 * i, 250, 6 + 2 * i),
	})),
	lines: [0, 1, 2, 3, 4].map((i) => ({
		id: `line-${i}`,
		name: `Line ${i}`,
		from: [200 + 350 * i, 100],
		to: [500 + 250 * i, 1000],
	})),
};

/** Tracks of 10 to 110 sightings that wander across the picture with a tremble, from a fixed seed. */
function syntheticPaths(frames: number, tracks: number): TrackPaths {
	let state = 1;
	const random = () => {
		state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
		return state / 2 ** 32;
	};
	const lengths = Array.from({ length: tracks }, () => 10 + Math.floor(100 * random()));
	const sightings = lengths.reduce((sum, length) => sum + length, 0);
	const paths: TrackPaths = {
		identities: Int32Array.from(lengths, (_, t) => t + 1),
		classIndices: Uint16Array.from(lengths, () => Math.floor(3 * random())),
		offsets: new Uint32Array(tracks + 1),
		frameIndices: new Int32Array(sightings),
		timesSeconds: new Float64Array(sightings),
		boxesXyxy: new Float32Array(4 * sightings),
		scores: new Float32Array(sightings),
	};
	let at = 0;
	for (const [t, length] of lengths.entries()) {
		const start = Math.floor((t / tracks) * (frames - 120));
		const height = 50 + 150 * random();
		let [x, y] = [WIDTH * random(), HEIGHT * random()];
		const [dx, dy] = [20 * (random() - 0.5), 12 * (random() - 0.5)];
		for (let i = 0; i < length; i++, at++) {
			x += dx + 3 * (random() - 0.5);
			y += dy + 3 * (random() - 0.5);
			paths.frameIndices[at] = start + i;
			paths.timesSeconds[at] = (start + i) / 25;
			paths.boxesXyxy.set([x - 0.2 * height, y - height, x + 0.2 * height, y], 4 * at);
			paths.scores[at] = random();
		}
		paths.offsets[t + 1] = at;
	}
	return paths;
}
