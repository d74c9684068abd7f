import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RecordBatchReader } from 'apache-arrow';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FrameResult } from '../domain/frame-result.ts';
import type { SettingEvent } from '../domain/run.ts';
import type { Commit } from './commit-journal.ts';
import { headerText } from './header.ts';
import { BATCH_FRAMES, RunWriter } from './run-writer.ts';
import { sampleHeader, sampleMaps, sampleResult } from './sample-run.fixture.ts';
import { openRun } from './stored-run.ts';

const OUTCOME = { decode: null, error: null, wallSeconds: 12, state: null };
let folder = '';

beforeEach(async () => {
	folder = join(await mkdtemp(join(tmpdir(), 'stored-run-')), 'run');
});
afterEach(() => rm(join(folder, '..'), { recursive: true }));

async function storeFrames(
	frameIndices: readonly number[],
	events: readonly SettingEvent[] = [],
	make: (frameIndex: number) => FrameResult = sampleResult,
): Promise<FrameResult[]> {
	const results = frameIndices.map(make);
	const writer = await RunWriter.create(folder, sampleHeader());
	for (const result of results) await writer.append(result);
	for (const event of events) await writer.recordEvent(event);
	const decode = {
		framesRead: results.length,
		framesDecoded: 999,
		framesLost: 3,
		warnings: ['torn packet'],
		clockRestarts: [],
		hardware: null,
	};
	await writer.close('complete', { ...OUTCOME, decode });
	return results;
}

/** As the sample run, with maps of tokens on some frames, the first of them behind the first batch. */
function withMaps(frameIndex: number): FrameResult {
	const maps = sampleMaps(frameIndex);
	return { ...sampleResult(frameIndex), ...(maps.length > 0 && { maps }) };
}

/** The text of a header with some fields changed. */
function headerWith(change: object): string {
	const stored: object = JSON.parse(headerText(sampleHeader()));
	return JSON.stringify({ ...stored, ...change });
}

const everyFifth = (count: number): number[] => Array.from({ length: count }, (_, i) => 5 * i);

describe('a stored run reads back as it was written', () => {
	it.each([
		['no frames', 0],
		['one frame without detections', 1],
		['a part of a batch', 7],
		['exactly a batch', BATCH_FRAMES],
		['several batches and a part', 3 * BATCH_FRAMES + 11],
	])('%s', async (_, count) => {
		const results = await storeFrames(everyFifth(count));
		const run = await openRun(folder);
		expect([...run.results()]).toEqual(results);
		expect(run.frameCount).toBe(count);
		expect(run.status).toEqual({
			state: 'complete',
			framesStored: count,
			lastFrameIndex: 5 * (count - 1) < 0 ? -1 : 5 * (count - 1),
			wallSeconds: 12,
			decode: {
				framesRead: count,
				framesDecoded: 999,
				framesLost: 3,
				warnings: ['torn packet'],
				clockRestarts: [],
				hardware: null,
			},
			error: null,
			executionChanges: [],
		});
	});

	it('from any position, in any order', async () => {
		const results = await storeFrames(everyFifth(2 * BATCH_FRAMES + 5));
		const run = await openRun(folder);
		for (const position of [130, 0, 64, 63, 127, 128, 1, 132]) {
			expect(run.result(position)).toEqual(results[position]);
			expect(run.positionOfFrame(5 * position)).toBe(position);
		}
		expect([-5, 3, 5 * 133].map((frame) => run.positionOfFrame(frame))).toEqual([-1, -1, -1]);
	});

	it.each<[string, object, number[]]>([
		[
			'one threshold for all classes, as earlier versions wrote it',
			{ displayThreshold: 0.4 },
			[0.4, 0.4, 0.4],
		],
		['a threshold for each', { displayThreshold: 0.2, displayThresholds: [0.2, 0.9, 0.4] }, [0.2, 0.9, 0.4]],
	])('with %s', async (_, stored, displayThresholds) => {
		await storeFrames([0]);
		const path = join(folder, 'run.json');
		const header: object = JSON.parse(readFileSync(path, 'utf8'));
		await writeFile(path, JSON.stringify({ ...header, displayThresholds: undefined, ...stored }));
		const run = await openRun(folder);
		expect(run.header.displayThresholds).toEqual(displayThresholds);
	});

	it('and by earlier versions, which know one threshold', async () => {
		const writer = await RunWriter.create(folder, sampleHeader({ displayThresholds: [0.5, 0.2, 0.8] }));
		await writer.close('complete', OUTCOME);
		expect(JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'))).toMatchObject({
			displayThreshold: 0.2,
			displayThresholds: [0.5, 0.2, 0.8],
		});
	});

	it('with header, events and columns', async () => {
		const events = [
			{ frameIndex: 5, settings: { fraction: 0.05 } },
			{ frameIndex: 40, settings: { policy: 'threshold', dilate: false } },
		];
		const results = await storeFrames(everyFifth(10), events);
		const run = await openRun(folder);
		expect(run.header).toEqual(sampleHeader());
		expect(run.events).toEqual(events);
		expect([...run.frames.budgetMacs]).toEqual(results.map((r) => r.budgetMacs ?? Number.NaN));
		expect([...run.frames.milliseconds.run]).toEqual(results.map((r) => r.cost.milliseconds.run));
		expect([...run.frames.detectionCount]).toEqual(results.map((r) => r.detections.count));
	});
});

