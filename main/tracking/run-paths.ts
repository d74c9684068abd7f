import type { Detections } from '../domain/detections.ts';
import type { TrackPaths } from '../domain/track-paths.ts';
import type { RunIdentities } from './run-tracks.ts';

/** Frames whose identities are looked up together. */
const FRAMES_AT_ONCE = 256;

/** The part of a stored run that paths are made of. */
export type RunOfPaths = {
	frames: { frameIndex: Int32Array; timeSeconds: Float64Array; detectionCount: ArrayLike<number> };
	/** They are looked at before the next ones are asked for. */
	viewDetections(position: number): Detections;
};

/**
 * The paths of all objects of a run in the frames that `identities` has followed, one step per frame. Boxes are as they were
 * detected: a box that trembles has an anchor that trembles.
 */
export function* pathsOfRun(run: RunOfPaths, identities: RunIdentities): Generator<void, TrackPaths> {
	const tracks = identities.tracks();
	const { edits } = identities; // others may come in between two steps
	const trackOf = new Map(Array.from(tracks.identities, (identity, track) => [identity, track]));
	const offsets = new Uint32Array(tracks.identities.length + 1);
	tracks.sightings.forEach((count, track) => (offsets[track + 1] = offsets[track]! + count));
	const sightings = offsets.at(-1)!;
	const paths: TrackPaths = {
		identities: tracks.identities,
		classIndices: tracks.classIndices,
		offsets,
		frameIndices: new Int32Array(sightings),
		timesSeconds: new Float64Array(sightings),
		boxesXyxy: new Float32Array(4 * sightings),
		scores: new Float32Array(sightings),
	};
	const next = offsets.slice();
	const { frameIndex, timeSeconds, detectionCount } = run.frames;
	const countOf = (position: number) => detectionCount[position]!;
	for (let from = 0; from < tracks.framesKnown; from += FRAMES_AT_ONCE) {
		const to = Math.min(from + FRAMES_AT_ONCE, tracks.framesKnown);
		const seen = identities.ofFrames(from, to, countOf, edits);
		for (let position = from; position < to; position++) {
			const first = seen.offsets[position - from]!;
			const end = seen.offsets[position - from + 1]!;
			let detections: Detections | null = null;
			for (let i = first; i < end; i++) {
				const track = seen.identities[i] === 0 ? undefined : trackOf.get(seen.identities[i]!);
				if (track === undefined) continue;
				detections ??= run.viewDetections(position);
				const at = next[track]!++;
				paths.frameIndices[at] = frameIndex[position]!;
				paths.timesSeconds[at] = timeSeconds[position]!;
				for (let side = 0; side < 4; side++) {
					paths.boxesXyxy[4 * at + side] = detections.boxesXyxy[4 * (i - first) + side]!;
				}
				paths.scores[at] = detections.scores[i - first]!;
			}
			yield;
		}
	}
	return paths;
}
