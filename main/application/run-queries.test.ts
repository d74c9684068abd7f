import { existsSync } from 'node:fs';
import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Detections } from '../domain/detections.ts';
import { storeSampleRun } from '../export/run.fixture.ts';
import { RUN_FILES } from '../results/run-folder.ts';
import { RunWriter } from '../results/run-writer.ts';
import { sampleHeader, sampleResult } from '../results/sample-run.fixture.ts';
import { StoredRun } from '../results/stored-run.ts';
import { trackEditsToText } from '../tracking/edits-file.ts';
import { editsPath } from '../tracking/stored-edits.ts';
import type { TrackEdit } from '../tracking/track-edits.ts';
import { RunQueries } from './run-queries.ts';
import { RunStore } from './run-store.ts';
import { VideoNotes } from './video-notes.ts';

const RUN = 'run-1';
const B = 1_000_001; // what was split off object 1
const split = (frame: number): TrackEdit => ({ kind: 'split', track: 1, frame });

let root: string;
let store: RunStore;
let queries: RunQueries;
let notes: VideoNotes;
const folder = () => join(root, 'video', RUN);

/** One who stands still, and one who joins in. */
function detectionsOf(f: number): Detections {
	const lefts = f < 20 ? [4] : [4, 40];
	const boxes = Float32Array.from(lefts.flatMap((left) => [left, 4, left + 16, 40]));
	const scores = Float32Array.from(lefts, (_, i) => 0.9 - i / 20);
	return new Detections(new Uint16Array(lefts.length), scores, boxes);
}

beforeEach(async () => {
	root = await mkdtemp(join(tmpdir(), 'sparsight-queries-'));
	await storeSampleRun(folder(), { frames: 40, detectionsOf });
	store = new RunStore(() => root);
	queries = new RunQueries(store, () => null);
	notes = new VideoNotes(() => root);
});
afterEach(() => rm(root, { recursive: true }));

const edit = (...edits: TrackEdit[]) =>
	queries.editTracks(RUN, edits, (where) => notes.storeTrackEdits(where, edits));
const tracks = async () => [...(await queries.tracks(RUN)).identities];
const boxes = async () => [...(await queries.identities(RUN, 18, 4)).identities];
const paths = async () => {
	const { identities, offsets } = await queries.paths(RUN);
	return Array.from(identities, (identity, i) => [identity, offsets[i + 1]! - offsets[i]!]);
};

/** As `sparsight tracks` does from another process. */
async function writeBeside(text: string): Promise<void> {
	await mkdir(dirname(editsPath(folder())), { recursive: true });
	await writeFile(editsPath(folder()), text);
}

it('reads a run once for all who ask at once, and again once more of it is stored', async () => {
	const keep = vi.spyOn(StoredRun.prototype, 'keepColumns');
	const [run, ...others] = await Promise.all([queries.run(RUN), queries.run(RUN), queries.run(RUN)]);
	for (const other of others) expect(other).toBe(run);
	expect(await queries.run(RUN)).toBe(run);
	expect(keep).toHaveBeenCalledTimes(1);
	await appendFile(join(folder(), RUN_FILES.events), ' ');
	expect(await queries.run(RUN)).not.toBe(run);
	keep.mockRestore();
});

it('tells of a run that another process began again', async () => {
	const place = join(root, 'video', 'run-2');
	const first = await RunWriter.create(place, sampleHeader());
	for (let i = 0; i < 40; i++) await first.append(sampleResult(i));
	await first.close('cancelled', { decode: null, error: null, wallSeconds: 1, state: {} });
	expect((await queries.describe('run-2')).frameCount).toBe(40);
	for (const name of RUN_FILES.snapshots) await rm(join(place, name), { force: true });
	const { writer } = await RunWriter.resume(place);
	for (let i = 0; i < 40; i++) await writer.append({ ...sampleResult(i + 1), frameIndex: i });
	await writer.commit();
	const { detectionOffsets } = await queries.frames('run-2', 0, 4);
	expect([...detectionOffsets]).toEqual([0, 1, 3, 6, 6]);
	await writer.close('cancelled', { decode: null, error: null, wallSeconds: 1, state: {} });
});

