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

let folder = '';
beforeEach(async () => {
	folder = await mkdtemp(join(tmpdir(), 'evaluate-run-'));
});
afterEach(() => rm(folder, { recursive: true }));

type Found = [classIndex: number, score: number, left: number];
type Truth = [classIndex: number, left: number, role?: number];

/** A run of the classes person, bicycle and car, 80 × 96; all boxes are 10 × 10 on the upper edge. */
async function storeRun(frames: Record<number, Found[]>): Promise<StoredRun> {
	const writer = await RunWriter.create(join(folder, 'run'), sampleHeader());
	for (const [index, rows] of Object.entries(frames)) {
		const detections = new Detections(
			Uint16Array.from(rows, ([classIndex]) => classIndex),
			Float32Array.from(rows, ([, score]) => score),
			Float32Array.from(rows.flatMap(([, , left]) => [left, 0, left + 10, 10])),
		);
		await writer.append({ ...sampleResult(Number(index)), detections });
	}
	await writer.close('complete', { decode: null, error: null, wallSeconds: 1, state: null });
	return openRun(join(folder, 'run'));
}

function truthOf(classNames: string[], frames: Record<number, Truth[]>, scale = 1): GroundTruth {
	const built = Object.entries(frames).map(([index, rows]) => {
		const builder = new TruthBuilder();
		for (const [classIndex, left, role = COUNTED] of rows) {
			builder.add(classIndex, scale * left, 0, scale * 10, scale * 10, role);
		}
		return [Number(index), builder.build()] as const;
	});
	const pictureSize = scale === 1 ? null : { width: 80 * scale, height: 96 * scale };
	return {
		path: 'truth.json',
		format: 'coco',
		form: 'COCO',
		remarks: [],
		classNames,
		frames: new Map(built),
		pictureSize,
	};
}

it.each([1, 2])(
	'counts common frames and common classes, by name (truth pictures %i times as large)',
	async (scale) => {
		const run = await storeRun({
			0: [
				[0, 0.9, 0],
				[2, 0.8, 20],
				[1, 0.9, 40], // no bicycles in the truth: never counted
			],
			5: [[0, 0.1, 0]], // right, but not shown
			7: [[0, 0.9, 0]], // not in the truth
		});
		const truth = truthOf(['Car', 'dragon', 'pedestrian'], { 0: [[2, 0], [0, 60], [1, 20]], 5: [[2, 0]], 6: [[2, 0]] }, scale); // prettier-ignore
		const { classes, ...rest } = evaluateRun(run, truth);
		expect(rest).toEqual({
			truthPath: 'truth.json',
			truthFormat: 'coco',
			truthForm: 'COCO',
			framesCounted: 2,
			framesOfRun: 3,
			framesOfTruth: 3,
			remarks: [],
			mean: { ap50: 0.5, ap50to95: 0.5, ap50AllPoint: 0.5, precision: 1 / 2, recall: 1 / 3 },
			unknownClasses: ['dragon'],
			unsharedClasses: [],
		});
		expect(classes).toEqual([
			{
				className: 'person',
				truthCount: 2,
				displayThreshold: 0.25,
				ap50: 1,
				ap50to95: 1,
				ap50AllPoint: 1,
				precision: 1,
				recall: 1 / 2,
			},
			{
				className: 'car',
				truthCount: 1,
				displayThreshold: 0.25,
				ap50: 0,
				ap50to95: 0,
				ap50AllPoint: 0,
				precision: 0,
				recall: 0,
			},
		]);
	},
);

it('a class without objects that count has no average and weighs nothing in the mean', async () => {
	const run = await storeRun({ 0: [[0, 0.9, 0], [2, 0.9, 30]] }); // prettier-ignore
	const { classes, mean } = evaluateRun(run, truthOf(['person', 'car'], { 0: [[0, 0], [1, 0, IGNORED]] })); // prettier-ignore
	expect(classes[1]).toMatchObject({ className: 'car', truthCount: 0, ap50: null, recall: null });
	expect(mean).toEqual({ ap50: 1, ap50to95: 1, ap50AllPoint: 1, precision: 1, recall: 1 });
});

it('two names of the truth that are one class of the model are one class', async () => {
	const run = await storeRun({ 0: [[0, 0.9, 0], [0, 0.8, 30]] }); // prettier-ignore
	const { classes } = evaluateRun(run, truthOf(['person', 'pedestrian'], { 0: [[0, 0], [1, 30]] })); // prettier-ignore
	expect(classes).toHaveLength(1);
	expect(classes[0]).toMatchObject({ className: 'person', truthCount: 2, ap50: 1 });
});

it('leaves out classes that a model beside it lacks', async () => {
	const run = await storeRun({ 0: [[0, 0.9, 0], [2, 0.9, 30]] }); // prettier-ignore
	const beside = { header: { model: { classes: ['Pedestrian'] } } } as unknown as StoredRun;
	const truth = truthOf(['person', 'car', 'dragon'], { 0: [[0, 0], [1, 0]] }); // prettier-ignore
	expect(evaluateRun(run, truth, [run, beside])).toMatchObject({
		classes: [{ className: 'person' }],
		mean: { ap50: 1 },
		unknownClasses: ['dragon'],
		unsharedClasses: ['car'],
	});
});

it.each([
	[
		'no common frame',
		truthOf(['person'], { 3: [], 9: [] }),
		/a frame of the run was expected \(the run has frames 0 to 1, the truth frames 3 to 9\)/,
	],
	['no frames at all', truthOf(['person'], {}), /the truth no frames/],
	[
		'no common class',
		truthOf(['dragon', 'unicorn'], { 0: [] }),
		/a class that the model knows was expected \(got dragon, unicorn\)/,
	],
])('refuses %s', async (_, truth, message) => {
	const run = await storeRun({ 0: [], 1: [] });
	expect(() => evaluateRun(run, truth)).toThrow(
		expect.objectContaining({
			code: 'truth-unreadable',
			message: expect.stringMatching(message) as string,
		}) as Error,
	);
});
