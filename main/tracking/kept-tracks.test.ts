import { cp, mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { allSteps } from '../domain/all-steps.ts';
import { Detections } from '../domain/detections.ts';
import { RunWriter } from '../results/run-writer.ts';
import { sampleHeader, sampleResult } from '../results/sample-run.fixture.ts';
import { openRun, type StoredRun } from '../results/stored-run.ts';
import { keepIdentities, restoreIdentities } from './kept-tracks.ts';
import { pathsOfRun } from './run-paths.ts';
import { RunIdentities } from './run-tracks.ts';

const FRAMES = 4100;
const OUTCOME = { decode: null, error: null, wallSeconds: 1, state: { memory: Float64Array.of(7) } };
const TRACKS = 'tracks.safetensors';

/** One who stays, one who comes and goes, and one who is seen for a moment. */
function resultOf(frame: number) {
	const seen = [
		{ left: 4 + (frame % 30), score: 0.9, classIndex: 0 },
		...(frame % 100 < 60 ? [{ left: 40, score: 0.8, classIndex: 2 }] : []),
		...(frame % 500 === 7 ? [{ left: 60, score: 0.7, classIndex: 1 }] : []),
	];
	const detections = new Detections(
		Uint16Array.from(seen, ({ classIndex }) => classIndex),
		Float32Array.from(seen, ({ score }) => score),
		Float32Array.from(seen.flatMap(({ left }) => [left, 4, left + 16, 40])),
	);
	return { ...sampleResult(frame), detections };
}

async function store(folder: string, frames: number): Promise<void> {
	const writer = await RunWriter.create(folder, sampleHeader());
	for (let i = 0; i < frames; i++) await writer.append(resultOf(i));
	await writer.close('cancelled', OUTCOME);
}

let root = '';
/** A copy of a long run that was cancelled and followed. */
let folder = '';
let count = 0;
beforeAll(async () => {
	root = await mkdtemp(join(tmpdir(), 'kept-tracks-'));
	await store(join(root, 'long'), FRAMES);
	const run = await openRun(join(root, 'long'));
	await keepIdentities(run, followed(run));
});
beforeEach(() => cp(join(root, 'long'), (folder = join(root, `run-${count++}`)), { recursive: true }));
afterEach(() => vi.restoreAllMocks());
afterAll(() => rm(root, { recursive: true }));

function followed(run: StoredRun, to = run.frameCount): RunIdentities {
	const identities = new RunIdentities(run.header.displayThresholds);
	allSteps(identities.follow(run, to));
	return identities;
}

async function restored(): Promise<RunIdentities> {
	const run = await openRun(folder);
	const identities = new RunIdentities(run.header.displayThresholds);
	await restoreIdentities(run, identities);
	return identities;
}

const isRestored = async () => (await restored()).isRestored;

/** All that identities tell. */
function told(run: StoredRun, identities: RunIdentities) {
	return {
		tracks: identities.tracks(),
		found: identities.tracksFound(),
		frames: identities.ofFrames(0, run.frameCount, (position) => run.frames.detectionCount[position]!),
		paths: allSteps(pathsOfRun(run, identities)),
	};
}

describe('what was followed of a long run', () => {
	it('is restored as it was, and edits are applied to it', async () => {
		const run = await openRun(folder);
		const [fresh, kept] = [followed(run), await restored()];
		expect([fresh.isRestored, kept.isRestored, kept.known]).toEqual([false, true, FRAMES]);
		expect(fresh.tracks().identities.length).toBeGreaterThan(40);
		expect(told(run, kept)).toEqual(told(run, fresh));
		const edits = [
			{ kind: 'split', track: 1, frame: 2000 },
			{ kind: 'join', tracks: [2, 3] },
			{ kind: 'rename', track: 2, name: 'Ann' },
		] as const;
		for (const identities of [fresh, kept]) identities.edit(edits);
		expect(told(run, kept)).toEqual(told(run, fresh));
		const { header, frames } = run;
		const longer = { header, frames, frameCount: FRAMES + 1, viewDetections: () => Detections.none };
		expect(() => allSteps(kept.follow(longer))).toThrow('is whole');
	});

	it('is not kept of a short run, nor before it was followed to its end, nor of one that goes on', async () => {
		const short = join(root, 'short');
		await store(short, 300);
		const run = await openRun(folder);
		await rm(join(folder, TRACKS));
		await keepIdentities(run, followed(run, FRAMES - 1));
		const { writer } = await RunWriter.resume(folder);
		const going = await openRun(folder);
		await keepIdentities(going, followed(going));
		await writer.close('failed', OUTCOME);
		const few = await openRun(short);
		await keepIdentities(few, followed(few));
		for (const place of [folder, short]) expect(await readdir(place)).not.toContain(TRACKS);
	});
});

describe('what was followed is not used', () => {
	const path = () => join(folder, TRACKS);
	const change = async (of: (bytes: Buffer) => Buffer) => writeFile(path(), of(await readFile(path())));
	const written = (was: string, is: string) => () =>
		change((bytes) => Buffer.from(bytes.toString('latin1').replace(was, is), 'latin1'));
	const flip = (at: (bytes: Buffer) => number) => () =>
		change((bytes) => {
			bytes[at(bytes)]! ^= 1;
			return bytes;
		});
	it.each<[string, () => Promise<void>]>([
		['gone', () => rm(path())],
		['cut off', () => change((bytes) => bytes.subarray(0, bytes.length - 8))],
		['damaged in its middle', flip((bytes) => bytes.length >> 1)],
		['damaged at its end', flip((bytes) => bytes.length - 1)],
		['of other rules', written('"rules":"', '"rules":"9')],
		['of other thresholds', written('"displayThresholds":"[0.25', '"displayThresholds":"[0.24')],
		['of another size of the picture', written('\\"width\\":80', '\\"width\\":81')],
		['without a column', written('"spanOffsets"', '"spanOffzets"')],
		['with a column of other numbers', written('"dtype":"I32"', '"dtype":"F32"')],
	])('%s', async (_, spoil) => {
		expect(await isRestored()).toBe(true);
		await spoil();
		expect(await isRestored()).toBe(false);
	});

	it('of an earlier state of a run that was gone on with, which takes it away', async () => {
		const earlier = join(root, `earlier-${TRACKS}`);
		await cp(path(), earlier);
		const { writer } = await RunWriter.resume(folder);
		expect(await readdir(folder)).not.toContain(TRACKS);
		await writer.append(resultOf(FRAMES));
		await writer.close('complete', OUTCOME);
		await cp(earlier, path());
		expect(await isRestored()).toBe(false);
	});
});

it('where it cannot be written, there is none, and nothing is left', async () => {
	await rm(join(folder, TRACKS));
	const run = await openRun(folder);
	const identities = followed(run);
	const probe = await open(join(root, 'probe'), 'w');
	const prototype = Object.getPrototypeOf(probe) as typeof probe;
	await probe.close();
	vi.spyOn(prototype, 'write').mockRejectedValue(Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' }));
	await keepIdentities(run, identities);
	vi.restoreAllMocks();
	expect((await readdir(folder)).filter((name) => name.startsWith(TRACKS))).toEqual([]);
});
