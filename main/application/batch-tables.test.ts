import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BatchFolder } from '../batch/batch-folder.ts';
import { DENSE } from '../batch/configuration.fixture.ts';
import { planJobs } from '../batch/plan.ts';
import type { VideoIdentity } from '../domain/run.ts';
import { Detections } from '../domain/detections.ts';
import type { ZoneSet } from '../domain/zones.ts';
import { storeSampleRun } from '../export/run.fixture.ts';
import { streamFile } from '../results/run-folder.ts';
import { trackEditsToText } from '../tracking/edits-file.ts';
import { editsPath } from '../tracking/stored-edits.ts';
import type { TrackEdit } from '../tracking/track-edits.ts';
import { makeFolders, openPageSide, type PageSide } from './application.fixture.ts';
import { VideoNotes } from './video-notes.ts';
import { identityKey } from '../video/identity.ts';

const folders = makeFolders();
const jobs = new BatchFolder(join(folders.settings, 'batch'));
const notes = new VideoNotes(() => folders.runs);

const identityOf = (letter: string): VideoIdentity => ({ fileBytes: 1000, edgesSha256: letter.repeat(64) });
const [A, C] = [identityOf('a'), identityOf('c')];

/** One who walks to the right, four pixels a frame, and one who stands at the right. */
const detectionsOf = (f: number) =>
	new Detections(
		Uint16Array.of(0, 1),
		Float32Array.of(f === 3 ? 0.9 : 0.8, 0.7),
		Float32Array.of(4 * f, 2, 4 * f + 10, 20, 52, 28, 60, 46),
	);
const square = (name: string, left: number, right: number) => ({
	id: name.replace(' ', '-'),
	name,
	points: [
		[left, -1],
		[right, -1],
		[right, 49],
		[left, 49],
	] as const,
});
const ZONES: ZoneSet = {
	format: 'sparsight-zones',
	version: 1,
	pictureSize: { width: 64, height: 48 },
	anchor: 'centre',
	hysteresis: 0,
	zones: [square('left half', -1, 32), square('right half', 32, 65)],
	lines: [],
};

let page: PageSide;
/** By name of the file, then configuration. */
const ids = new Map<string, string>();
beforeAll(async () => {
	const reduced = { ...DENSE, label: 'token-cache', mode: 'token-cache' };
	const less = { ...reduced, settings: { fraction: 0.1 } };
	const identities = new Map([
		['a.mp4', A],
		['c.mp4', C],
	]);
	for (const [name, configuration] of [
		['a.mp4', reduced],
		['a.mp4', less],
		['broken.mp4', DENSE],
		['c.mp4', DENSE],
		['gone.mp4', DENSE],
	] as const) {
		const identity = identities.get(name) ?? identityOf('f');
		const [planned] = await planJobs([`/v/${name}`], [configuration], await jobs.jobs());
		const runId = `run-${ids.size}`;
		const runFolder = join(folders.runs, identityKey(identity), runId);
		const job = { ...planned!, identity, runFolder };
		ids.set(`${name} ${ids.size}`, job.id);
		await jobs.add([job]);
		if (name === 'broken.mp4') {
			const error = {
				code: 'not-a-video',
				message: '/v/broken.mp4: no video.',
				remedy: null,
				stack: null,
			} as const;
			await jobs.noteOutcome(job, { state: 'failed', error });
			continue;
		}
		await jobs.noteOutcome(job, { state: 'done', framesStored: 10 });
		if (name === 'gone.mp4') continue;
		mkdirSync(dirname(runFolder), { recursive: true });
		await storeSampleRun(runFolder, { frames: 10, detectionsOf, header: { videoIdentity: identity } });
	}
	await notes.storeZones(A, ZONES);
	await notes.storeClock(A, { startsAt: '2026-11-29T08:00:00.000Z', timeZone: '+09:00', source: 'stated' });
	page = await openPageSide(folders);
});
afterAll(async () => {
	await page.application.close();
	folders.remove();
});

const objectsOf = (key: string) => page.ask('batch.objects', { jobId: ids.get(key)! });