describe('edits of tracks', () => {
	it('are in every answer from then on', async () => {
		expect(await paths()).toEqual([[1, 40], [2, 20]]); // prettier-ignore
		await edit(split(20));
		expect(await tracks()).toEqual([1, 2, B]);
		expect(await boxes()).toEqual([1, 1, B, 2, B, 2]);
		expect(await paths()).toEqual([[1, 20], [2, 20], [B, 20]]); // prettier-ignore
		expect(await queries.trackEdits(RUN)).toEqual([split(20)]);
	});

	it('that the command line makes meanwhile are seen, and so is that they are gone', async () => {
		expect(await tracks()).toEqual([1, 2]);
		await writeBeside(trackEditsToText([split(20), { kind: 'hide', track: 2 }]));
		expect(await boxes()).toEqual([1, 1, B, 0, B, 0]);
		expect(await paths()).toEqual([[1, 20], [B, 20]]); // prettier-ignore
		await rm(editsPath(folder()));
		expect(await paths()).toEqual([[1, 40], [2, 20]]); // prettier-ignore
	});

	it('in a file that is none are said so, until it is mended', async () => {
		await tracks();
		await writeBeside('{');
		await expect(tracks()).rejects.toMatchObject({ code: 'edits-unreadable' });
		await expect(boxes()).rejects.toMatchObject({ code: 'edits-unreadable' });
		await rm(editsPath(folder()));
		expect(await tracks()).toEqual([1, 2]);
	});

	it('that are refused change nothing, and hold up nothing', async () => {
		await edit(split(20));
		await expect(edit({ kind: 'join', tracks: [1, 2] })).rejects.toMatchObject({ code: 'edit-refused' });
		expect(await tracks()).toEqual([1, 2, B]);
		expect(await queries.trackEdits(RUN)).toEqual([split(20)]);
	});

	it('that come one upon another end as the last one says', async () => {
		const answers = [edit(split(10)), paths(), edit(split(20)), tracks(), edit(split(30))];
		await Promise.all(answers);
		expect(await paths()).toEqual([[1, 30], [2, 20], [B, 10]]); // prettier-ignore
	});

	it('are deleted with their run', async () => {
		await edit(split(20));
		expect(existsSync(editsPath(folder()))).toBe(true);
		await store.delete(RUN);
		expect(existsSync(editsPath(folder()))).toBe(false);
	});
});

describe('a long run that has ended', () => {
	const LONG = 'run-2';
	const long = () => join(root, 'video', LONG);
	beforeEach(() => storeSampleRun(long(), { frames: 4100, detectionsOf }));
	const has = (run: string, name: string) => existsSync(join(root, 'video', run, name));
	/** As the next start of the application does. */
	const startAgain = () => (queries = new RunQueries(store, () => null));

	it('has its columns beside it once it was opened, and a short one has none', async () => {
		await rm(join(long(), RUN_FILES.columns));
		for (const run of [LONG, RUN]) await queries.run(run);
		await queries.settled();
		expect([LONG, RUN].map((run) => has(run, RUN_FILES.columns))).toEqual([true, false]);
	});

	it('has its tracks beside it once it was followed, so that the next start need not follow it', async () => {
		await queries.identities(LONG, 0, 10);
		await queries.settled();
		expect(has(LONG, RUN_FILES.tracks)).toBe(false);
		const tracks = await queries.tracks(LONG);
		const identities = await queries.identities(LONG, 2000, 64);
		await queries.tracks(RUN);
		await queries.settled();
		expect([LONG, RUN].map((run) => has(run, RUN_FILES.tracks))).toEqual([true, false]);
		expect(tracks.identities).toHaveLength(2);
		// Nothing can be followed without boxes.
		await writeFile(join(long(), 'detections.arrow'), Buffer.alloc(1_000_000));
		startAgain();
		expect(await queries.tracks(LONG)).toEqual(tracks);
		expect(await queries.identities(LONG, 2000, 64)).toEqual(identities);
	});

	it('has the edits that a person makes afterwards', async () => {
		const ids = async () => [...(await queries.tracks(LONG)).identities];
		const edit = (...edits: TrackEdit[]) =>
			queries.editTracks(LONG, edits, (where) => notes.storeTrackEdits(where, edits));
		await edit(split(20));
		await queries.settled();
		startAgain();
		expect(await ids()).toEqual([1, 2, B]);
		await edit();
		await queries.settled();
		startAgain();
		expect(await ids()).toEqual([1, 2]);
	});

	it('is followed anew where what was kept is of other rules', async () => {
		await queries.tracks(LONG);
		await queries.settled();
		const path = join(long(), RUN_FILES.tracks);
		const text = (await readFile(path)).toString('latin1');
		await writeFile(path, Buffer.from(text.replace('"rules":"', '"rules":"9'), 'latin1'));
		startAgain();
		expect((await queries.tracks(LONG)).identities).toHaveLength(2);
		await queries.settled();
		expect((await readFile(path)).toString('latin1')).toBe(text);
	});
});
