import { appendFile, cp, mkdtemp, open, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Execution, type ExecutionChange, ON_CPU } from '../domain/execution.ts';
import { recordSample, SampleEngine, undisturbed } from './endless-run.fixture.ts';
import { BATCH_FRAMES, BATCH_MILLISECONDS, RunWriter } from './run-writer.ts';
import { sampleHeader, sampleResult } from './sample-run.fixture.ts';
import { openRun } from './stored-run.ts';

const OUTCOME = { decode: null, error: null, wallSeconds: 1, state: null };
let parent = '';
let folder = '';

beforeEach(async () => {
	parent = await mkdtemp(join(tmpdir(), 'run-writer-'));
	folder = join(parent, 'run');
});
afterEach(async () => {
	vi.restoreAllMocks();
	await rm(parent, { recursive: true });
});

/** A copy of the run as a process that dies now would leave it. */
async function leftBehind(name = 'left'): Promise<string> {
	await cp(folder, join(parent, name), { recursive: true });
	return join(parent, name);
}

/** The last frame of what a resumed run keeps. */
async function resumesBehind(run: string): Promise<number> {
	const { writer, lastFrameIndex } = await RunWriter.resume(run);
	await writer.close('failed', OUTCOME);
	return lastFrameIndex;
}

describe('what computed a run', () => {
	const other = { ...ON_CPU, attention: 'plain' } as const;
	const headers = { provider: 'webgpu' };
	const onDevice = { ...ON_CPU, ...headers };

	it.each<[string, Execution | null, number, ExecutionChange[]]>([
		['the same', null, 100, []],
		['the same again', onDevice, 100, []],
		['something else from the last snapshot on', ON_CPU, 100, [{ frameIndex: 100, ...ON_CPU }]],
		['something else from the beginning on', ON_CPU, 1000, [{ frameIndex: 0, ...ON_CPU }]],
	])('is %s', async (_, execution, snapshotFrames, executionChanges) => {
		const writer = await recordSample(folder, 120, snapshotFrames, headers);
		const left = await leftBehind();
		await writer.close('failed', OUTCOME);
		const resumed = await RunWriter.resume(left, execution);
		expect((await openRun(left)).status).toMatchObject({ state: 'running', executionChanges });
		await resumed.writer.close('failed', OUTCOME);
		// What is noted behind the frames that are kept is forgotten.
		const again = await RunWriter.resume(left, other);
		await again.writer.close('failed', OUTCOME);
		const { lastFrameIndex } = again;
		expect((await openRun(left)).status.executionChanges).toEqual([
			...executionChanges.filter(({ frameIndex }) => frameIndex <= lastFrameIndex),
			{ frameIndex: lastFrameIndex + 1, ...other },
		]);
	});
});

