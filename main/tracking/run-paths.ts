import type { Detections } from '../domain/detections.ts';
import type { TrackPaths } from '../domain/track-paths.ts';
import type { RunIdentities } from './run-tracks.ts';

/** The part of a stored run that paths are made of. */
export type RunOfPaths = {
	frames: { frameIndex: Int32Array; timeSeconds: Float64Array; detectionCount: ArrayLike<number> };
	detections(position: number): Detections;
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
	const countOf = (position: number) => run.frames.detectionCount[position]!;
	for (let position = 0; position < tracks.framesKnown; position++) {
		const ofDetections = identities.ofFrames(position, position + 1, countOf, edits).identities;
		if (ofDetections.some((identity) => identity > 0)) {
			const { boxesXyxy, scores } = run.detections(position);
			for (const [i, identity] of ofDetections.entries()) {
				const track = trackOf.get(identity);
				if (track === undefined) continue;
				const at = next[track]!++;
				paths.frameIndices[at] = run.frames.frameIndex[position]!;
				paths.timesSeconds[at] = run.frames.timeSeconds[position]!;
				paths.boxesXyxy.set(boxesXyxy.subarray(4 * i, 4 * i + 4), 4 * at);
				paths.scores[at] = scores[i]!;
			}
		}
		yield;
	}
	return paths;
}
