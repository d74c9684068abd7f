import { tableFromIPC } from 'apache-arrow';
import { strFromU8, unzipSync } from 'fflate';
import { spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Detections } from '../domain/detections.ts';
import type { SettingValues } from '../domain/settings-table.ts';
import type { FrameRange } from '../domain/video.ts';
import { arrow } from './arrow.ts';
import { coco } from './coco.ts';
import { csv } from './csv.ts';
import type { ExportFormat } from './format.ts';
import { jsonLines } from './json-lines.ts';
import { mot } from './mot.ts';
import { yolo } from './yolo.ts';
import { inTemporaryFolder, storeSampleRun, TOO_SMALL, type SampleRun } from './run.fixture.ts';

async function exported(
	format: ExportFormat,
	sample: SampleRun,
	settings: SettingValues = {},
	range: FrameRange | null = null,
): Promise<string> {
	return (await exportedBytes(format, sample, settings, range)).toString('utf8');
}

async function exportedBytes(
	format: ExportFormat,
	sample: SampleRun,
	settings: SettingValues = {},
	range: FrameRange | null = null,
): Promise<Buffer> {
	return inTemporaryFolder(async (folder) => {
		const run = await storeSampleRun(join(folder, 'run'), sample);
		const out = join(folder, `out.${format.fileExtension}`);
		await format.write({ runs: [run], labels: ['run'], out, range, settings });
		return readFile(out);
	});
}

/** A camera that sets out after the first frame. */
const TRAVELLING: SampleRun = {
	frames: 2,
	cameraOf: (i) =>
		i === 0 ? undefined : { x: 1.5, y: -0.25, scale: 1.01, rotation: 0.002, gridX: 3, gridY: -4 },
};

describe('csv', () => {
	it('writes a row per detection, with units in the header and CRLF', async () => {
		expect(await exported(csv, { frames: 2, timeOf: (i) => 3.5 + i / 3 }, { scores: 'all' })).toBe(
			[
				'frame,time_s,class,score,left_px,top_px,right_px,bottom_px,identity',
				'0,3.5,person,0.9,2,10,14.5,40,1',
				'0,3.5,bicycle,0.125,40,20,60,30,',
				'1,3.833333,person,0.9,3,10,15.5,40,1',
				'1,3.833333,bicycle,0.125,40,20,60,30,',
				'',
			].join('\r\n'),
		);
	});

	it('writes a row per frame, those without detections too', async () => {
		const sample: SampleRun = { frames: 2, detectionsOf: () => Detections.none };
		expect(await exported(csv, sample, { table: 'frames' })).toBe(
			[
				'frame,time_s,detections,kind,selected_tokens,macs,budget_macs,decode_ms,prepare_ms,select_ms,run_ms,interpret_ms,ran_on',
				'0,0,0,flush,12,2000000000,250000000,1,0.5,0.25,10,0.25,cpu',
				'1,0.1,0,partial,1,200000000,250000000,1,0.5,0.25,10,0.25,cpu',
				'',
			].join('\r\n'),
		);
	});

	it('adds the path of a camera that was followed', async () => {
		const [head, ...rows] = (await exported(csv, TRAVELLING, { table: 'frames' })).trim().split('\r\n');
		expect(head).toMatch(/,ran_on,camera_x_px,camera_y_px,camera_scale,camera_rotation_rad$/);
		expect(rows.map((row) => row.split(',').slice(-4).join())).toEqual([',,,', '1.5,-0.25,1.01,0.002']);
	});

	it('leaves the budget empty where none was in force', async () => {
		const [, first] = (await exported(csv, { frames: 1, mode: 'dense' }, { table: 'frames' })).split('\r\n');
		expect(first).toBe('0,0,1,flush,12,2000000000,,1,0.5,0.25,10,0.25,cpu');
	});

	it.each([
		['a comma', 'car, parked', '"car, parked"'],
		['a quote', 'the "thing"', '"the ""thing"""'],
		['a line break', 'two\nlines', '"two\nlines"'],
		['nothing special', 'größe', 'größe'],
	])('quotes a class name with %s as RFC 4180 asks', async (_what, name, field) => {
		const text = await exported(csv, { frames: 1, classes: [name, 'bicycle'] });
		expect(text).toContain(`0,0,${field},0.9,`);
	});

	it.each<[string, FrameRange, SettingValues, string[]]>([
		['from a frame to a frame', { from: { frame: 3 }, to: { frame: 5 }, every: 1 }, {}, ['3', '4', '5']],
		['to the end', { from: { frame: 10 }, to: null, every: 1 }, {}, ['10', '11']],
		['by time', { from: { seconds: 0.3 }, to: { seconds: 0.45 }, every: 1 }, {}, ['3', '4']],
		['every third', { from: { frame: 2 }, to: { frame: 9 }, every: 3 }, {}, ['2', '5', '8']],
	])('keeps to the range: %s', async (_what, range, settings, frames) => {
		const text = await exported(csv, {}, { ...settings, minScore: 0.5 }, range);
		const rows = text.trim().split('\r\n').slice(1);
		expect(rows.map((row) => row.split(',')[0])).toEqual(frames);
	});

	it('takes every n-th frame of the video, not of those analysed', async () => {
		const range = { from: { frame: 0 }, to: null, every: 4 };
		const text = await exported(csv, { every: 2 }, { minScore: 0.5 }, range);
		expect(
			text
				.trim()
				.split('\r\n')
				.slice(1)
				.map((row) => row.split(',')[0]),
		).toEqual(['0', '4', '8']);
	});
});