it('lists the objects of a file with what a person added to it', async () => {
	const { objects, clock } = await objectsOf('a.mp4 0');
	expect(clock).toMatchObject({ timeZone: '+09:00', source: 'stated' });
	expect(Array.from(objects.identities)).toEqual([1, 2]);
	expect(Array.from(objects.firstFrames)).toEqual([0, 0]);
	expect(Array.from(objects.seenSeconds, (seconds) => seconds.toFixed(3))).toEqual(['1.000', '1.000']);
	expect(objects.bestScores[0]).toBeCloseTo(0.9);
	const zonesOf = (t: number) =>
		Array.from(
			objects.zones.subarray(objects.zoneOffsets[t], objects.zoneOffsets[t + 1]),
			(zone) => objects.zoneNames[zone],
		);
	expect([zonesOf(0), zonesOf(1)]).toEqual([['left half', 'right half'], ['right half']]);
	const others = await objectsOf('c.mp4 3');
	expect([others.clock, others.objects.zoneNames]).toEqual([null, []]);
});

it('follows edits of tracks and other zones, and says why zones are left out', async () => {
	const edits: TrackEdit[] = [
		{ kind: 'split', track: 1, frame: 6 },
		{ kind: 'rename', track: 1_000_001, name: 'Courier' },
		{ kind: 'hide', track: 2 },
	];
	const { runFolder } = (await jobs.jobs())[0]!;
	const path = editsPath(runFolder);
	writeFileSync(path, trackEditsToText(edits));
	const { objects } = await objectsOf('a.mp4 0');
	expect(Array.from(objects.identities)).toEqual([1, 1_000_001]);
	expect(Array.from(objects.firstSeconds)).toEqual([0, 0.6]);
	expect(objects.names).toEqual([[1_000_001, 'Courier']]);
	const zonesPath = join(dirname(path), 'zones.json');
	const whole = readFileSync(zonesPath);
	writeFileSync(zonesPath, '{');
	const { zonesProblem, objects: without } = await objectsOf('a.mp4 0');
	expect([zonesProblem?.code, without.zoneNames]).toEqual(['zones-unreadable', []]);
	writeFileSync(zonesPath, whole);
});

it.each([
	['broken.mp4 2', 'bad-argument'],
	['gone.mp4 4', 'run-unreadable'],
])('refuses %s with %s', async (key, code) => {
	await expect(objectsOf(key)).rejects.toMatchObject({ code });
});

it('writes all detections, a line with the reason for each file that failed, and a summary', async () => {
	const { exportId, name } = (await page.ask('batch.saveTable', { format: 'csv' }))!;
	const ended = await page.hear('export.ended', (event) => event.exportId === exportId);
	expect(ended).toMatchObject({ error: null, companion: { name: 'batch.summary.csv' } });
	const told = await page.hear('export.progress', (event) => event.exportId === exportId);
	expect(told.total).toBe(40);
	const read = (file: string) => readFileSync(join(folders.exports, file), 'utf8').trimEnd().split('\r\n');
	const [head, ...rows] = read(name);
	expect(head).toBe(
		'file,run,frame,time_s,recorded_at,class,score,left_px,top_px,right_px,bottom_px,track,zones,failure',
	);
	expect(rows[0]).toBe(
		'/v/a.mp4,token-cache,0,0,2026-11-29T17:00:00.000+09:00,person,0.8,0,2,10,20,1,left half,'.replace(
			' · model=lookout',
			'',
		),
	);
	expect(rows.filter((row) => row.startsWith('/v/c.mp4,dense,9,'))).toEqual([
		'/v/c.mp4,dense,9,0.9,,person,0.8,36,2,46,20,1,,',
		'/v/c.mp4,dense,9,0.9,,bicycle,0.7,52,28,60,46,2,,',
	]);
	expect(
		rows.filter((row) => /^\/v\/(broken|gone)/.test(row)).map((row) => row.replaceAll(/,+/g, ',')),
	).toEqual(['/v/broken.mp4,dense,/v/broken.mp4: no video.', '/v/gone.mp4,dense,its run cannot be read']);
	const summary = read('batch.summary.csv').map((row) => row.split(',').slice(0, 5).join(' '));
	expect(summary).toEqual([
		'file run state frames objects',
		'/v/a.mp4 token-cache done 10 2',
		'/v/a.mp4 token-cache · fraction=0.1 done 10 2',
		'/v/broken.mp4 dense failed  ',
		'/v/c.mp4 dense done 10 2',
		'/v/gone.mp4 dense failed  ',
	]);
});

it('keeps the objects of a run that stays as it is: its columns are not read again', async () => {
	const before = await objectsOf('c.mp4 3');
	const { runFolder } = (await jobs.jobs()).find(({ id }) => id === ids.get('c.mp4 3'))!;
	rmSync(join(runFolder, streamFile('detections')));
	expect(await objectsOf('c.mp4 3')).toEqual(before);
});
