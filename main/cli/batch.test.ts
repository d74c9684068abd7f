import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BatchFolder } from '../batch/batch-folder.ts';
import { RUN_FILES } from '../results/run-folder.ts';
import { distinctFiles } from './batch.ts';
import { makeClip, openBench, resultsOf, sparsight, startSparsight, until } from './cli.fixture.ts';
import { defaultOut } from './options.ts';

// What happens in Redis: main/batch/redis-queue.test.ts. Several processes at one batch: torture/batch-kills.test.ts.

let bench: ReturnType<typeof openBench>;

beforeAll(() => {
	bench = openBench();
	mkdirSync(join(bench.folder, 'clips'));
	makeClip(join(bench.folder, 'clips', 'one.mp4'), 4);
	makeClip(join(bench.folder, 'long.mp4'), LONG);
	writeFileSync(join(bench.folder, 'clips', 'broken.mp4'), 'no video');
});
afterAll(() => bench.close());

/** Enough for several stored batches of frames, so that the interruption comes in the middle. */
const LONG = 300;
const rowsOf = (path: string) =>
	readFileSync(join(bench.folder, path), 'utf8')
		.trimEnd()
		.split('\r\n')
		.map((line) => line.split(','));

function journalsBelow(folder: string): string[] {
	if (!existsSync(folder)) return [];
	const names = readdirSync(folder, { encoding: 'utf8', recursive: true });
	return names.filter((name) => basename(name) === RUN_FILES.commits).map((name) => join(folder, name));
}

it('ends in order at Ctrl+C, goes on past what fails, and writes one table over all files', async () => {
	const whole = [
		[0, 0],
		[160, 0],
		[160, 121],
		[0, 121],
	];
	const zones = { zones: [{ id: 'a', name: 'square', points: whole }], lines: [] };
	const drawn = { format: 'sparsight-zones', version: 1, pictureSize: { width: 160, height: 120 }, ...zones };
	writeFileSync(
		join(bench.folder, 'zones.json'),
		JSON.stringify({ ...drawn, anchor: 'centre', hysteresis: 0 }),
	);
	const words = [
		'batch',
		'long.mp4',
		'clips',
		'gone.mp4',
		'--run',
		'dense',
		'--threads',
		'1',
		'--out',
		'all',
	];
	const all = [...words, '--patience', '2', '--table', 'all.csv', '--zones', 'zones.json'];
	const batch = new BatchFolder(join(bench.folder, 'all'));
	const interrupted = startSparsight(bench.folder, all);
	await until(() => journalsBelow(batch.path).some((journal) => statSync(journal).size > 0));
	interrupted.child.kill('SIGINT');
	expect((await interrupted.ended).code).toBe(130);

	const { code, stdout, stderr } = await sparsight(bench.folder, all);
	expect(code).toBe(3);
	expect(stderr).toMatch(/long\.mp4 dense: going on after \d+ stored frames/);
	expect(stderr).toMatch(/one\.mp4 dense: 4 frames/);
	expect(stdout).toMatch(/broken\.mp4 dense: .*ffmpeg knows no such format\.\n/);
	expect(stdout).toMatch(/gone\.mp4 dense: .*gone\.mp4: no such file or folder\.\n/);
	const states = await batch.states();
	expect(states.map(({ job, state }) => [job.runFolder, state.state])).toEqual([
		['long/dense', 'done'],
		['broken/dense', 'failed'],
		['one/dense', 'done'],
		['gone/dense', 'failed'],
	]);
	expect(await resultsOf(batch.runFolder(states[0]!.job))).toHaveLength(LONG);
	const [head, ...rows] = rowsOf('all.csv');
	expect(head!.slice(0, 6)).toEqual(['file', 'run', 'frame', 'time_s', 'recorded_at', 'class']);
	expect(new Set(rows.map(([file]) => file!.split('/').at(-1)))).toEqual(
		new Set(['long.mp4', 'broken.mp4', 'one.mp4', 'gone.mp4']),
	);
	expect(head!.slice(-2)).toEqual(['zones', 'failure']);
	const found = rows.filter(([, , frame]) => frame !== '');
	expect(new Set(found.map((row) => row.at(-2)))).toEqual(new Set(['square']));
	const summary = rowsOf('all.summary.csv').slice(1);
	expect(summary.map(([, , state, frames]) => [state, frames])).toEqual([
		['done', String(LONG)],
		['failed', ''],
		['done', '4'],
		['failed', ''],
	]);
	expect(summary[3]!.at(-1)).toMatch(/no such file/);
});

it('says which files were replaced, and which ones the zones do not fit', async () => {
	const file = join(bench.folder, 'replaced.mp4');
	const words = ['batch', 'replaced.mp4', '--threads', '1', '--out', 'replaced', '--json'];
	const zones = { zones: [], lines: [{ id: 'a', name: 'gate', from: [0, 9], to: [90, 9] }] };
	const drawn = { format: 'sparsight-zones', version: 1, pictureSize: { width: 90, height: 90 }, ...zones };
	writeFileSync(
		join(bench.folder, 'square.json'),
		JSON.stringify({ ...drawn, anchor: 'centre', hysteresis: 0 }),
	);
	makeClip(file, 4);
	const first = await sparsight(bench.folder, [...words, '--table', 't.csv', '--zones', 'square.json']);
	expect(first.code).toBe(3);
	expect(JSON.parse(first.stdout)).toMatchObject({ done: 1, failures: [{ file, code: 'zones-unreadable' }] });
	makeClip(file, 6);
	const again = await sparsight(bench.folder, [...words, '--run', 'dense']);
	expect(again.code).toBe(3);
	expect(JSON.parse(again.stdout)).toMatchObject({
		done: 1,
		jobs: [{ run: 'token-cache' }],
		failures: [{ file, run: null, code: 'file-unreadable' }],
	});
});

it('tells files of one name in two folders apart', () => {
	const files = ['/a/x.mp4', '/b/x.mp4', '/b/y.mp4', '/a/x.mp4'].map((file) => ({ file }));
	expect(distinctFiles(files).map(({ file }) => file)).toEqual(['/a/x.mp4', '/b/x.mp4', 'y.mp4', '/a/x.mp4']);
});

it.each([
	['clips', 'clips-batch'],
	['/v/street.mp4', 'street-batch'],
	['.', `${basename(process.cwd())}-batch`],
])('%s has its results in %s', (named, out) => {
	expect(defaultOut(named, 'batch')).toBe(out);
});
