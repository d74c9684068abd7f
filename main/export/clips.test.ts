import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { expect, it } from 'vitest';
import type { ZoneSet } from '../domain/zones.ts';
import type { StoredRun } from '../results/stored-run.ts';
import { identifyVideo } from '../video/identity.ts';
import { probeVideo } from '../video/probe.ts';
import { ffmpeg, probeFrames } from '../video/test-videos.fixture.ts';
import { clips, writeClipFolder } from './clips.ts';
import type { ExportRequest } from './format.ts';
import { inTemporaryFolder, storeSampleRun } from './run.fixture.ts';

/** The sample run's person goes over it and the yard's edge in its twelve frames, which take 1.2 s. */
const ZONES: ZoneSet = {
	format: 'sparsight-zones',
	version: 1,
	pictureSize: { width: 64, height: 48 },
	anchor: 'bottom',
	hysteresis: 0,
	zones: [{ id: 'yard', name: '../Yard: "é"', points: [[11, 30], [30, 30], [30, 47], [11, 47]] }], // prettier-ignore
	lines: [{ id: 'gate', name: 'Gate', from: [14, 0], to: [14, 48] }],
};

async function withRun(test: (folder: string, request: Omit<ExportRequest, 'out'>) => Promise<void>) {
	await inTemporaryFolder(async (folder) => {
		const path = join(folder, 'street.mkv');
		// prettier-ignore
		await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=64x48:r=10,trim=end_frame=12', '-c:v', 'libx264', '-preset', 'ultrafast', path);
		const run: StoredRun = await storeSampleRun(join(folder, 'run'), {
			header: { video: await probeVideo(path), videoIdentity: await identifyVideo(path) },
		});
		const request = { runs: [run], labels: ['run'], range: null, settings: {}, zones: ZONES };
		await test(folder, request);
	});
}

const search = (filter: NonNullable<ExportRequest['search']>['filter']) => ({
	dwellSeconds: null,
	mostAtOnce: null,
	filter,
});

it('cuts a clip around every event that is found, named by it, with a table', () =>
	withRun(async (folder, request) => {
		const out = join(folder, 'clips');
		const told: number[] = [];
		const names = await writeClipFolder(out, {
			...request,
			settings: { lead: 0.2, tail: 0.1 },
			search: search({ kinds: ['crossed', 'entered'] }),
			onProgress: (done, total) => told.push(done / total),
		});
		expect(names).toEqual([
			'street-00h00m00.300s-entered-_Yard_ _é_.mp4',
			'street-00h00m00.600s-crossed-Gate.mp4',
			'events.csv',
		]);
		expect((await readdir(out)).sort()).toEqual([...names].sort());
		for (const name of names.slice(0, 2)) expect(await probeFrames(join(out, name))).toHaveLength(4);
		const table = await readFile(join(out, 'events.csv'), 'utf8');
		expect(table.trim().split('\r\n')).toHaveLength(3);
		expect(told.at(-1)).toBe(1);
		expect(told).toEqual([...told].sort((a, b) => a - b));
	}));

it('puts them into an archive, without zones as well', () =>
	withRun(async (folder, request) => {
		const out = join(folder, 'clips.zip');
		await clips.write({ ...request, out, zones: null, search: search({ kinds: ['appeared'] }) });
		const files = unzipSync(await readFile(out));
		expect(Object.keys(files)).toEqual(['street-00h00m00.000s-appeared.mp4', 'events.csv']);
		expect(Buffer.from(files['street-00h00m00.000s-appeared.mp4']!.subarray(4, 8)).toString()).toBe('ftyp');
		expect((await readdir(folder)).sort()).toEqual(['clips.zip', 'run', 'street.mkv']);
	}));

it('leaves no folder behind where it is cancelled in its first clip', () =>
	withRun(async (folder, request) => {
		const cancel = new AbortController();
		const out = join(folder, 'clips');
		const onProgress = () => cancel.abort();
		const cut = {
			...request,
			zones: null,
			search: search({ kinds: ['appeared'] }),
			signal: cancel.signal,
			onProgress,
		};
		await expect(writeClipFolder(out, cut)).rejects.toMatchObject({ code: 'cancelled' });
		expect((await readdir(folder)).sort()).toEqual(['run', 'street.mkv']);
	}));

it.each<[what: string, change: Partial<ExportRequest>, code: string]>([
	['finds nothing', { search: search({ kinds: ['left'] }) }, 'bad-argument'],
	['has neither zones nor a search', { zones: null }, 'zones-unreadable'],
	['is cancelled', { signal: AbortSignal.abort() }, 'cancelled'],
])('refuses and leaves nothing behind where it %s', (_, change, code) =>
	withRun(async (folder, request) => {
		await expect(
			clips.write({ ...request, ...change, out: join(folder, 'clips.zip') }),
		).rejects.toMatchObject({ code });
		expect((await readdir(folder)).sort()).toEqual(['run', 'street.mkv']);
	}),
);