describe('jsonl', () => {
	it('writes one frame a line', async () => {
		const lines = (await exported(jsonLines, { frames: 3 }, { minScore: 0.5 })).trimEnd().split('\n');
		expect(lines.map((line) => JSON.parse(line).frame)).toEqual([0, 1, 2]);
		expect(JSON.parse(lines[1]!)).toEqual({
			frame: 1,
			timeSeconds: 0.1,
			kind: 'partial',
			selectedTokens: 1,
			provider: 'cpu',
			attention: 'fused',
			precision: 'float32',
			macs: 2e8,
			budgetMacs: 2.5e8,
			milliseconds: { decode: 1, prepare: 0.5, select: 0.25, run: 10, interpret: 0.25 },
			detections: [{ identity: 1, class: 'person', score: 0.9, box: [3, 10, 15.5, 40] }],
		});
	});

	it('adds the path of a camera that was followed', async () => {
		const [first, second] = (await exported(jsonLines, TRAVELLING)).trimEnd().split('\n');
		expect(JSON.parse(first!)).not.toHaveProperty('camera');
		expect(JSON.parse(second!).camera).toEqual({ x: 1.5, y: -0.25, scale: 1.01, rotation: 0.002 });
	});

	it('adds the recomputed tokens when asked', async () => {
		const lines = (await exported(jsonLines, { frames: 6 }, { tokens: true })).trimEnd().split('\n');
		expect(JSON.parse(lines[0]!).tokens).toHaveLength(12);
		expect(JSON.parse(lines[5]!).tokens).toEqual([5]);
		const without = await exported(jsonLines, { frames: 1 });
		expect(JSON.parse(without)).not.toHaveProperty('tokens');
	});
});

describe('coco', () => {
	it('writes a dataset that hangs together', async () => {
		const dataset = JSON.parse(await exported(coco, { frames: 3 }, { scores: 'all' }));
		expect(dataset.categories).toEqual([
			{ id: 1, name: 'person', supercategory: '' },
			{ id: 2, name: 'bicycle', supercategory: '' },
		]);
		expect(dataset.images[2]).toEqual({
			id: 2,
			file_name: 'frame_000002.png',
			width: 64,
			height: 48,
			frame_index: 2,
			time_seconds: 0.2,
		});
		expect(dataset.annotations).toHaveLength(6);
		expect(dataset.annotations[4]).toEqual({
			id: 5,
			image_id: 2,
			category_id: 1,
			bbox: [4, 10, 12.5, 30],
			score: 0.9,
			area: 375,
			iscrowd: 0,
		});
	});

	it('writes the list that evaluation tools load', async () => {
		const results = JSON.parse(await exported(coco, { frames: 1 }, { layout: 'results', minScore: 0.5 }));
		expect(results).toEqual([{ image_id: 0, category_id: 1, bbox: [2, 10, 12.5, 30], score: 0.9 }]);
	});

	it.each(['dataset', 'results'])('stays valid JSON without a single detection: %s', async (layout) => {
		const text = await exported(coco, { frames: 2, detectionsOf: () => Detections.none }, { layout });
		const parsed = JSON.parse(text);
		expect(layout === 'results' ? parsed : parsed.annotations).toEqual([]);
	});
});

