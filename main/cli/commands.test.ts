import { chmodSync, cpSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { agreement } from '../evaluation/agreement.ts';
import { installationFolder } from '../process/installation.ts';
import type { ProviderCheck } from '../execution/provider-checks.ts';
import { SIGNATURES, tinyOnnx } from '../families/onnx/tiny-onnx.fixture.ts';
import { openRun } from '../results/stored-run.ts';
import { safetensorsOfCase } from '../weights/parity-case.fixture.ts';
import { SOFTWARE_VULKAN } from '../runtime/software-vulkan.fixture.ts';
import {
	type Ended,
	failureOf,
	ffmpeg,
	makeClip,
	openBench,
	sparsight,
	sparsightEach,
} from './cli.fixture.ts';

const bench = openBench();
const at = (name: string) => join(bench.folder, name);
const json = async (...words: string[]) => {
	const { code, stdout, stderr } = await sparsight(bench.folder, [...words, '--json']);
	if (code !== 0) throw new Error(`exit code ${code}: ${stderr}`);
	return JSON.parse(stdout);
};

beforeAll(() => makeClip(at('clip.mp4'), 20));
afterAll(bench.close);

const TIMES = ['decode', 'prepare', 'select', 'run', 'interpret', 'total'];

describe('analyze', () => {
	it('stores a run and tells it as one JSON object', async () => {
		const run = await json(
			'analyze',
			'clip.mp4',
			'--mode',
			'sparse',
			'--set',
			'keep=0.5',
			'--every',
			'3',
			'--out',
			'sparse',
		);
		expect(run).toMatchObject({
			video: expect.stringContaining('clip.mp4'),
			model: 'lookout',
			mode: 'sparse',
			settings: { keep: 0.5 },
			frames: 7,
			provider: 'cpu',
			threads: expect.any(Number),
			gmacPerFrame: { first: expect.any(Number), mean: expect.any(Number), dense: expect.any(Number) },
			tokens: { total: 80, meanSelected: 40 },
			wallSeconds: expect.any(Number),
			runPath: at('sparse'),
			state: 'complete',
		});
		for (const stage of TIMES) expect(run.msPerFrame[stage]).toBeGreaterThanOrEqual(0);
		expect(run.gmacPerFrame.mean).toBeLessThan(run.gmacPerFrame.dense);
	});

	it('shortens default names, and has nothing to do where a run is complete', async () => {
		const long = `${'x'.repeat(246)}.mp4`;
		cpSync(at('clip.mp4'), at(long));
		const run = await json('analyze', long, '--mode', 'token-cache', '--to', '1');
		expect(basename(run.runPath)).toBe(`${'x'.repeat(188)}-token-cache`);
		const words = ['analyze', long, '--mode', 'token-cache', '--to', '1', '--resume'];
		const again = await sparsight(bench.folder, words);
		expect(again).toMatchObject({ code: 0, stderr: expect.stringContaining('complete; nothing left to do') });
		expect(await json('export', run.runPath, '--format', 'csv')).toMatchObject({ format: 'csv' });
	});

	it('takes times as a range and names its folder after video and mode', async () => {
		const run = await json('analyze', 'clip.mp4', '--mode', 'dense', '--from', '0.5s', '--to', '0:01');
		expect(run).toMatchObject({ frames: 6, runPath: at('clip-dense') });
	});

	it('replaces a run only when told to', async () => {
		const words = ['analyze', 'clip.mp4', '--mode', 'dense', '--to', '1', '--out', 'again'];
		await json(...words);
		expect(await sparsight(bench.folder, words)).toMatchObject({ code: 4, stdout: '' });
		expect((await json(...words.with(5, '2'), '--overwrite')).frames).toBe(3);
	});

	it('says how a model was read where that is only likely', async () => {
		writeFileSync(at('likely.onnx'), tinyOnnx({ outputs: SIGNATURES.yoloRaw }));
		const words = ['analyze', 'clip.mp4', '--model', 'likely.onnx', '--mode', 'dense', '--to', '1'];
		words.push('--out', 'likely');
		const { code, stderr } = await sparsight(bench.folder, words);
		expect(code).toBe(0);
		expect(stderr.match(/^dense: .* is the likely reading/gm) ?? stderr).toHaveLength(1);
	});

	it('goes on behind damaged packets and says how many frames were lost', async () => {
		const bytes = readFileSync(at('clip.mp4'));
		bytes.fill(0x5a, bytes.length >> 1, (bytes.length >> 1) + 3000);
		writeFileSync(at('damaged.mp4'), bytes);
		const { code, stdout, stderr } = await sparsight(bench.folder, ['analyze', 'damaged.mp4', '--json']);
		expect(code).toBe(0);
		const run = JSON.parse(stdout);
		expect(run.decode.framesLost + run.decode.warnings.length).toBeGreaterThan(0);
		if (run.decode.framesLost > 0) expect(stderr).toContain(`${run.decode.framesLost} frames were lost`);
	});
});

describe('compare', () => {
	it('adds the dense run, measures every run against it and leaves its numbers beside the runs', async () => {
		writeFileSync(at('gt.txt'), '1,1,10,10,20,40,1,-1,-1,-1\n2,1,11,10,20,40,1,-1,-1,-1\n');
		const words = [
			'compare',
			'clip.mp4',
			'--run',
			'token-cache:fraction=0.1',
			'--run',
			'motion',
			'--truth',
			'gt.txt',
			'--out',
			'c',
		];
		const comparison = await json(...words);
		expect(comparison.runs.map(({ label }: { label: string }) => label)).toEqual([
			'dense',
			'token-cache-fraction-0.1',
			'motion',
		]);
		expect(comparison.runs[0]).toMatchObject({
			agreement: { f1: 1, lost: 0, gained: 0, meanIou: 1 },
			speedup: { run: 1, total: 1 },
			averagePrecision: { framesCounted: 2, mean: { ap50: expect.any(Number) } },
			runPath: join(at('c'), 'dense'),
		});
		expect(comparison.runs[1].gmacPerFrame.mean).toBeLessThan(comparison.runs[0].gmacPerFrame.mean);
		expect(JSON.parse(readFileSync(join(at('c'), 'comparison.json'), 'utf8'))).toEqual(comparison);

		const again = await sparsight(bench.folder, [...words, '--resume']);
		expect(again.code).toBe(0);
		const [coverage, head] = again.stdout.split('\n');
		expect(coverage).toMatch(
			/^Average precision \(AP\) is measured over 2 frames only, those that both the run \(\d+ frames\)/,
		);
		expect(head).toMatch(/^run +on +frames +frames\/s .*agreement F1 .*speed-up run/);
		expect(again.stdout).toContain('token-cache-fraction-0.1');
	});

	it('takes runs of other models; those without a common class agree with nothing', async () => {
		const stranger = at('weights.safetensors');
		writeFileSync(stranger, await safetensorsOfCase('shvit/retinanet'));
		const runs = ['dense@lookout-sh', `motion@${stranger}`].flatMap((run) => ['--run', run]);
		const comparison = await json('compare', 'clip.mp4', ...runs, '--to', '1', '--out', 'models');
		expect(comparison.runs).toMatchObject([
			{ model: 'weights', mode: 'dense', agreement: { f1: 1 } },
			{ model: 'lookout-sh', mode: 'dense', agreement: null },
			{ model: 'weights', mode: 'motion', agreement: { f1: expect.any(Number) } },
		]);
	});

	it("measures what reuses something against its own model's dense run, which it adds", async () => {
		const runs = ['dense', 'motion@lookout-sh'].flatMap((run) => ['--run', run]);
		const comparison = await json('compare', 'clip.mp4', ...runs, '--to', '3', '--out', 'rivals');
		const [own, dense, motion] = comparison.runs;
		expect([own, dense, motion]).toMatchObject([
			{ label: 'dense-lookout-sh', model: 'lookout-sh', agreement: { f1: 1 }, speedup: { run: 1 } },
			{ label: 'dense', model: 'lookout' },
			{ label: 'motion-lookout-sh', model: 'lookout-sh', mode: 'motion' },
		]);
		const [ownRun, motionRun] = await Promise.all([own, motion].map(({ runPath }) => openRun(runPath)));
		expect(motion.agreement.f1).toBe(agreement(motionRun!, ownRun!).f1);
		expect(motion.speedup.total).toBe(own.msPerFrame.total / motion.msPerFrame.total);
	});
});

describe('export and evaluate', () => {
	it('turns a run into a file and measures it', async () => {
		await json('analyze', 'clip.mp4', '--mode', 'dense', '--out', 'exported');
		const exported = await json('export', 'exported', '--format', 'csv', '--out', 'boxes.csv');
		const remarkOn = async (...sets: string[]) => {
			const words = ['export', 'exported', '--format', 'csv', '--out', 'remarked.csv', ...sets];
			return (await sparsight(bench.folder, words)).stderr;
		};
		expect(await remarkOn()).not.toContain('has no effect');
		expect(await remarkOn('--set', 'scores=all', '--set', 'minScore=0.9')).toContain(
			'minScore has no effect with scores=all',
		);
		expect(exported).toMatchObject({ format: 'csv', outPath: at('boxes.csv') });
		const [two] = await sparsightEach(bench.folder, [
			['export', 'exported', 'exported', '--format', 'csv', '--out', 'first.csv'],
		]);
		expect(two).toMatchObject({ code: 0, stderr: expect.stringContaining('it takes one run, the first.') });
		expect(readFileSync(at('boxes.csv'), 'utf8')).toMatch(/^frame/);
		writeFileSync(at('truth.txt'), '1,1,10,10,20,40,1,-1,-1,-1\n');
		expect(await json('evaluate', 'exported', '--truth', 'truth.txt')).toMatchObject({
			runPath: expect.stringContaining('exported'),
			framesCounted: 1,
			classes: [{ className: 'person', truthCount: 1 }],
		});
	});
});

it('finds the video of a run that was moved, where it is told where', async () => {
	cpSync(at('clip.mp4'), at('moves.mp4'));
	await json('analyze', 'moves.mp4', '--mode', 'dense', '--to', '1', '--out', 'moved');
	renameSync(at('moves.mp4'), at('moved.mp4'));
	const words = ['export', 'moved', '--format', 'still', '--json'];
	const other = at('other.mp4');
	makeClip(other, 3);
	const [lost, found, wrong] = await sparsightEach(bench.folder, [
		words,
		[...words, '--video', 'moved.mp4'],
		[...words, '--video', 'other.mp4'],
	]);
	expect(failureOf(lost!)).toMatchObject({ exitCode: 3, code: 'file-not-found' });
	expect(lost!.stderr).toContain('say where it lies now');
	expect(found!.code).toBe(0);
	expect(failureOf(wrong!)).toMatchObject({ exitCode: 2, message: expect.stringContaining('another file') });
});

describe('models and doctor', () => {
	it('lists models and the settings of every mode', async () => {
		const { models, modes } = await json('models');
		expect(models).toContainEqual(
			expect.objectContaining({ id: 'lookout', classes: expect.arrayContaining(['person']) }),
		);
		expect(modes.map(({ id }: { id: string }) => id)).toEqual(
			expect.arrayContaining(['dense', 'token-cache']),
		);
	});

	it('finds what analysis needs', async () => {
		const lookout: unknown = expect.objectContaining({ id: 'lookout', loads: true, reason: null });
		const cpu: unknown = expect.objectContaining({
			name: 'cpu',
			works: true,
			attention: 'fused',
			reason: null,
		});
		expect(await json('doctor')).toMatchObject({
			ready: true,
			ffmpeg: { found: true, version: expect.stringMatching(/\d/) },
			runtime: {
				providers: expect.arrayContaining([cpu]),
				int8: expect.stringMatching(/^(all-products|linear-layers)$/),
			},
			models: { entries: expect.arrayContaining([lookout]) },
		});
	});

	// Four numbers wide, it takes keys twice in the runtime's fused attention: a wrong device that is always at hand.
	it.skipIf(!SOFTWARE_VULKAN)('finds out that a device computes attention wrongly', async () => {
		const { stdout } = await sparsight(bench.folder, ['doctor', '--json'], SOFTWARE_VULKAN!);
		const { runtime } = JSON.parse(stdout) as { runtime: { providers: ProviderCheck[] } };
		const webgpu = runtime.providers.find(({ name }) => name === 'webgpu');
		expect(webgpu).toMatchObject({ works: true, attention: 'plain' });
		expect(webgpu?.reason).toMatch(/attention with heads of 16/);
	});

	it('fails where something needed is missing', async () => {
		const { code, stdout } = await sparsight(bench.folder, ['doctor', '--json'], {
			SPARSIGHT_FFMPEG: at('no-ffmpeg'),
		});
		expect(code).toBe(5);
		expect(JSON.parse(stdout)).toMatchObject({ ready: false, missing: ['ffmpeg'] });
	});
});

describe('bad input', () => {
	beforeAll(() => {
		writeFileSync(at('text.mp4'), 'this is no video\n'.repeat(100));
		writeFileSync(at('empty.mp4'), '');
		ffmpeg('-f', 'lavfi', '-i', 'sine=duration=1', at('sound.m4a'));
		mkdirSync(at('folder.mp4'));
		const model = join(installationFolder(), 'models', 'lookout');
		cpSync(model, at('broken-model'), { recursive: true });
		writeFileSync(
			at('broken-model/model.safetensors'),
			readFileSync(join(model, 'model.safetensors')).subarray(0, 5000),
		);
		writeFileSync(at('gt-words.txt'), 'one,two\n');
		writeFileSync(at('file'), '');
		mkdirSync(at('locked'));
		chmodSync(at('locked'), 0o500);
	});

	const rows: [string, string[], number, string, string][] = [
		['no such file', ['analyze', 'none.mp4'], 3, 'file-not-found', 'none.mp4'],
		['a folder', ['analyze', 'folder.mp4'], 3, 'file-unreadable', 'folder.mp4'],
		['not a video', ['analyze', 'text.mp4'], 3, 'not-a-video', 'text.mp4'],
		['an empty file', ['analyze', 'empty.mp4'], 3, 'not-a-video', 'empty.mp4'],
		['sound only', ['analyze', 'sound.m4a'], 3, 'no-video-stream', 'sound.m4a'],
		['an unknown model', ['analyze', 'clip.mp4', '--model', 'yolo'], 3, 'model-not-found', '"yolo"'],
		[
			'a cut model',
			['analyze', 'clip.mp4', '--model', 'broken-model'],
			3,
			'model-unreadable',
			'model.safetensors',
		],
		['an unknown mode', ['analyze', 'clip.mp4', '--mode', 'fast'], 2, 'unknown-mode', '"fast"'],
		['an unknown setting', ['analyze', 'clip.mp4', '--set', 'speed=1'], 2, 'unknown-setting', '"speed"'],
		[
			'a value out of range',
			['analyze', 'clip.mp4', '--set', 'fraction=2'],
			2,
			'setting-out-of-range',
			'(got 2)',
		],
		[
			'a setting without value',
			['analyze', 'clip.mp4', '--set', 'fraction'],
			2,
			'bad-argument',
			'name=value',
		],
		['a wrong position', ['analyze', 'clip.mp4', '--from', 'noon'], 2, 'bad-argument', '(got "noon")'],
		['a range behind the end', ['analyze', 'clip.mp4', '--from', '99'], 2, 'bad-range', 'clip.mp4'],
		['a range backwards', ['analyze', 'clip.mp4', '--from', '9', '--to', '8'], 2, 'bad-range', '--to'],
		['a score of 2', ['analyze', 'clip.mp4', '--score', '2'], 2, 'bad-argument', '--score must be'],
		['an unknown option', ['analyze', 'clip.mp4', '--fast'], 2, 'bad-argument', "'--fast'"],
		['no video named', ['analyze'], 2, 'bad-argument', "'video'"],
		['an unknown command', ['analyse', 'clip.mp4'], 2, 'bad-argument', "'analyse'"],
		[
			'a run to go on with that is none',
			['analyze', 'clip.mp4', '--out', 'none', '--resume'],
			3,
			'run-unreadable',
			'none',
		],
		[
			'an output below a file',
			['analyze', 'clip.mp4', '--out', 'file/run'],
			4,
			'output-not-writable',
			'file',
		],
		['an unknown run to compare', ['compare', 'clip.mp4', '--run', 'fast'], 2, 'unknown-mode', '"fast"'],
		['no such truth', ['compare', 'clip.mp4', '--truth', 'none.txt'], 3, 'file-not-found', 'none.txt'],
		[
			'a truth of words',
			['compare', 'clip.mp4', '--truth', 'gt-words.txt'],
			3,
			'truth-unreadable',
			'gt-words.txt',
		],
		['no such run', ['export', 'none', '--format', 'csv'], 3, 'run-unreadable', 'none'],
		['an unknown format', ['export', 'none', '--format', 'xls'], 2, 'unknown-format', 'xls'],
	];
	let ended: Ended[];
	beforeAll(async () => {
		const lines = rows.map(([, words]) => [...words, '--json']);
		ended = await sparsightEach(bench.folder, lines);
	});

	it.each(rows.map(([title, , ...expected], i) => [title, i, ...expected] as const))(
		'%s: one sentence, the right exit code, no stack trace',
		(_, i, exitCode, code, place) => {
			const failure = failureOf(ended[i]!);
			expect(failure).toEqual({ exitCode, code, message: expect.stringContaining(place) });
		},
	);

	it.skipIf(process.getuid?.() === 0)('a folder without permission to write', async () => {
		const { code, stderr } = await sparsight(bench.folder, ['analyze', 'clip.mp4', '--out', 'locked/run']);
		expect(code).toBe(4);
		expect(stderr).toContain('locked');
	});

	it('tells the stack only when asked to', async () => {
		const { stderr } = await sparsight(bench.folder, ['analyze', 'none.mp4', '--verbose']);
		expect(stderr).toMatch(/^\s+at /m);
	});
});

it('says what to run where the build is missing', async () => {
	mkdirSync(at('clone/bin'), { recursive: true });
	cpSync(join(installationFolder(), 'bin', 'sparsight.js'), at('clone/bin/sparsight.mjs'));
	const { execFileSync } = await import('node:child_process');
	expect(() => execFileSync(process.execPath, [at('clone/bin/sparsight.mjs')], { stdio: 'pipe' })).toThrow(
		/sparsight is not built yet: run "npm run build" first\.\n$/,
	);
});