describe('what an interrupted run goes on from', () => {
	type Spoil = (folder: string) => Promise<void>;
	const nothing: Spoil = async () => undefined;
	const spoilSnapshot =
		(name: string): Spoil =>
		(run) =>
			truncate(join(run, name), 40);
	/** The journal without its last lines, as a loss of power may leave it. */
	const loseCommits =
		(lines: number): Spoil =>
		async (run) => {
			const path = join(run, 'commits.jsonl');
			const text = (await readFile(path, 'utf8')).trimEnd().split('\n');
			await writeFile(path, `${text.slice(0, -lines).join('\n')}\n`);
		};
	it.each([
		['no snapshot: the beginning', 200, 1000, nothing, 0],
		['a snapshot behind each frame', 20, 1, nothing, 20],
		['the newest of several snapshots', 500, 150, nothing, 450],
		['the older one where the newest is damaged', 500, 150, spoilSnapshot('state-a.safetensors'), 300],
		['the newest where the older one is damaged', 500, 150, spoilSnapshot('state-b.safetensors'), 450],
		// Commits at 64, 128, 150 (snapshot), 214, 278, 300 (snapshot): without the last, 278 are stored.
		['the older one where the newest knows frames that are lost', 300, 150, loseCommits(1), 150],
		['the beginning where both snapshots know frames that are lost', 300, 150, loseCommits(4), 0],
	])('%s', async (_, frames, snapshotFrames, spoil, expected) => {
		const writer = await recordSample(folder, frames, snapshotFrames);
		const left = await leftBehind();
		await writer.close('failed', OUTCOME);
		await spoil(left);

		const resumed = await RunWriter.resume(left);
		expect(resumed.lastFrameIndex).toBe(expected - 1);
		expect(resumed.writer.framesStored).toBe(expected);
		expect(resumed.state === null).toBe(expected === 0);
		expect(resumed.header).toEqual(sampleHeader());
		expect((await openRun(left)).frameCount).toBe(expected);
		const snapshots = (await readdir(left)).filter((name) => name.startsWith('state-'));
		expect(snapshots).toHaveLength(expected === 0 ? 0 : 1);
		await resumed.writer.close('failed', OUTCOME);

		const finished = await recordSample(left, 640, 1000);
		await finished.close('complete', OUTCOME);
		expect([...(await openRun(left)).results()]).toEqual(undisturbed(640));
	});

	it('a cancelled run goes on exactly where it stopped, and adds up its time', async () => {
		const engine = new SampleEngine();
		const writer = await RunWriter.create(folder, sampleHeader());
		for (let i = 0; i < 10; i++) await writer.append(engine.next(i));
		await writer.close('cancelled', { ...OUTCOME, state: engine.saveState(), wallSeconds: 5 });
		expect((await openRun(folder)).status).toMatchObject({
			state: 'cancelled',
			framesStored: 10,
			wallSeconds: 5,
		});

		const { writer: second, state, lastFrameIndex } = await RunWriter.resume(folder);
		expect([state, lastFrameIndex]).toEqual([engine.saveState(), 9]);
		expect((await openRun(folder)).status.state).toBe('running');
		await second.append(engine.next(10));
		await second.close('complete', { ...OUTCOME, wallSeconds: 3 });
		const run = await openRun(folder);
		expect([...run.results()]).toEqual(undisturbed(11));
		expect(run.status.wallSeconds).toBeGreaterThan(3);
	});

	it('keeps all events, also those behind the snapshot, but not a torn one', async () => {
		const writer = await recordSample(folder, 5, 3);
		const events = [
			{ frameIndex: 2, settings: { fraction: 0.2 } },
			{ frameIndex: 5, settings: { fraction: 0.3 } },
		];
		for (const event of events) await writer.recordEvent(event);
		const left = await leftBehind();
		await writer.close('failed', OUTCOME);
		await appendFile(join(left, 'events.jsonl'), '{"frameIndex":7,"set');
		expect((await openRun(left)).events).toEqual(events);

		const resumed = await RunWriter.resume(left);
		expect([resumed.events, resumed.lastFrameIndex]).toEqual([events, 2]);
		const later = { frameIndex: 9, settings: { fraction: 0.4 } };
		await resumed.writer.recordEvent(later);
		await resumed.writer.close('failed', OUTCOME);
		expect((await openRun(left)).events).toEqual([...events, later]);
	});
});

describe('refuses', () => {
	it('to create a run where one is', async () => {
		await (await recordSample(folder, 1, 9)).close('complete', OUTCOME);
		await expect(RunWriter.create(folder, sampleHeader())).rejects.toMatchObject({ code: 'run-exists' });
		expect((await openRun(folder)).frameCount).toBe(1);
	});

	it('to go on with a complete run, or with none', async () => {
		await (await recordSample(folder, 1, 9)).close('complete', OUTCOME);
		await expect(RunWriter.resume(folder)).rejects.toMatchObject({
			code: 'resume-mismatch',
			message: expect.stringContaining('this one is complete') as string,
		});
		await expect(RunWriter.resume(parent)).rejects.toMatchObject({ code: 'run-unreadable' });
	});

	it('a folder that cannot be made', async () => {
		await writeFile(folder, 'a file');
		for (const path of [folder, join(folder, 'deeper')]) {
			await expect(RunWriter.create(path, sampleHeader())).rejects.toMatchObject({
				code: 'output-not-writable',
				message: `${path}: a folder was expected (a file is in its way).`,
			});
		}
	});

	it('frames that go back: our own mistake', async () => {
		const writer = await recordSample(folder, 2, 9);
		await expect(writer.append(sampleResult(1))).rejects.toThrow(
			/frames are stored in order \(got 1 behind 1\)/,
		);
		await writer.close('failed', OUTCOME);
	});
});

