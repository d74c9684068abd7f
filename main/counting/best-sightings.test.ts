import { describe, expect, it } from 'vitest';
import { allSteps } from '../domain/all-steps.ts';
import type { TrackPaths } from '../domain/track-paths.ts';
import { bestSightings, seenInside } from './best-sightings.ts';

const SIZE = { width: 640, height: 480 };

type Sighting = { frame: number; box: [number, number, number, number]; score?: number };

/** Tracks 1, 2, ... */
function pathsOf(...tracks: Sighting[][]): TrackPaths {
	const all = tracks.flat();
	let sightings = 0;
	return {
		identities: Int32Array.from(tracks, (_, t) => t + 1),
		classIndices: Uint16Array.from(tracks, (_, t) => t % 2),
		offsets: Uint32Array.of(0, ...tracks.map((track) => (sightings += track.length))),
		frameIndices: Int32Array.from(all, ({ frame }) => frame),
		timesSeconds: Float64Array.from(all, ({ frame }) => frame / 10),
		boxesXyxy: Float32Array.from(all.flatMap(({ box }) => box)),
		scores: Float32Array.from(all, ({ score = 0.8 }) => score),
	};
}

const best = (paths: TrackPaths, span?: { first: number; last: number }) =>
	allSteps(bestSightings(paths, SIZE, span));

describe('of two sightings the better one', () => {
	const usual: Sighting = { frame: 0, box: [100, 100, 160, 220] };
	it.each<[what: string, better: Sighting, worse: Sighting, others?: Sighting[]]>([
		['is surer', { ...usual, score: 0.9 }, { ...usual, score: 0.7 }],
		['is larger', { frame: 0, box: [100, 100, 200, 300] }, usual],
		[
			'is surer rather than a little larger',
			{ ...usual, score: 0.9 },
			{ frame: 0, box: [100, 100, 164, 226], score: 0.6 },
		],
		['is whole, not cut by the border on the left', usual, { frame: 0, box: [0, 100, 90, 220] }],
		['is whole, not cut by the border below', usual, { frame: 0, box: [100, 400, 180, 480] }],
		['is whole, not partly outside', usual, { frame: 0, box: [600, 100, 720, 340] }],
		[
			'is cut on one side rather than on two',
			{ frame: 0, box: [0, 100, 60, 220] },
			{ frame: 0, box: [0, 0, 60, 120] },
		],
		[
			'is not covered by another track',
			usual,
			{ frame: 0, box: [300, 100, 362, 222] },
			[{ frame: 7, box: [290, 90, 350, 220] }],
		],
		[
			'is covered rather than cut and tiny',
			{ frame: 7, box: [300, 100, 400, 300] },
			{ frame: 0, box: [0, 100, 12, 124] },
			[{ frame: 7, box: [290, 90, 410, 310] }],
		],
	])('%s', (_, better, worse, others = []) => {
		// prettier-ignore
		for (const [track, place] of [[[{ ...better, frame: 7 }, { ...worse, frame: 8 }], 7], [[{ ...worse, frame: 7 }, { ...better, frame: 8 }], 8]] as const) { // prettier-ignore
			// Who covers stands in the frame of the sighting that it covers.
			const covered = others.length > 0 ? (better.frame === 7 ? place : 15 - place) : 0;
			const { frameIndices } = best(pathsOf([...track], others.map((other) => ({ ...other, frame: covered })))); // prettier-ignore
			expect(frameIndices[0]).toBe(place);
		}
	});

	it('is the earlier one of equals', () => {
		expect(best(pathsOf([usual, { ...usual, frame: 5 }])).frameIndices[0]).toBe(0);
	});
});

describe('the columns', () => {
	const paths = pathsOf(
		[{ frame: 3, box: [10, 10, 30, 50] }, { frame: 4, box: [10, 10, 50, 90], score: 0.5 }, { frame: 9, box: [10, 10, 30, 50] }], // prettier-ignore
		[{ frame: 5, box: [300, 10, 340, 90] }],
	);

	it('have the frame, the time, the box and the score of the best, and when it was seen', () => {
		expect(best(paths)).toEqual({
			identities: Int32Array.of(1, 2),
			classIndices: Uint16Array.of(0, 1),
			frameIndices: Int32Array.of(3, 5),
			timesSeconds: Float64Array.of(0.3, 0.5),
			boxesXyxy: Float32Array.of(10, 10, 30, 50, 300, 10, 340, 90),
			scores: Float32Array.of(0.8, 0.8),
			firstFrames: Int32Array.of(3, 5),
			firstSeconds: Float64Array.of(0.3, 0.5),
			lastFrames: Int32Array.of(9, 5),
			lastSeconds: Float64Array.of(0.9, 0.5),
			sightings: Int32Array.of(3, 1),
		});
	});

	it('count only a span of frames, and who was seen in it', () => {
		const { identities, frameIndices, firstFrames, lastFrames, sightings } = best(paths, {
			first: 6,
			last: 9,
		});
		expect([identities, frameIndices, firstFrames, lastFrames, sightings].map((column) => [...column])).toEqual([[1], [9], [9], [9], [1]]); // prettier-ignore
	});

	it('are empty where nobody was followed', () => {
		expect(best(pathsOf()).identities).toHaveLength(0);
	});
});

it('who was in a zone is told by the anchor in any frame', () => {
	const paths = pathsOf(
		[
			{ frame: 0, box: [0, 0, 20, 40] },
			{ frame: 1, box: [100, 100, 120, 140] },
		],
		[{ frame: 0, box: [100, 80, 120, 120] }],
	);
	const zone = [[90, 130], [130, 130], [130, 150], [90, 150]] as const; // prettier-ignore
	expect([...seenInside(paths, zone, 'bottom')]).toEqual([1]);
	expect([...seenInside(paths, zone, 'top')]).toEqual([]);
});
