import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Detections } from '../domain/detections.ts';
import { RunWriter } from '../results/run-writer.ts';
import { sampleHeader, sampleResult } from '../results/sample-run.fixture.ts';
import { openRun, type StoredRun } from '../results/stored-run.ts';
import { evaluateRun } from './evaluate-run.ts';
import { COUNTED, IGNORED, TruthBuilder, type GroundTruth } from './ground-truth/ground-truth.ts';
import { LEAST_OBJECTS, TruthFrames, VERDICT, WINDOW_FRAMES, type TruthTimeline } from './truth-frames.ts';

let folder = '';
beforeEach(async () => {
	folder = await mkdtemp(join(tmpdir(), 'truth-frames-'));
});
afterEach(() => rm(folder, { recursive: true }));

type Found = [classIndex: number, score: number, left: number];
type Truth = [classIndex: number, left: number, role?: number];

/** A run of the classes person, bicycle and car; all boxes are 10 × 10 on the upper edge. */
async function storeRun(frames: Found[][]): Promise<StoredRun> {
	const writer = await RunWriter.create(join(folder, 'run'), sampleHeader());
	for (const [index, rows] of frames.entries()) {
		const detections = new Detections(
			Uint16Array.from(rows, ([classIndex]) => classIndex),
			Float32Array.from(rows, ([, score]) => score),
			Float32Array.from(rows.flatMap(([, , left]) => [left, 0, left + 10, 10])),
		);
		await writer.append({ ...sampleResult(index), detections });
	}
	await writer.close('complete', { decode: null, error: null, wallSeconds: 1, state: null });
	return openRun(join(folder, 'run'));
}

/** Ground truth of persons and dogs, which the model does not know. */
function truthOf(frames: Record<number, Truth[]>): GroundTruth {
	const built = Object.entries(frames).map(([index, rows]) => {
		const builder = new TruthBuilder();
		for (const [classIndex, left, role = COUNTED] of rows) builder.add(classIndex, left, 0, 10, 10, role);
		return [Number(index), builder.build()] as const;
	});
	const file = { path: 'truth.json', format: 'coco', form: 'COCO', remarks: [], pictureSize: null };
	return { ...file, classNames: ['person', 'dog'], frames: new Map(built) };
}

function timelineOf(frames: TruthFrames): TruthTimeline {
	const steps = frames.timeline();
	for (;;) {
		const step = steps.next();
		if (step.done) return step.value;
	}
}

it('says of every box whether it is true, and by what each object was found', async () => {
	const run = await storeRun([
		[
			[0, 0.9, 0], // on the first person
			[0, 0.8, 1], // on the same one
			[0, 0.06, 40], // on the second one, too weak to be shown
			[0, 0.7, 60], // on an ignored one
			[1, 0.9, 0], // of a class that the truth does not know
		],
		[[0, 0.9, 0]],
	]);
	const frames = new TruthFrames(run, truthOf({ 0: [[0, 0], [0, 40], [0, 60, IGNORED], [0, 20], [1, 0]] })); // prettier-ignore
	const { right, wrong, unjudged } = VERDICT;
	expect(frames.marks(0, 10)).toEqual({
		known: Uint8Array.of(1, 0),
		offsets: Uint32Array.of(0, 5, 6),
		verdicts: Uint8Array.of(right, wrong, right, unjudged, unjudged, unjudged),
		objectOffsets: Uint32Array.of(0, 3, 3),
		objectBoxes: Float32Array.of(0, 0, 10, 10, 40, 0, 50, 10, 20, 0, 30, 10),
		objectClasses: Uint16Array.of(0, 0, 0),
		objectScores: Float32Array.of(0.9, 0.06, Number.NaN),
	});
	expect(timelineOf(frames)).toMatchObject({
		frameIndices: Int32Array.of(0),
		right: Uint16Array.of(1),
		wrong: Uint16Array.of(1),
		missed: Uint16Array.of(2),
		ap50: Float32Array.of(Number.NaN),
	});
});

it('measures average precision over windows, and nothing over too few objects', async () => {
	const half = WINDOW_FRAMES;
	// Found in the first half, missed in the second one.
	const run = await storeRun(Array.from({ length: 2 * half }, (_, i) => [[0, 0.9, i < half ? 0 : 60]]));
	const all = Object.fromEntries(Array.from({ length: 2 * half }, (_, i) => [i, [[0, 0] as Truth]]));
	const { ap50, missed, windowFrames } = timelineOf(new TruthFrames(run, truthOf(all)));
	expect(windowFrames).toBe(WINDOW_FRAMES);
	expect([ap50[0], ap50.at(-1)]).toEqual([1, 0]);
	expect(ap50[half]).toBeGreaterThan(0.3);
	expect(ap50[half]).toBeLessThan(0.7);
	expect([missed[0], missed[half]]).toEqual([0, 1]);
	const few = Object.fromEntries(Object.entries(all).slice(0, LEAST_OBJECTS - 1));
	expect(timelineOf(new TruthFrames(run, truthOf(few))).ap50.every(Number.isNaN)).toBe(true);
	// One window over everything is what `evaluate` says.
	const one = truthOf(Object.fromEntries(Object.entries(all).slice(half - 25, half + 25)));
	expect(timelineOf(new TruthFrames(run, one)).ap50[0]).toBeCloseTo(evaluateRun(run, one).mean.ap50!, 6);
});