it('each stream is an Arrow stream that ends as the format says, with every row', async () => {
	await storeFrames(everyFifth(100));
	const rows: Record<string, number> = {};
	for (const stream of ['frames', 'detections', 'tokens']) {
		const bytes = readFileSync(join(folder, `${stream}.arrow`));
		rows[stream] = [...RecordBatchReader.from(bytes)].reduce((sum, batch) => sum + batch.numRows, 0);
		expect([...bytes.subarray(-8)]).toEqual([255, 255, 255, 255, 0, 0, 0, 0]);
	}
	expect(rows).toEqual({ frames: 100, detections: 150, tokens: 100 });
});

it('a run that is being written shows the batches stored by now', async () => {
	const writer = await RunWriter.create(folder, sampleHeader());
	for (let i = 0; i < BATCH_FRAMES + 3; i++) await writer.append(sampleResult(i));
	expect(writer.framesStored).toBe(BATCH_FRAMES + 3);
	const early = await openRun(folder);
	expect(early.status).toMatchObject({ state: 'running', framesStored: BATCH_FRAMES });
	await writer.commit();
	expect((await openRun(folder)).frameCount).toBe(BATCH_FRAMES + 3);
	await writer.close('failed', { ...OUTCOME, error: 'the worker died' });
	expect((await openRun(folder)).status).toMatchObject({ state: 'failed', error: 'the worker died' });
	expect(early.result(BATCH_FRAMES - 1)).toEqual(sampleResult(BATCH_FRAMES - 1));
});

it('a complete run keeps these files and no others', async () => {
	const writer = await RunWriter.create(folder, sampleHeader());
	await writer.append(sampleResult(0));
	await writer.snapshot({ memory: Float32Array.of(1) });
	expect(await readdir(folder)).toContain('state-a.safetensors');
	await writer.close('complete', OUTCOME);
	const files = 'commits.jsonl detections.arrow events.jsonl frames.arrow run.json status.json tokens.arrow';
	expect((await readdir(folder)).sort()).toEqual(files.split(' '));
});

describe('maps of tokens', () => {
	const frames = Array.from({ length: 3 * BATCH_FRAMES + 5 }, (_, i) => i);

	it('read back frame by frame, also where a batch has none', async () => {
		const results = await storeFrames(frames, [], withMaps);
		const run = await openRun(folder);
		expect([...run.results()]).toEqual(results);
		expect(run.mapKinds()).toEqual(['relevance', 'clusters']);
		expect([0, 69, 70, 72, 76].map((position) => run.maps(position).map(({ kind }) => kind))).toEqual([
			[],
			[],
			['relevance', 'clusters'],
			[],
			['relevance', 'clusters'],
		]);
	});

	it('are an Arrow stream of their own, which other runs do without', async () => {
		await storeFrames(frames, [], withMaps);
		const bytes = readFileSync(join(folder, 'maps.arrow'));
		const rows = [...RecordBatchReader.from(bytes)].reduce((sum, batch) => sum + batch.numRows, 0);
		expect(rows).toBe(frames.reduce((sum, frame) => sum + sampleMaps(frame).length, 0));
		expect([...bytes.subarray(-8)]).toEqual([255, 255, 255, 255, 0, 0, 0, 0]);
	});

	it('are unknown to runs that were stored before there were any', async () => {
		const results = await storeFrames(everyFifth(100));
		const journal = join(folder, 'commits.jsonl');
		const lines = readFileSync(journal, 'utf8').trimEnd().split('\n');
		const older = lines.map((line) => {
			const commit = JSON.parse(line) as Record<'bytes' | 'crc32', Record<string, number>>;
			delete commit.bytes['maps'];
			delete commit.crc32['maps'];
			return `${JSON.stringify(commit)}\n`;
		});
		await writeFile(journal, older.join(''));
		const run = await openRun(folder);
		expect([...run.results()]).toEqual(results);
		expect(run.mapKinds()).toEqual([]);
	});
});

