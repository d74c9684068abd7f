import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { boxes } from '../domain/boxes.fixture.ts';
import type { Detections } from '../domain/detections.ts';
import type { RunHeader } from '../domain/run.ts';
import { RunWriter } from '../results/run-writer.ts';
import { sampleHeader, sampleResult } from '../results/sample-run.fixture.ts';
import { openRun, type StoredRun } from '../results/stored-run.ts';
import { agreement } from './agreement.ts';

describe('two runs', () => {
	let folder = '';
	beforeEach(async () => {
		folder = await mkdtemp(join(tmpdir(), 'agreement-'));
	});
	afterEach(() => rm(folder, { recursive: true }));

	async function store(
		name: string,
		frames: Record<number, Detections>,
		header?: Partial<RunHeader>,
	): Promise<StoredRun> {
		const writer = await RunWriter.create(join(folder, name), sampleHeader(header));
		for (const [index, detections] of Object.entries(frames)) {
			await writer.append({ ...sampleResult(Number(index)), detections });
		}
		await writer.close('complete', { decode: null, error: null, wallSeconds: 1, state: null });
		return openRun(join(folder, name));
	}

	it('are compared in the frames both have, from the display threshold on', async () => {
		const run = await store('run', {
			0: boxes([0, 0.9, 0]),
			2: boxes([0, 0.9, 0, 8], [1, 0.2, 50]), // the second is below the threshold of 0.25
			4: boxes([0, 0.9, 0], [0, 0.3, 60]),
			6: boxes(),
			8: boxes([0, 0.9, 0]),
		});
		const dense = await store('dense', {
			0: boxes([0, 0.9, 0]),
			1: boxes([0, 0.9, 0]),
			2: boxes([0, 0.9, 0]),
			4: boxes([0, 0.9, 0], [2, 0.5, 60]),
			6: boxes(),
		});
		const result = agreement(run, dense);
		expect(result).toMatchObject({ framesCompared: 4, matched: 3, lost: 1, gained: 1 });
		expect(result.f1).toBeCloseTo(6 / 8, 12);
		expect(result.meanIou).toBeCloseTo((1 + 0.8 + 1) / 3, 6);
		expect([...result.perFrame.frameIndex]).toEqual([0, 2, 4, 6]);
		expect([...result.perFrame.lost]).toEqual([0, 0, 1, 0]);
		expect([...result.perFrame.gained]).toEqual([0, 0, 1, 0]);
		expect([...result.perFrame.f1]).toEqual([1, 1, 0.5, 1]);
		expect([...result.perFrame.meanIou].map((iou) => Math.fround(iou))).toEqual([1, Math.fround(0.8), 1, 1]);
		expect(agreement(run, dense, { least: [0, 0, 0] })).toMatchObject({ matched: 3, lost: 1, gained: 2 });
		expect(agreement(dense, dense)).toMatchObject({
			framesCompared: 5,
			lost: 0,
			gained: 0,
			f1: 1,
			meanIou: 1,
		});
	});

	it.each<[string, string, object]>([
		['of two models, count what each of them shows', 'other', { matched: 1, lost: 0, gained: 1 }],
		['of one model, count what both would show', 'cd', { matched: 0, lost: 1, gained: 1 }],
	])('with other thresholds %s', async (_, sha256, expected) => {
		const model = { ...sampleHeader().model, sha256 };
		const run = await store(
			'run',
			{ 0: boxes([0, 0.2, 0], [0, 0.3, 60], [1, 0.5, 30]) },
			{ displayThresholds: [0.1, 0.6, 0.1], model },
		);
		const dense = await store(
			'dense',
			{ 0: boxes([0, 0.9, 0], [0, 0.2, 60]) },
			{ displayThresholds: [0.3, 0.3, 0.3] },
		);
		expect(agreement(run, dense)).toMatchObject(expected);
	});

	it('of models with other classes count the shared ones, by synonyms, and say what was left out', async () => {
		const model = { ...sampleHeader().model, sha256: 'other', classes: ['kite', 'Pedestrian'] };
		const run = await store(
			'run',
			{ 0: boxes([0, 0.9, 60], [1, 0.9, 0]) },
			{ model, displayThresholds: [0, 0] },
		);
		const dense = await store('dense', { 0: boxes([0, 0.9, 0], [1, 0.9, 30]) });
		expect(agreement(run, dense)).toMatchObject({
			matched: 1,
			lost: 0,
			gained: 0,
			leftOut: { own: ['kite'], reference: ['bicycle', 'car'] },
		});
		expect(agreement(dense, dense).leftOut).toEqual({ own: [], reference: [] });
	});

	it('without a common frame, or of different classes, are refused', async () => {
		const run = await store('run', { 0: boxes() });
		const later = await store('later', { 1: boxes() });
		const model = { ...sampleHeader().model, classes: ['kite', 'fish'] };
		const other = await store('other', { 0: boxes() }, { model, displayThresholds: [0, 0] });
		expect(() => agreement(run, later)).toThrow(/have none in common/);
		expect(() => agreement(run, other)).toThrow(
			/a class that .*other has too was expected \(its model knows person, bicycle, car, the other kite, fish\)/,
		);
	});
});