it('leftovers of a creation that was cut off are no run and are written over', async () => {
	const writer = await recordSample(folder, 200, 50);
	const left = await leftBehind();
	await writer.close('failed', OUTCOME);
	await rm(join(left, 'run.json'));
	await expect(openRun(left)).rejects.toMatchObject({ code: 'run-unreadable' });
	const again = await RunWriter.create(left, sampleHeader());
	expect((await openRun(left)).frameCount).toBe(0);
	await again.close('failed', OUTCOME);
	expect(await resumesBehind(left)).toBe(-1);
});

it('stores a batch when it is large or old, and wants a snapshot every half minute', async () => {
	let now = 1000;
	vi.spyOn(performance, 'now').mockImplementation(() => now);
	const writer = await RunWriter.create(folder, sampleHeader());
	const stored = async (): Promise<number> => (await openRun(folder)).frameCount;
	let i = 0;
	for (; i < BATCH_FRAMES - 1; i++) await writer.append(sampleResult(i));
	expect(await stored()).toBe(0);
	await writer.append(sampleResult(i++));
	expect(await stored()).toBe(BATCH_FRAMES);
	await writer.append(sampleResult(i++));
	now += BATCH_MILLISECONDS;
	expect(await stored()).toBe(BATCH_FRAMES);
	await writer.append(sampleResult(i++));
	expect(await stored()).toBe(BATCH_FRAMES + 2);

	expect(writer.wantsSnapshot).toBe(false);
	now += 30_000;
	expect(writer.wantsSnapshot).toBe(true);
	await writer.snapshot({ memory: Float32Array.of(1) });
	expect(writer.wantsSnapshot).toBe(false);
	now += 30_000;
	expect(writer.wantsSnapshot).toBe(false); // nothing new
	await writer.append(sampleResult(i));
	expect(writer.wantsSnapshot).toBe(true);
	await writer.close('failed', OUTCOME);
});

describe('a torn tail is never read and never an error', () => {
	const FRAMES = 2 * BATCH_FRAMES + 9;
	/** Two batches and nine frames more, each file as it was before the last batch and after it. */
	async function twoMoments(): Promise<{ before: string; after: string }> {
		const writer = await recordSample(folder, FRAMES, 1000);
		const before = await leftBehind('before');
		await writer.commit();
		const after = await leftBehind('after');
		await writer.close('failed', OUTCOME);
		return { before, after };
	}
	async function frameCountOf(run: string): Promise<number> {
		const stored = await openRun(run);
		expect([...stored.results()]).toEqual(undisturbed(stored.frameCount));
		return stored.frameCount;
	}

	it.each(['frames.arrow', 'detections.arrow', 'tokens.arrow', 'maps.arrow'])(
		'%s torn at any place, or followed by garbage',
		async (name) => {
			const { before, after } = await twoMoments();
			const old = await readFile(join(before, name));
			const whole = await readFile(join(after, name));
			for (let length = old.length; length < whole.length; length += 97) {
				// The batch is there, its commit is not.
				await writeFile(join(before, name), whole.subarray(0, length));
				expect(await frameCountOf(before)).toBe(2 * BATCH_FRAMES);
				// The commit is there, the batch is not, or other bytes are in its place: a loss of power.
				await writeFile(join(after, name), whole.subarray(0, length));
				expect(await frameCountOf(after)).toBe(2 * BATCH_FRAMES);
				await writeFile(
					join(after, name),
					Buffer.concat([whole.subarray(0, length), Buffer.alloc(4096, 0xee)]),
				);
				expect(await frameCountOf(after)).toBe(2 * BATCH_FRAMES);
			}
			await writeFile(join(after, name), Buffer.concat([whole, Buffer.from('garbage')]));
			expect(await frameCountOf(after)).toBe(FRAMES);
		},
	);

	it('the journal torn at any place', async () => {
		const { after } = await twoMoments();
		const path = join(after, 'commits.jsonl');
		const whole = await readFile(path);
		const lineEnds = [...whole.keys()].filter((i) => whole[i] === 0x0a);
		for (let length = 0; length <= whole.length; length += length < whole.length - 3 ? 29 : 1) {
			const lines = lineEnds.filter((end) => end < length).length;
			for (const tail of ['', '\0\0\0\n', '{"frames":1}\n']) {
				await writeFile(path, Buffer.concat([whole.subarray(0, length), Buffer.from(tail)]));
				expect(await frameCountOf(after)).toBe([0, BATCH_FRAMES, 2 * BATCH_FRAMES, FRAMES][lines]);
			}
		}
	});

	it.each(['', '{"state": "comp', '[]'])('a status of %j: the run counts as cut off', async (status) => {
		const { after } = await twoMoments();
		await writeFile(join(after, 'status.json'), status);
		expect((await openRun(after)).status).toMatchObject({ state: 'running', framesStored: FRAMES });
	});
});