describe('the path of the camera', () => {
	const frames = Array.from({ length: 3 * BATCH_FRAMES + 5 }, (_, i) => 2 * i);
	const path = (frameIndex: number) => ({
		x: frameIndex / 4,
		y: -frameIndex / 8,
		scale: 1.25,
		rotation: 0.5,
		gridX: 7.5,
		gridY: -frameIndex / 16,
	});
	/** Fixed until the second batch, and now and then. */
	const withCamera = (frameIndex: number): FrameResult => {
		const follows = frameIndex > 150 && frameIndex % 10 !== 0;
		return { ...sampleResult(frameIndex), ...(follows && { camera: path(frameIndex) }) };
	};

	it('reads back frame by frame, also where it was fixed', async () => {
		const results = await storeFrames(frames, [], withCamera);
		const run = await openRun(folder);
		expect([...run.results()]).toEqual(results);
		expect(run.summary().camera!.frames).toBe(results.filter(({ camera }) => camera).length);
		expect(run.summary().camera!.travelled).toBeGreaterThan(0);
	});

	it('is unknown to runs with a fixed camera and to those that were stored before there was any', async () => {
		await storeFrames(frames);
		const run = await openRun(folder);
		expect(run.frames.camera).toBeNull();
		expect(run.summary().camera).toBeNull();
		expect(await readdir(folder)).not.toContain('camera.arrow');
	});
});

describe('what is not a run is refused with its place', () => {
	it.each([
		['an empty folder', {}, /a run's folder was expected, but there is no run\.json/],
		[
			'a header that is no JSON',
			{ 'run.json': '{"format": ' },
			/run\.json: the header of a stored run was expected/,
		],
		[
			'a header of something else',
			{ 'run.json': '{"format": "coco"}' },
			/the header of a stored run was expected/,
		],
		[
			'a header of a later version',
			{ 'run.json': headerWith({ version: 2 }) },
			/format version 1 was expected \(got version 2\)/,
		],
		[
			'a header with a wrong field',
			{ 'run.json': headerWith({ denseMacs: 'many' }) },
			/run\.json: denseMacs: .*expected number/,
		],
		[
			'a header with thresholds for other classes',
			{ 'run.json': headerWith({ displayThresholds: [0.5, 0.5] }) },
			/run\.json: displayThresholds: one score for each class was expected/,
		],
		['a header alone', { 'run.json': headerWith({}) }, /frames\.arrow: a file of the run was expected/],
	])('%s', async (_, files, message) => {
		for (const [name, text] of Object.entries(files)) await writeFile(join(folder, '..', name), text);
		await expect(openRun(join(folder, '..'))).rejects.toMatchObject({
			code: 'run-unreadable',
			message: expect.stringMatching(message) as string,
		});
	});
});

describe('damage behind the back of the journal is told, never shown as data', () => {
	it.each(['frames', 'detections', 'tokens', 'maps'])('%s.arrow', async (stream) => {
		await storeFrames(everyFifth(3 * BATCH_FRAMES), [], withMaps);
		const path = join(folder, `${stream}.arrow`);
		const bytes = readFileSync(path);
		bytes[bytes.length - 200]! ^= 0x10;
		await writeFile(path, bytes);
		const read = async (): Promise<unknown> => [...(await openRun(folder)).results()];
		await expect(read()).rejects.toMatchObject({
			code: 'run-unreadable',
			message: expect.stringContaining(`${stream}.arrow: the batch`) as string,
		});
	});

	it('of one batch, and no other, also where many are read at once', async () => {
		const results = await storeFrames(everyFifth(12 * BATCH_FRAMES));
		const path = join(folder, 'detections.arrow');
		const journal = readFileSync(join(folder, 'commits.jsonl'), 'utf8').split('\n');
		const ends = journal.slice(0, 12).map((line) => (JSON.parse(line) as Commit).bytes.detections);
		const bytes = readFileSync(path);
		bytes[ends[8]! - 200]! ^= 0x10;
		await writeFile(path, bytes);
		const run = await openRun(folder);
		const damaged = (position: number) => position >> 6 === 8;
		for (let position = 0; position < run.frameCount; position++) {
			if (!damaged(position)) expect(run.result(position)).toEqual(results[position]);
			else if (results[position]!.detections.count > 0)
				expect(() => run.result(position)).toThrow('is damaged');
		}
	});
});
