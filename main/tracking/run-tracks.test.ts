import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { eachCameraField } from '../domain/camera-path.ts';
import { Detections } from '../domain/detections.ts';
import { RULES_VERSION, RunIdentities, type TrackedRun } from './run-tracks.ts';

type Seen = { left: number; top?: number; width?: number; score?: number; classIndex?: number };

/** Frames of boxes 20 × 40, ten a second; best score first, as detections are. */
function runOf(frames: Seen[][], frameIndices = frames.map((_, f) => f)): TrackedRun {
	const sorted = frames.map((frame) => [...frame].sort((a, b) => (b.score ?? 0.9) - (a.score ?? 0.9)));
	return {
		frameCount: frames.length,
		header: {
			displayThresholds: [0.3, 0.3, 0.6],
			video: { displaySize: { width: 200, height: 100 } },
		},
		frames: {
			frameIndex: Int32Array.from(frameIndices),
			timeSeconds: Float64Array.from(frameIndices, (f) => f / 10),
			camera: null,
		},
		viewDetections: (p) =>
			new Detections(
				Uint16Array.from(sorted[p]!, ({ classIndex }) => classIndex ?? 0),
				Float32Array.from(sorted[p]!, ({ score }) => score ?? 0.9),
				Float32Array.from(
					sorted[p]!.flatMap(({ left, top = 10, width = 20 }) => [left, top, left + width, top + 40]),
				),
			),
	};
}

function follow(run: TrackedRun) {
	const identities = new RunIdentities(run.header.displayThresholds);
	for (const step of identities.follow(run)) void step;
	const { offsets, identities: flat } = identities.ofFrames(
		0,
		run.frameCount,
		(p) => run.viewDetections(p).count,
	);
	return {
		tracks: identities.tracks(),
		perFrame: Array.from({ length: run.frameCount }, (_, f) => [
			...flat.subarray(offsets[f], offsets[f + 1]),
		]),
	};
}

const times = <T>(count: number, make: (i: number) => T): T[] =>
	Array.from({ length: count }, (_, i) => make(i));