/** Boxes that TrackEval keeps of `trackers/ours`, and places that motmetrics has them in. */
const LOAD = `
import os, sys
import motmetrics, numpy
from trackeval.datasets import MotChallenge2DBox
folder = sys.argv[1]
data = MotChallenge2DBox({
    'GT_FOLDER': os.path.join(folder, 'truth'), 'TRACKERS_FOLDER': os.path.join(folder, 'trackers'),
    'SEQ_INFO': {'seq': 12}, 'SKIP_SPLIT_FOL': True, 'PRINT_CONFIG': False, 'BENCHMARK': 'MOT15',
})
raw = data.get_raw_seq_data('ours', 'seq')
kept = data.get_preprocessed_seq_data(raw, 'pedestrian')['num_tracker_dets']
table = motmetrics.io.loadtxt(os.path.join(folder, 'trackers', 'ours', 'data', 'seq.txt'))
assert table.index.is_unique
print(kept, len(table))
`;

describe('mot', () => {
	it.each([
		[
			'numbers who is followed, and nobody else',
			{ scores: 'all' },
			['1,1,2,10,12.5,30,0.9,-1,-1,-1', '2,1,3,10,12.5,30,0.9,-1,-1,-1'],
		],
		[
			'numbers all boxes through where nobody is to be followed',
			{ identities: false, scores: 'all' },
			[
				'1,1,2,10,12.5,30,0.9,-1,-1,-1',
				'1,2,40,20,20,10,0.125,-1,-1,-1',
				'2,3,3,10,12.5,30,0.9,-1,-1,-1',
				'2,4,40,20,20,10,0.125,-1,-1,-1',
			],
		],
	])('counts frames from 1 and %s', async (_, settings, lines) => {
		expect(await exported(mot, { frames: 2 }, settings)).toBe([...lines, ''].join('\n'));
	});

	const KINDS: [string, SettingValues][] = [
		['tracks', { scores: 'all' }],
		['detections', { identities: false, scores: 'all' }],
	];
	// `mot_challenge_2d_box.py` and `_base_dataset.py` of TrackEval, and `io.py` of py-motmetrics: what they raise.
	it.each(KINDS)("keeps TrackEval's and motmetrics' rules: %s", async (_, settings) => {
		const frames = 12;
		const rows = (await exported(mot, { frames }, settings)).trim().split('\n').map((line) => line.split(',')); // prettier-ignore
		const places = new Set<string>();
		for (const cells of rows) {
			expect(cells).toHaveLength(10);
			expect(cells.every((cell) => Number.isFinite(Number(cell)))).toBe(true);
			const [frame, id] = cells.map(Number) as [number, number];
			expect(frame >= 1 && frame <= frames && Number.isInteger(frame)).toBe(true);
			expect(id >= 0 && Number.isInteger(id)).toBe(true);
			expect(Number(cells[7])).toBeLessThanOrEqual(1); // the class, where they look for one
			places.add(`${frame} ${id}`);
		}
		expect(places.size).toBe(rows.length);
		expect(rows.length).toBe(settings['identities'] === false ? 2 * frames : frames);
	});

	const python = process.env['SPARSIGHT_PYTHON'] ?? 'python3';
	const hasTools = spawnSync(python, ['-c', 'import trackeval, motmetrics']).status === 0;
	const needs = hasTools ? '' : ' (skipped: needs a Python that has them, as SPARSIGHT_PYTHON)';
	it.skipIf(!hasTools).each(KINDS)(
		`is loaded by TrackEval and motmetrics: %s${needs}`,
		async (_, settings) => {
			await inTemporaryFolder(async (folder) => {
				const run = await storeSampleRun(join(folder, 'run'), { frames: 12 });
				const data = join(folder, 'trackers', 'ours', 'data');
				const truth = join(folder, 'truth', 'seq', 'gt');
				await Promise.all([data, truth].map((path) => mkdir(path, { recursive: true })));
				const out = join(data, 'seq.txt');
				await mot.write({ runs: [run], labels: ['run'], out, range: null, settings });
				await writeFile(join(truth, 'gt.txt'), '1,1,2,10,12.5,30,1,1,1\n2,1,3,10,12.5,30,1,1,1\n');
				const { status, stdout, stderr } = spawnSync(python, ['-c', LOAD, folder], { encoding: 'utf8' });
				expect(stderr.split('\n').filter((line) => /Error|Exception/.test(line))).toEqual([]);
				expect(status).toBe(0);
				const [loaded, indexed] = stdout.trim().split('\n').at(-1)!.split(' ').map(Number); // prettier-ignore
				expect([loaded, indexed]).toEqual(settings['identities'] === false ? [24, 24] : [12, 12]);
			});
		},
	);

	it('writes persons only when asked, and says so where the model has none', async () => {
		expect(await exported(mot, { frames: 1 }, { classes: 'person', identities: false })).toBe(
			'1,1,2,10,12.5,30,0.9,-1,-1,-1\n',
		);
		await expect(exported(mot, { classes: ['cat', 'dog'] }, { classes: 'person' })).rejects.toMatchObject({
			code: 'bad-argument',
			message: expect.stringContaining('Lookout has none'),
		});
	});
});

