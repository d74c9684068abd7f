import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import {
	cp,
	lstat,
	mkdir,
	mkdtemp,
	open,
	readdir,
	readFile,
	rm,
	symlink,
	truncate,
	writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serialize } from 'node:v8';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { FrameResult } from '../domain/frame-result.ts';
import { inTurns } from './in-turns.ts';
import { RunWriter } from './run-writer.ts';
import { sampleHeader, sampleResult } from './sample-run.fixture.ts';
import { openRun, type StoredRun } from './stored-run.ts';

const FRAMES = 4100;
const OUTCOME = { decode: null, error: null, wallSeconds: 1, state: { memory: Float64Array.of(7) } };
const COLUMNS = 'columns.safetensors';

/** Now and then estimated, and with a camera that moves. */
function resultOf(frame: number): FrameResult {
	const drift = {
		waitingTokens: frame % 5,
		longestWait: 3,
		sufficientTokens: 2,
		agreement: 0.9,
		lower: 0.8,
		upper: 1,
		audit: frame % 90 === 1 ? { matched: 2, lost: 1, gained: 0 } : null,
	};
	const camera = { x: frame / 8, y: 0, scale: 1, rotation: 0, gridX: 0, gridY: 0 };
	return { ...sampleResult(frame), ...(frame % 3 > 0 && { drift }), ...(frame % 7 > 0 && { camera }) };
}

async function store(folder: string, frames: number, state: 'complete' | 'cancelled' | 'failed') {
	const writer = await RunWriter.create(folder, sampleHeader());
	for (let i = 0; i < frames; i++) await writer.append(resultOf(i));
	await writer.close(state, OUTCOME);
}

let root = '';
/** A copy of a long run that was cancelled. */
let folder = '';
let count = 0;
beforeAll(async () => {
	root = await mkdtemp(join(tmpdir(), 'columns-'));
	await store(join(root, 'long'), FRAMES, 'cancelled');
});
beforeEach(() => cp(join(root, 'long'), (folder = join(root, `run-${count++}`)), { recursive: true }));
afterEach(() => vi.restoreAllMocks());
afterAll(() => rm(root, { recursive: true }));

const shownOf = (run: StoredRun, least = run.header.displayThresholds) => inTurns(run.countsReaching(least));

/** All that columns tell. */
async function read(place = folder) {
	const run = await openRun(place);
	const { frames, status, stamp } = run;
	const columns = createHash('sha256').update(serialize([frames, await shownOf(run)]));
	return { status, stamp, columns: columns.digest('hex'), last: run.result(run.frameCount - 1) };
}

/** So that the run can't be opened without its columns. */
async function damageFrames(): Promise<void> {
	const path = join(folder, 'frames.arrow');
	const bytes = await readFile(path);
	bytes[bytes.length >> 1]! ^= 1;
	await writeFile(path, bytes);
}
const isUsed = async () => {
	await damageFrames();
	return openRun(folder).then(
		() => true,
		() => false,
	);
};

describe('a long run that has ended', () => {
	it('has all columns in one file, which tells what the streams tell', async () => {
		const kept = await read();
		expect(kept.stamp).not.toBeNull();
		await rm(join(folder, COLUMNS));
		expect(await read()).toEqual(kept);
		const { drift, camera } = (await openRun(folder)).frames;
		expect([drift!.audit.matched[91], camera!.x[8]]).toEqual([2, 1]);
		expect(await isUsed()).toBe(false);
	});

	it('is opened by it', async () => {
		expect(await isUsed()).toBe(true);
	});

	it('counts what is shown by it, and what would be shown by its boxes', async () => {
		await writeFile(join(folder, 'detections.arrow'), '');
		await truncate(join(folder, 'detections.arrow'), 10_000_000);
		const run = await openRun(folder);
		const counts = await shownOf(run);
		expect(counts.slice(0, 8)).toEqual(Uint32Array.of(0, 1, 2, 3, 0, 1, 2, 3));
		await expect(shownOf(run, [0.8, 0.8, 0.8])).rejects.toMatchObject({ code: 'run-unreadable' });
	});

	it.each(['complete', 'cancelled', 'failed'] as const)(
		'%s: whoever opens it may keep the file',
		async (state) => {
			const place = join(root, `ended-${state}`);
			await store(place, FRAMES, state);
			expect(existsSync(join(place, COLUMNS))).toBe(state !== 'failed');
			await rm(join(place, COLUMNS), { force: true });
			const before = await read(place);
			await (await openRun(place)).keepColumns();
			expect(existsSync(join(place, COLUMNS))).toBe(true);
			expect(await read(place)).toEqual(before);
		},
	);
});

it('there is none of a short run, nor of one that is written', async () => {
	const short = join(root, 'short');
	await store(short, 500, 'complete');
	await (await openRun(short)).keepColumns();
	const { writer } = await RunWriter.resume(folder);
	await writer.snapshot(OUTCOME.state);
	const run = await openRun(folder);
	expect([run.frameCount, run.status.state]).toEqual([FRAMES, 'running']);
	await run.keepColumns();
	await writer.close('failed', OUTCOME);
	for (const place of [short, folder]) expect(await readdir(place)).not.toContain(COLUMNS);
});

