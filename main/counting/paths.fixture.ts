import type { TrackPaths } from '../domain/track-paths.ts';
import type { Point, ZoneSet } from '../domain/zones.ts';

/** A made-up track: its anchors by frame; `null` for a frame in which it was not seen. */
export type MadeTrack = {
	classIndex?: number;
	firstFrame?: number;
	/** Of all its boxes, which are 100 pixels high if nothing else is said. */
	height?: number;
	score?: number;
	path: readonly (Point | null)[];
};

/** Paths of tracks whose anchors are the bottoms of their boxes; ten frames a second, identities from 1. */
export function pathsOf(tracks: readonly MadeTrack[]): TrackPaths {
	const seen = tracks.map(({ path, firstFrame = 0 }) =>
		path.flatMap((point, i) => (point ? { point, frame: firstFrame + i } : [])),
	);
	const offsets = new Uint32Array(tracks.length + 1);
	seen.forEach((sightings, t) => (offsets[t + 1] = offsets[t]! + sightings.length));
	const all = seen.flatMap((sightings, t) =>
		sightings.map((sighting) => ({ ...sighting, track: tracks[t]! })),
	);
	return {
		identities: Int32Array.from(tracks, (_, t) => t + 1),
		classIndices: Uint16Array.from(tracks, ({ classIndex = 0 }) => classIndex),
		offsets,
		frameIndices: Int32Array.from(all, ({ frame }) => frame),
		timesSeconds: Float64Array.from(all, ({ frame }) => frame / 10),
		scores: Float32Array.from(all, ({ track }) => track.score ?? 0.9),
		boxesXyxy: Float32Array.from(
			all.flatMap(({ point: [x, y], track: { height = 100 } }) => [x - 20, y - height, x + 20, y]),
		),
	};
}

/** Anchors from one point to another, both included, in a number of frames. */
export function walk(from: Point, to: Point, frames: number): Point[] {
	return Array.from({ length: frames }, (_, i): Point => {
		const share = frames === 1 ? 0 : i / (frames - 1);
		return [from[0] + share * (to[0] - from[0]), from[1] + share * (to[1] - from[1])];
	});
}

/** With a margin of 5 pixels for boxes of 100. */
export function zoneSetOf(
	shapes: Partial<Pick<ZoneSet, 'zones' | 'lines' | 'anchor' | 'hysteresis'>>,
): ZoneSet {
	return {
		format: 'sparsight-zones',
		version: 1,
		pictureSize: { width: 640, height: 480 },
		anchor: 'bottom',
		hysteresis: 0.05,
		zones: [],
		lines: [],
		...shapes,
	};
}