describe('which detections go in', () => {
	// The walker has 0.9, above the display threshold of 0.3; the bicycle 0.125.
	it.each<[string, SettingValues, number]>([
		['as on the page, unless told otherwise', {}, 1],
		['all that is stored', { scores: 'all' }, 2],
		['from a score on, below the display threshold', { minScore: 0.1 }, 2],
		['from a score on, above it', { minScore: 0.95 }, 0],
	])('%s', async (_, settings, count) => {
		const lines = (await exported(csv, { frames: 1 }, settings)).trim().split('\r\n');
		expect(lines.length - 1).toBe(count);
	});

	const stricter: SampleRun = { frames: 1, header: { displayThresholds: [0.95, 0.1] } };
	it.each<[string, ExportFormat, SettingValues, RegExp]>([
		['csv', csv, {}, /^\w+(,\w+)*\r\n0,0,bicycle,0\.125,[^\n]*\n$/],
		['csv, of frames', csv, { table: 'frames' }, /\r\n0,0,1,flush,12,2000000000,250000000,1,/],
		['jsonl', jsonLines, {}, /"detections":\[\{"class":"bicycle",[^{}]*\}\]/],
		['coco', coco, { layout: 'results' }, /^\[\s*\{[^{}]*"category_id":2[^{}]*\}\s*\]\s*$/],
		['mot', mot, { identities: false }, /^1,1,40,20,20,10,0\.125,-1,-1,-1\n$/],
	])('of each class those that its own threshold shows: %s', async (_, format, settings, text) => {
		expect(await exported(format, stricter, settings)).toMatch(text);
	});

	it('of each class those that its own threshold shows: yolo, arrow', async () => {
		const labels = strFromU8(unzipSync(await exportedBytes(yolo, stricter, {}))['labels/frame_000000.txt']!);
		expect(labels).toMatch(/^1 [^\n]*\n$/);
		const table = tableFromIPC(await exportedBytes(arrow, stricter, {}));
		expect(table.toArray().map((row) => row.toJSON()['class'])).toEqual(['bicycle']);
	});
});

describe('what a run was computed by', () => {
	const sample: SampleRun = { frames: 2, header: { provider: 'webgpu', attention: 'plain' } };
	const words = 'WebGPU, attention spelled out';

	it('is in every row of csv and every line of jsonl', async () => {
		expect(await exported(csv, sample, { table: 'frames' })).toMatch(/,ran_on\r\n.*,webgpu plain\r\n/);
		expect(JSON.parse((await exported(jsonLines, sample)).split('\n')[1]!)).toMatchObject({
			provider: 'webgpu',
			attention: 'plain',
		});
	});

	it('is in the heads of coco and arrow', async () => {
		expect(JSON.parse(await exported(coco, sample)).info.ran_on).toBe(words);
		const { metadata } = tableFromIPC(await exportedBytes(arrow, sample)).schema;
		expect(metadata.get('ran on')).toBe(words);
	});
});

describe('arrow', () => {
	it('writes a row per detection that other tools read, null where nobody is followed', async () => {
		const sample: SampleRun = { frames: 2, timeOf: (i) => 3.5 + i / 4 };
		const table = tableFromIPC(await exportedBytes(arrow, sample, { scores: 'all' }));
		expect(table.schema.fields.map((field) => field.name)).toEqual([
			'frame',
			'time_seconds',
			'class',
			'score',
			'left',
			'top',
			'right',
			'bottom',
			'identity',
		]);
		expect(table.toArray().map((row) => Object.values(row.toJSON()))).toEqual([
			[0, 3.5, 'person', expect.closeTo(0.9), 2, 10, 14.5, 40, 1],
			[0, 3.5, 'bicycle', 0.125, 40, 20, 60, 30, null],
			[1, 3.75, 'person', expect.closeTo(0.9), 3, 10, 15.5, 40, 1],
			[1, 3.75, 'bicycle', 0.125, 40, 20, 60, 30, null],
		]);
	});
});