describe('a file of columns that is not used', () => {
	type Spoil = (path: string) => Promise<void>;
	const change =
		(of: (bytes: Buffer) => Buffer): Spoil =>
		async (path) =>
			writeFile(path, of(await readFile(path)));
	const flip = (at: (bytes: Buffer) => number) =>
		change((bytes) => {
			bytes[at(bytes)]! ^= 1;
			return bytes;
		});
	const written = (was: string, is: string) =>
		change((bytes) => Buffer.from(bytes.toString('latin1').replace(was, is), 'latin1'));
	it.each<[string, Spoil]>([
		['damaged in its middle', flip((bytes) => bytes.length >> 1)],
		['damaged at its end', flip((bytes) => bytes.length - 1)],
		['cut off', change((bytes) => bytes.subarray(0, bytes.length - 100))],
		['empty', change(() => Buffer.alloc(0))],
		['zeros, as a loss of power leaves them', change((bytes) => Buffer.alloc(bytes.length))],
		['of another version', written('sparsight-columns-1', 'sparsight-columns-2')],
		['without a column', written('"frames.macs"', '"frames.mcas"')],
		['with a column of other numbers', written('"dtype":"F32"', '"dtype":"I32"')],
		['a folder', async (path) => void (await rm(path), await mkdir(path))],
	])('%s', async (_, spoil) => {
		const whole = await read();
		await spoil(join(folder, COLUMNS));
		expect(await read()).toEqual(whole);
		expect(await isUsed()).toBe(false);
	});

	it('one of an earlier state of a run that was gone on with', async () => {
		const earlier = join(root, `earlier-${COLUMNS}`);
		await cp(join(folder, COLUMNS), earlier);
		const { writer } = await RunWriter.resume(folder);
		expect(await readdir(folder)).not.toContain(COLUMNS);
		await cp(earlier, join(folder, COLUMNS));
		expect((await openRun(folder)).frameCount).toBe(FRAMES);
		await writer.append({ ...resultOf(FRAMES), timeSeconds: 1234 });
		await writer.commit();
		expect((await openRun(folder)).frameCount).toBe(FRAMES + 1);
		await writer.close('complete', OUTCOME);
		const own = await read();
		expect(own.last.timeSeconds).toBe(1234);
		await cp(earlier, join(folder, COLUMNS));
		expect(await read()).toEqual(own);
		expect(await isUsed()).toBe(false);
	});

	it('one that counts what other thresholds than those of the header show', async () => {
		const path = join(folder, 'run.json');
		const header: object = JSON.parse(await readFile(path, 'utf8'));
		await writeFile(path, JSON.stringify({ ...header, displayThresholds: [0.8, 0.8, 0.8] }));
		expect((await shownOf(await openRun(folder))).slice(0, 4)).toEqual(Uint32Array.of(0, 1, 1, 1));
		expect(await isUsed()).toBe(false);
	});

	it('one of a run whose streams were cut off since', async () => {
		const { length } = await readFile(join(folder, 'detections.arrow'));
		await truncate(join(folder, 'detections.arrow'), length >> 1);
		const { frameCount, status, stamp } = await openRun(folder);
		expect(frameCount).toBeLessThan(FRAMES);
		expect([status.state, stamp]).toEqual(['running', null]);
	});
});

it.each([COLUMNS, `${COLUMNS}.new`])(
	'a file of columns is written through no link that lies in its place: %s',
	async (name) => {
		const elsewhere = join(root, 'elsewhere');
		await writeFile(elsewhere, 'of another program');
		await rm(join(folder, COLUMNS));
		await symlink(elsewhere, join(folder, name));
		await (await openRun(folder)).keepColumns();
		expect(await readFile(elsewhere, 'utf8')).toBe('of another program');
		expect((await lstat(join(folder, COLUMNS))).isFile()).toBe(true);
	},
);

describe('a file of columns that cannot be written', () => {
	async function failWrites(name: string, code: string): Promise<void> {
		const probe = await open(join(root, 'probe'), 'w');
		const prototype = Object.getPrototypeOf(probe) as typeof probe;
		await probe.close();
		const write = prototype.write as (...args: unknown[]) => Promise<{ bytesWritten: number }>;
		vi.spyOn(prototype, 'write').mockImplementation(async function (this: unknown, ...args: unknown[]) {
			if (!existsSync(join(folder, name))) return (await write.apply(this, args)) as never;
			const [bytes, offset, length, position] = args as [Uint8Array, number, number, number];
			await write.call(this, bytes, offset, length >> 1, position);
			throw Object.assign(new Error(`${code}: write`), { code });
		});
	}

	it.each(['ENOSPC', 'EIO'])('is no failure of the run (%s), and leaves nothing', async (code) => {
		folder = join(root, `full-${code}`);
		const writer = await RunWriter.create(folder, sampleHeader());
		for (let i = 0; i < FRAMES; i++) await writer.append(resultOf(i));
		await failWrites(`${COLUMNS}.new`, code);
		await writer.close('complete', OUTCOME);
		expect((await readdir(folder)).filter((name) => name.startsWith(COLUMNS))).toEqual([]);
		vi.restoreAllMocks();
		const { status, frameCount } = await openRun(folder);
		expect([status.state, frameCount]).toEqual(['complete', FRAMES]);
	});

	it('because the run is gone', async () => {
		await rm(join(folder, COLUMNS));
		const run = await openRun(folder);
		await rm(folder, { recursive: true });
		await run.keepColumns();
		expect(existsSync(folder)).toBe(false);
	});
});
