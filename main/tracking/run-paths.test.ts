import { expect, it } from 'vitest';
import { Detections } from '../domain/detections.ts';
import type { TrackPaths } from '../domain/track-paths.ts';
import { pathsOfRun } from './run-paths.ts';
import { RunIdentities } from './run-tracks.ts';

type Seen = { left: number; classIndex?: number; score?: number };

/** Boxes 20 × 40 of frames 10, 12, 14 and so on, ten a second. */
function followed(frames: readonly (readonly Seen[])[]) {
	const perFrame = frames.map(
		(seen) =>
			new Detections(
				Uint16Array.from(seen, ({ classIndex }) => classIndex ?? 0),
				Float32Array.from(seen, ({ score }) => score ?? 0.9),
				Float32Array.from(seen.flatMap(({ left }) => [left, 10, left + 20, 50])),
			),
	);
	const run = {
		frameCount: frames.length,
		header: { displayThresholds: [0.5, 0.5], video: { displaySize: { width: 640, height: 480 } } },
		frames: {
			frameIndex: Int32Array.from(frames, (_, p) => 10 + 2 * p),
			timeSeconds: Float64Array.from(frames, (_, p) => 1 + 0.2 * p),
			camera: null,
			detectionCount: frames.map((seen) => seen.length),
		},
		viewDetections: (p: number) => perFrame[p]!,
	};
	const identities = new RunIdentities(run.header.displayThresholds);
	for (const step of identities.follow(run)) void step;
	return { run, identities };
}

function ended(steps: ReturnType<typeof pathsOfRun>): TrackPaths {
	for (;;) {
		const step = steps.next();
		if (step.done) return step.value;
	}
}

function pathsOf(frames: readonly (readonly Seen[])[]): TrackPaths {
	const { run, identities } = followed(frames);
	return ended(pathsOfRun(run, identities));
}

it('has the sightings of each object one after another, with frame, time, box and score', () => {
	const paths = pathsOf([
		[{ left: 0 }, { left: 100, classIndex: 1, score: 0.8 }],
		[{ left: 2 }, { left: 102, classIndex: 1 }],
		[{ left: 4 }],
		[{ left: 106, classIndex: 1, score: 0.75 }, { left: 6 }],
	]);
	expect([...paths.identities]).toEqual([1, 2]);
	expect([...paths.classIndices]).toEqual([0, 1]);
	expect([...paths.offsets]).toEqual([0, 4, 7]);
	expect([...paths.frameIndices]).toEqual([10, 12, 14, 16, 10, 12, 16]);
	expect(paths.timesSeconds[5]).toBeCloseTo(1.2);
	expect([...paths.boxesXyxy.subarray(4 * 6)]).toEqual([106, 10, 126, 50]);
	expect(paths.scores[6]).toBe(0.75);
});

it('leaves out what was seen only once', () => {
	const paths = pathsOf([[{ left: 0 }], [{ left: 300 }], []]);
	expect(paths.identities).toHaveLength(0);
	expect(paths.scores).toHaveLength(0);
});

it('shows who is who as it was when it began, whatever is edited on the way', () => {
	const { run, identities } = followed(Array.from({ length: 6 }, (_, f) => [{ left: 2 * f }]));
	const steps = pathsOfRun(run, identities);
	for (let f = 0; f < 3; f++) steps.next();
	identities.edit([{ kind: 'split', track: 1, frame: 14 }]);
	const paths = ended(steps);
	expect([...paths.identities]).toEqual([1]);
	expect([...paths.frameIndices]).toEqual([10, 12, 14, 16, 18, 20]);
	expect([...ended(pathsOfRun(run, identities)).offsets]).toEqual([0, 2, 6]);
});