describe('yolo', () => {
	const unzip = async (settings: SettingValues) => {
		const files = unzipSync(await exportedBytes(yolo, { frames: 2 }, settings));
		return Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, strFromU8(bytes)]));
	};

	it('writes a text per frame with centres and sizes as shares of the picture, and the classes', async () => {
		const run = await unzip({ scores: 'all' });
		expect(Object.keys(run)).toEqual(['data.yaml', 'labels/frame_000000.txt', 'labels/frame_000001.txt']);
		expect(run['data.yaml']).toContain('names:\n  0: "person"\n');
		// Of 64×48 pixels: 2..14.5 × 10..40, and 40..60 × 20..30.
		expect(run['labels/frame_000000.txt']).toBe(
			'0 0.128906 0.520833 0.195313 0.625\n1 0.78125 0.520833 0.3125 0.208333\n',
		);
	});

	it('adds the score where it is asked for', async () => {
		const run = await unzip({ confidence: true });
		expect(run['labels/frame_000001.txt']).toMatch(/^0( [\d.]+){4} 0\.9\n$/);
	});
});

describe.each([csv, jsonLines, coco, mot, yolo, arrow])('$id', (format) => {
	it('is the same file when it is written again', async () => {
		const [first, again] = [await exportedBytes(format, {}), await exportedBytes(format, {})];
		expect(again.equals(first)).toBe(true);
	});

	it('reports its progress frame by frame', async () => {
		await inTemporaryFolder(async (folder) => {
			const run = await storeSampleRun(join(folder, 'run'), { frames: 3 });
			const seen: string[] = [];
			await format.write({
				runs: [run],
				labels: [''],
				out: join(folder, 'out'),
				range: null,
				settings: {},
				onProgress: (done, total) => seen.push(`${done}/${total}`),
			});
			expect(seen).toEqual(['1/3', '2/3', '3/3']);
		});
	});

	it('leaves nothing behind and the older file alone when it is cancelled', async () => {
		await inTemporaryFolder(async (folder) => {
			const run = await storeSampleRun(join(folder, 'run'), { frames: 3 });
			const out = join(folder, 'out');
			await writeFile(out, 'older');
			const abort = new AbortController();
			const request = { runs: [run], labels: [''], out, range: null, settings: {}, signal: abort.signal };
			const writing = format.write({ ...request, onProgress: () => abort.abort() });
			await expect(writing).rejects.toMatchObject({ code: 'cancelled' });
			expect(await readFile(out, 'utf8')).toBe('older');
			expect((await readdir(folder)).sort()).toEqual(['out', 'run']);
		});
	});

	it('never writes over the video', async () => {
		await inTemporaryFolder(async (folder) => {
			const path = join(folder, 'street.mp4');
			await writeFile(path, 'the only copy');
			const sample = await storeSampleRun(join(folder, 'run'));
			const run = await storeSampleRun(join(folder, 'run2'), {
				header: { video: { ...sample.header.video, path } },
			});
			const out = join(folder, 'run', '..', 'street.mp4');
			const writing = format.write({ runs: [run], labels: [''], out, range: null, settings: {} });
			await expect(writing).rejects.toMatchObject({ code: 'bad-argument' });
			expect(await readFile(path, 'utf8')).toBe('the only copy');
		});
	});

	it.each<[string, { out?: string; range?: FrameRange; settings?: SettingValues }, string]>([
		['a folder as target', { out: '' }, 'output-not-writable'],
		['a file where a folder should be', { out: 'file/out' }, 'output-not-writable'],
		['a range without analysed frames', { range: { from: { frame: 99 }, to: null, every: 1 } }, 'bad-range'],
		['an unknown setting', { settings: { colour: 'red' } }, 'unknown-setting'],
		['a score out of range', { settings: { minScore: 2 } }, 'setting-out-of-range'],
	])('says what is wrong: %s', async (_what, wrong, code) => {
		await inTemporaryFolder(async (folder) => {
			const run = await storeSampleRun(join(folder, 'run'));
			await writeFile(join(folder, 'file'), '');
			const out = join(folder, wrong.out ?? 'out');
			const { range = null, settings = {} } = wrong;
			const writing = format.write({ runs: [run], labels: [''], out, range, settings });
			await expect(writing).rejects.toMatchObject({ name: 'UserFacingError', code });
		});
	});
});