describe('a disk that is full for a while', () => {
	/** Lets the `nth` write from now on store only half of its bytes and then fail, and so do the next `times`. */
	async function failWrites(nth: number, times: number): Promise<() => number> {
		const probe = await open(join(parent, 'probe'), 'w');
		const prototype = Object.getPrototypeOf(probe) as typeof probe;
		await probe.close();
		const write = prototype.write as (...args: unknown[]) => Promise<{ bytesWritten: number }>;
		let calls = 0;
		vi.spyOn(prototype, 'write').mockImplementation(async function (this: unknown, ...args: unknown[]) {
			const [bytes, offset, length, position] = args as [Uint8Array, number, number, number];
			const call = calls++;
			if (call < nth || call >= nth + times) return (await write.apply(this, args)) as never;
			await write.call(this, bytes, offset, length >> 1, position);
			throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
		});
		return () => calls;
	}

	it.each([
		[0, 'frames.arrow'],
		[1, 'detections.arrow'],
		[2, 'tokens.arrow'],
		[3, 'maps.arrow'],
		[4, 'commits.jsonl'],
	])(
		'write %i of a batch fails: nothing stored is lost, and it goes on when there is space',
		async (nth, name) => {
			const engine = new SampleEngine();
			const writer = await RunWriter.create(folder, sampleHeader());
			for (let i = 0; i < BATCH_FRAMES; i++) await writer.append(engine.next(i));
			await failWrites(nth, 1);
			for (let i = BATCH_FRAMES; i < 2 * BATCH_FRAMES - 1; i++) await writer.append(engine.next(i));
			await expect(writer.append(engine.next(2 * BATCH_FRAMES - 1))).rejects.toMatchObject({
				code: 'disk-full',
				message: `${join(folder, name)}: no space is left on the disk.`,
			});
			expect([...(await openRun(folder)).results()]).toEqual(undisturbed(BATCH_FRAMES));
			await writer.append(engine.next(2 * BATCH_FRAMES));
			await writer.close('complete', OUTCOME);
			expect([...(await openRun(folder)).results()]).toEqual(undisturbed(2 * BATCH_FRAMES + 1));
		},
	);

	it('failing to the end, the run closes without another error and stays resumable', async () => {
		const writer = await recordSample(folder, BATCH_FRAMES + 1, 50);
		await failWrites(0, Infinity);
		await expect(writer.commit()).rejects.toMatchObject({ code: 'disk-full' });
		await writer.close('failed', { ...OUTCOME, error: 'no space is left' });
		vi.restoreAllMocks();
		const { status, frameCount } = await openRun(folder);
		expect([status.state, frameCount]).toEqual(['running', 50]);
		expect(await resumesBehind(folder)).toBe(49);
	});

	it('a snapshot that does not fit leaves the one before whole', async () => {
		const engine = new SampleEngine();
		const writer = await RunWriter.create(folder, sampleHeader());
		for (let i = 0; i < 3; i++) {
			await writer.append(engine.next(i));
			if (i < 2) await writer.snapshot(engine.saveState());
		}
		await failWrites(4, 1); // three streams and the journal go well
		await expect(writer.snapshot(engine.saveState())).rejects.toMatchObject({
			code: 'disk-full',
			message: expect.stringMatching(/state-a\.safetensors: no space/) as string,
		});
		const left = await leftBehind();
		await writer.close('failed', OUTCOME);
		expect(await resumesBehind(left)).toBe(1);
	});
});