describe('identities', () => {
	it.each<[string, Seen[][], number[][]]>([
		['one who walks keeps one', times(5, (f) => [{ left: 3 * f }]), times(5, () => [1])],
		[
			'two who cross keep theirs: each is looked for where it was going',
			times(12, (f) => [
				{ left: 8 * f, score: 0.9 },
				{ left: 88 - 8 * f, top: 16, score: 0.8 },
			]),
			times(12, () => [1, 2]),
		],
		[
			'one who runs is found where the speed leads to: boxes of two frames hardly overlap',
			[0, 8, 18, 32, 48].map((left) => [{ left }]),
			times(5, () => [1]),
		],
		[
			'half hidden for some frames, with low scores',
			times(6, (f) => [{ left: 2 * f, score: f === 2 || f === 3 ? 0.25 : 0.9 }]),
			times(6, () => [1]),
		],
		[
			'unseen for less than a second',
			times(14, (f) => (f > 3 && f < 11 ? [] : [{ left: 2 * f }])),
			times(14, (f) => (f > 3 && f < 11 ? [] : [1])),
		],
		[
			'unseen for longer: another one',
			times(20, (f) => (f > 3 && f < 16 ? [] : [{ left: 20 }])),
			times(20, (f) => (f > 3 && f < 16 ? [] : [f <= 3 ? 1 : 2])),
		],
		['seen once is nobody', [[{ left: 0 }], [], [{ left: 50 }], []], [[0], [], [0], []]],
		[
			'of a class that needs more, doubtful from the beginning is nobody',
			times(4, () => [{ left: 0, score: 0.5, classIndex: 2 }]),
			times(4, () => [0]),
		],
		['doubtful from the beginning is nobody', times(4, () => [{ left: 0, score: 0.2 }]), times(4, () => [0])],
		['never certain is nobody', times(4, () => [{ left: 0, score: 0.6 }]), times(4, () => [0])],
		[
			'certain once is somebody, earlier as well',
			times(4, (f) => [{ left: 0, score: f === 2 ? 0.7 : 0.4 }]),
			times(4, () => [1]),
		],
		[
			'another class is another object, in the same place',
			times(4, (f) => [{ left: 0, classIndex: f < 2 ? 0 : 1 }]),
			[[1], [1], [2], [2]],
		],
		[
			'numbers follow the second sighting',
			[
				[{ left: 0, score: 0.9 }],
				[
					{ left: 100, score: 0.8 },
					{ left: 0, score: 0.9 },
				],
				[
					{ left: 100, score: 0.8 },
					{ left: 0, score: 0.9 },
				],
			],
			[[1], [1, 2], [1, 2]],
		],
	])('%s', (_, frames, expected) => {
		expect(follow(runOf(frames)).perFrame).toEqual(expected);
	});

	it('is not lost where the camera pans in jerks, as far as its path is known', () => {
		const pans = [0, 0, 45, 45, 10, 60, 60, 0];
		// Two who walk to the right through the scene, in the picture of a camera that looks elsewhere with every frame.
		const run = runOf(
			pans.map((pan, f) => [
				{ left: 100 + 2 * f - pan, score: 0.9 },
				{ left: 145 + 2 * f - pan, score: 0.8 },
			]),
		);
		const camera = eachCameraField((field) =>
			Float32Array.from(pans, (pan) => (field === 'x' ? pan : field === 'scale' ? 1 : 0)),
		);
		const both = pans.map(() => [1, 2]);
		expect(follow(run).perFrame).not.toEqual(both);
		expect(follow({ ...run, frames: { ...run.frames, camera } }).perFrame).toEqual(both);
	});

	it('bridges frames that were not analysed', () => {
		const run = runOf(
			times(4, (f) => [{ left: 8 * f }]),
			[0, 15, 30, 45],
		);
		expect(follow(run).perFrame).toEqual([[1], [1], [1], [1]]);
	});

	it('says where each object was seen, and where it was not', () => {
		const run = runOf(
			times(9, (f) => [
				...(f === 4 || f === 5 ? [] : [{ left: 2 * f }]),
				...(f >= 2 && f < 8 ? [{ left: 200, classIndex: 1, score: 0.7 }] : []),
			]),
			times(9, (f) => 10 + 2 * f),
		);
		expect(follow(run).tracks).toEqual({
			framesKnown: 9,
			identities: Int32Array.of(1, 2),
			classIndices: Uint16Array.of(0, 1),
			firstFrames: Int32Array.of(10, 14),
			lastFrames: Int32Array.of(26, 24),
			sightings: Int32Array.of(7, 6),
			spanOffsets: Uint32Array.of(0, 2, 3),
			spans: Int32Array.of(10, 16, 22, 26, 14, 24),
			names: [],
		});
	});

	it('goes on where it stood, with the same result as in one go', () => {
		const frames = times(30, (f) =>
			times(6, (i) => ({ left: 40 * i + ((f * (i + 3)) % 17), score: 0.9 - i / 20 })),
		);
		const whole = runOf(frames);
		const inParts = new RunIdentities(whole.header.displayThresholds);
		for (const frameCount of [7, 8, 30]) {
			for (const step of inParts.follow({ ...whole, frameCount })) void step;
			expect(inParts.known).toBe(frameCount);
		}
		expect(inParts.tracks()).toEqual(follow(whole).tracks);
	});
});

it('follows by the rules that its version names: where these sums differ, raise it', () => {
	let state = 11;
	const random = () => (state = (state * 48271) % 2147483647) / 2147483647;
	const walkers = times(40, (i) => ({
		left: 9 * i,
		top: 4 * (i % 5),
		step: 0,
		classIndex: i % 3,
		hidden: 0,
	}));
	const frames = times(300, () =>
		walkers.flatMap((walker) => {
			walker.left += walker.step;
			if (random() < 0.1) walker.step = random() * 12 - 6;
			if (random() < 0.02) walker.hidden = Math.floor(random() * 20);
			if (walker.hidden-- > 0) return [];
			const { left, top, classIndex } = walker;
			return [
				{ left: left + random(), top, width: 14 + 8 * random(), classIndex, score: Math.sqrt(random()) },
			];
		}),
	);
	const { tracks, perFrame } = follow(runOf(frames));
	const sums = [perFrame.flat(), tracks.spans].map((numbers) =>
		crc32(Buffer.from(numbers.join())).toString(16),
	);
	expect([RULES_VERSION, tracks.identities.length, ...sums]).toEqual([1, 217, '565abca4', 'da62d72c']);
});