describe('what is estimated of a run', () => {
	const warning =
		'At this budget an estimated 25 % of what dense shows is missing or misplaced from 0:00.3 on; 50 % of the tokens would do.';
	const names = [
		'waiting_tokens',
		'longest_wait_frames',
		'sufficient_tokens',
		'estimated_agreement',
		'estimated_lower',
		'estimated_upper',
		'audit_f1',
	];

	it.each<[string, SettingValues, string, number, string[]]>([
		[
			'frames',
			{ table: 'frames' },
			'stale_boxes',
			3,
			['0', '3', '6', '6', '0.75', '0.5', '0.875', '', warning],
		],
		[
			'frames',
			{ table: 'frames' },
			'stale_boxes',
			8,
			['1', '8', '16', '6', '0.75', '0.5', '0.875', '0.75', ''],
		],
		['detections', {}, 'stale', 2, ['0', '2', '4', '6', '1', '0.9375', '1', '', '']],
		['detections', {}, 'stale', 9, ['1', '9', '18', '6', '0.75', '0.5', '0.875', '', '']],
	])('is in columns of csv: %s, %o', async (_, settings, stale, row, values) => {
		const [head, ...lines] = (await exported(csv, TOO_SMALL, settings)).trim().split('\r\n');
		expect(head!.split(',').slice(-9)).toEqual([stale, ...names, 'warning']);
		expect(lines[row]!.split(',').slice(-9)).toEqual(values);
	});

	it('is in every line of jsonl, and the warning in the first that it is about', async () => {
		const lines = (await exported(jsonLines, TOO_SMALL)).trimEnd().split('\n');
		const frames = lines.map((line) => JSON.parse(line));
		expect(frames[8]).toMatchObject({
			drift: {
				waitingTokens: 8,
				longestWait: 16,
				sufficientTokens: 6,
				agreement: 0.75,
				lower: 0.5,
				upper: 0.875,
				audit: { matched: 3, lost: 1, gained: 1, f1: 0.75 },
			},
			detections: [{ class: 'person', stale: true }],
		});
		expect(frames[7]).toMatchObject({ drift: { audit: null } });
		expect(frames[7].detections[0]).not.toHaveProperty('stale');
		expect(frames.flatMap((frame) => (frame.warning ? [[frame.frame, frame.warning]] : []))).toEqual([
			[3, warning],
		]);
	});

	it.each<[FrameRange, number | null]>([
		[{ from: { frame: 5 }, to: null, every: 1 }, 5],
		[{ from: { frame: 0 }, to: { frame: 2 }, every: 1 }, null],
	])('warns of the range that is exported: %o', async (range, first) => {
		const lines = (await exported(jsonLines, TOO_SMALL, {}, range)).trimEnd().split('\n');
		const warned = lines.map((line) => JSON.parse(line)).find((frame) => frame.warning);
		expect(warned?.frame ?? null).toBe(first);
	});

	it('is in attributes of coco', async () => {
		const dataset = JSON.parse(await exported(coco, TOO_SMALL));
		expect(dataset.info.warning).toBe(warning);
		expect(dataset.images[8].attributes).toEqual({
			waiting_tokens: 8,
			longest_wait_frames: 16,
			sufficient_tokens: 6,
			estimated_agreement: 0.75,
			estimated_lower: 0.5,
			estimated_upper: 0.875,
			audit_f1: 0.75,
		});
		expect(
			dataset.annotations.slice(7, 9).map((box: object) => 'attributes' in box && box.attributes),
		).toEqual([{ stale: false }, { stale: true }]);
	});

	it('is in columns of arrow', async () => {
		const table = tableFromIPC(await exportedBytes(arrow, TOO_SMALL));
		expect(table.schema.metadata.get('warning')).toBe(warning);
		expect(table.schema.fields.map((field) => field.name).slice(-8)).toEqual(['stale', ...names]);
		const rows = table.toArray().map((row) => Object.values(row.toJSON()).slice(-8));
		expect(rows[7]).toEqual([0, 7, 14, 6, 0.75, 0.5, 0.875, null]);
		expect(rows[8]).toEqual([1, 8, 16, 6, 0.75, 0.5, 0.875, 0.75]);
	});
});
