import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { strFromU8, unzipSync } from 'fflate';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Detections } from '../domain/detections.ts';
import { PART_STEP } from '../domain/track-labels.ts';
import { trackEditsToText } from '../tracking/edits-file.ts';
import { editsPath } from '../tracking/stored-edits.ts';
import { identifyVideo } from '../video/identity.ts';
import { probeVideo } from '../video/probe.ts';
import { ffmpeg } from '../video/test-videos.fixture.ts';
import type { ExportRequest } from './format.ts';
import { objects } from './objects.ts';
import { storeSampleRun } from './run.fixture.ts';

/** A person who comes nearer until frame 8, and a bicycle that stands at the right, cut by the border in all frames but one. */
const seen = (frame: number) => {
	const side = frame <= 8 ? frame : 8;
	return new Detections(
		Uint16Array.of(0, 1),
		Float32Array.of(frame > 8 ? 0.6 : 0.9, 0.8),
		Float32Array.of(4, 4, 12 + side, 20 + side, 40, 30, frame === 5 ? 60 : 64, 44),
	);
};

let folder: string;
let request: Omit<ExportRequest, 'out'>;

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'sparsight-objects-'));
	const path = join(folder, 'street.mkv');
	// prettier-ignore
	await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=64x48:r=10,trim=end_frame=12', '-c:v', 'libx264', '-preset', 'ultrafast', path);
	const run = await storeSampleRun(join(folder, 'run'), {
		detectionsOf: seen,
		classes: ['person', '<b>bicycle</b>'],
		header: { video: await probeVideo(path), videoIdentity: await identifyVideo(path) },
	});
	request = { runs: [run], labels: ['run'], range: null, settings: {} };
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function filesOf(change: Partial<ExportRequest>): Promise<Record<string, Uint8Array>> {
	const out = join(folder, 'objects.zip');
	await objects.write({ ...request, ...change, out });
	const files = unzipSync(await readFile(out));
	await rm(out);
	return files;
}

const tableOf = (files: Record<string, Uint8Array>) => strFromU8(files['objects.csv']!).trim().split('\r\n');

it('shows every object at its best, as pictures, a table and a page', async () => {
	const told: number[] = [];
	const files = await filesOf({ onProgress: (done, total) => told.push(done / total) });
	const [person, bicycle] = ['pictures/street-00h00m00.800s-person-1.jpg', 'pictures/street-00h00m00.500s-_b_bicycle_b_-2.jpg'] as const; // prettier-ignore
	expect(Object.keys(files).sort()).toEqual(['index.html', 'objects.csv', bicycle, person].sort());
	expect([...files[person]!.subarray(0, 2)]).toEqual([0xff, 0xd8]);
	expect(tableOf(files)).toEqual([
		'identity,name,class,first_seen_s,last_seen_s,sightings,best_frame,best_time_s,score,left_px,top_px,right_px,bottom_px,picture',
		`1,,person,0,1.1,12,8,0.8,0.9,4,4,20,28,${person}`,
		`2,,<b>bicycle</b>,0,1.1,12,5,0.5,0.8,40,30,60,44,${bicycle}`,
	]);
	const sheet = strFromU8(files['index.html']!);
	expect(sheet).toContain('Faces and number plates are not hidden');
	expect(sheet).toContain('&lt;b&gt;bicycle');
	expect(/<ul>([^]*)<\/ul>/.exec(sheet)![1]!.match(/<img/g)).toHaveLength(2);
	expect(sheet).not.toMatch(/<script|src="(?!data:)|<b>|https?:/);
	expect(told.at(-1)).toBe(1);
});

it('follows the edits of tracks, and says when somebody was recorded', async () => {
	const split = { kind: 'split', track: 1, frame: 6 } as const;
	const rename = { kind: 'rename', track: 1 + PART_STEP, name: 'Courier' } as const;
	const path = editsPath(request.runs[0]!.folder);
	await mkdir(dirname(path), { recursive: true });
	await writeFile(path, trackEditsToText([split, rename, { kind: 'hide', track: 2 }]));
	const clock = { startsAt: '2026-11-29T00:00:00.000Z', timeZone: 'Asia/Tokyo', source: 'stated' } as const;
	const [, ...rows] = tableOf(await filesOf({ clock }));
	expect(rows.map((row) => row.split(',').slice(0, 7).join())).toEqual(['1,,person,0,0.5,6,5', '1000001,Courier,person,0.6,1.1,6,8']); // prettier-ignore
	await rm(path);
	expect(rows[1]).toMatch(
		/street-2026-11-29T090000\.800-person-Courier\.jpg,2026-11-29T09:00:00\.600\+09:00/,
	);
});

it.each<[what: string, change: Partial<ExportRequest>, rows: string[]]>([
	['a class', { search: { dwellSeconds: null, mostAtOnce: null, filter: { classes: [1] } } }, ['2 5']],
	['some', { search: { dwellSeconds: null, mostAtOnce: null, filter: { identities: [1] } } }, ['1 8']],
	['numbers', { settings: { only: '2-7' } }, ['2 5']],
	['a range', { range: { from: { frame: 0 }, to: { frame: 4 }, every: 1 } }, ['1 4', '2 0']],
])('can be asked for %s', async (_, change, rows) => {
	const [, ...table] = tableOf(await filesOf(change));
	expect(table.map((row) => `${row.split(',')[0]} ${row.split(',')[6]}`)).toEqual(rows);
});

it.each<[what: string, change: Partial<ExportRequest>, code: string]>([
	[
		'nobody is found',
		{ search: { dwellSeconds: null, mostAtOnce: null, filter: { identities: [9] } } },
		'bad-argument',
	],
	['it is cancelled', { signal: AbortSignal.abort() }, 'cancelled'],
])('refuses and leaves nothing behind where %s', async (_, change, code) => {
	await expect(filesOf(change)).rejects.toMatchObject({ code });
	expect((await readdir(folder)).filter((name) => name !== 'notes').sort()).toEqual(['run', 'street.mkv']);
});

it.each([
	['9', '9'],
	['1, 9', '9'],
	['2, 7-9', '7-9'],
])("says which numbers are nobody's: %s", async (only, nobodys) => {
	await expect(filesOf({ settings: { only } })).rejects.toMatchObject({
		code: 'unknown-object',
		message: `format objects: numbers of objects that the run shows were expected in "only" (got ${nobodys}, which is nobody's).`,
		remedy: 'Name some of its 2 objects: "sparsight tracks <run>" lists them.',
	});
});
