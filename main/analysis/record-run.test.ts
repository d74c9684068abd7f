import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunHeader } from '../domain/run.ts';
import type { SettingValues } from '../domain/settings-table.ts';
import { WHOLE_VIDEO } from '../domain/video.ts';
import { DEFAULT_MAX_SIDE } from '../detector/max-side.ts';
import { installationFolder } from '../process/installation.ts';
import { ON_CPU } from '../domain/execution.ts';
import { RUN_FILES } from '../results/run-folder.ts';
import { openRun } from '../results/stored-run.ts';
import { findFfmpeg } from '../video/ffmpeg-binary.ts';
import { readFrames } from '../video/read-frames.ts';
import { planSeek } from '../video/seek.ts';
import type { AnalysisJob, AnalysisNews } from './protocol.ts';
import { recordRun, RunControl } from './record-run.ts';

const FRAMES = 30;

let folder: string;
let clip: string;

beforeAll(async () => {
	folder = mkdtempSync(join(tmpdir(), 'sparsight-record-'));
	clip = join(folder, 'clip.mp4');
	const source = join(installationFolder(), 'assets', 'samples', 'plaza.mp4');
	const { ffmpeg } = await findFfmpeg();
	execFileSync(ffmpeg, [
		'-v',
		'error',
		'-i',
		source,
		'-frames:v',
		String(FRAMES),
		'-vf',
		'scale=160:120',
		clip,
	]);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function jobFor(name: string, changes: Partial<AnalysisJob> = {}): AnalysisJob {
	return {
		videoPath: clip,
		modelPath: join(installationFolder(), 'models', 'lookout'),
		mode: 'token-cache',
		settings: { fraction: 0.2 },
		range: WHOLE_VIDEO,
		runFolder: join(folder, name),
		start: 'create',
		threads: 1,
		execution: null,
		maxSide: null,
		scoreThreshold: 0.01,
		wantsFrames: false,
		cacheFolder: null,
		...changes,
	};
}

/** Turns the switches of a run before given frames, counted from where this sitting begins. */
class Script extends RunControl {
	readonly #changes: Record<number, SettingValues>;
	readonly #cancelBefore: number;
	#frame = -1;

	constructor(changes: Record<number, SettingValues>, cancelBefore = Number.POSITIVE_INFINITY) {
		super();
		this.#changes = changes;
		this.#cancelBefore = cancelBefore;
	}

	override takeSettings(): SettingValues[] {
		this.#frame++;
		const settings = this.#changes[this.#frame];
		return settings ? [settings] : [];
	}

	override get cancelled(): boolean {
		return this.#frame >= this.#cancelBefore;
	}
}

/** Records and gives what was reported. */
async function record(job: AnalysisJob, control = new RunControl()) {
	const reports: AnalysisNews[] = [];
	const outcome = await recordRun(job, control, (report) => reports.push(report));
	return { outcome, reports };
}

/** Everything a run says of its frames but the measured milliseconds. */
async function resultsOf(name: string) {
	const run = await openRun(join(folder, name));
	return [...run.results()].map(({ cost, ...result }) => ({ ...result, macs: cost.macs }));
}

describe('recordRun', () => {
	it('stores every frame and says so', async () => {
		const { outcome, reports } = await record(jobFor('whole', { wantsFrames: true }));
		expect(outcome).toMatchObject({
			state: 'complete',
			framesStored: FRAMES,
			decode: { framesRead: FRAMES, framesLost: 0 },
		});
		const results = await resultsOf('whole');
		expect(results.map(({ frameIndex }) => frameIndex)).toEqual(Array.from({ length: FRAMES }, (_, i) => i));
		const detections = results.reduce((sum, result) => sum + result.detections.count, 0);
		expect(detections).toBeGreaterThan(0);

		expect(reports[0]).toMatchObject({ type: 'opened', framesStored: 0, header: { mode: 'token-cache' } });
		// A padded picture's own sides do not tell it again.
		expect((await openRun(join(folder, 'whole'))).header.maxSide).toBe(DEFAULT_MAX_SIDE);
		const batches = reports.filter((report) => report.type === 'frames').map(({ batch }) => batch);
		expect(batches.flatMap(({ frameIndices }) => [...frameIndices])).toEqual(
			results.map((result) => result.frameIndex),
		);
		expect(batches.reduce((sum, batch) => sum + batch.scores.length, 0)).toBe(detections);
	});

	it('puts a live change in force from the next frame and notes it', async () => {
		const { reports } = await record(
			jobFor('live'),
			new Script({ 10: { fraction: 0.5 }, 20: { fraction: 7 } }),
		);
		const tokens = (await resultsOf('live')).map(({ selectedTokens }) => selectedTokens);
		expect(Math.max(...tokens.slice(1, 10))).toBeLessThanOrEqual(Math.ceil(0.2 * tokens[0]!));
		expect(Math.max(...tokens.slice(10))).toBeGreaterThan(Math.ceil(0.2 * tokens[0]!));
		expect((await openRun(join(folder, 'live'))).events).toEqual([
			{ frameIndex: 10, settings: { fraction: 0.5 } },
		]);
		expect(reports.find(({ type }) => type === 'settings-refused')).toMatchObject({
			error: { code: 'setting-out-of-range', message: expect.stringContaining('fraction') },
		});
	});

	it('goes on after a cancel as if it had never stopped, live changes included', async () => {
		await record(jobFor('straight'), new Script({ 5: { fraction: 0.4 }, 20: { fraction: 0.1 } }));

		const first = await record(jobFor('parts'), new Script({ 5: { fraction: 0.4 } }, 12));
		expect(first.outcome).toMatchObject({ state: 'cancelled', framesStored: 12 });
		const second = await record(
			jobFor('parts', { start: 'continue', threads: null }),
			new Script({ 8: { fraction: 0.1 } }),
		);
		expect(second.outcome).toMatchObject({ state: 'complete', framesStored: FRAMES });
		expect(await resultsOf('parts')).toEqual(await resultsOf('straight'));
	});

	it('goes on far into a video by a jump, held against what is stored', async () => {
		const videoPath = join(folder, 'long.mp4');
		const { ffmpeg } = await findFfmpeg();
		const picture = ['-f', 'lavfi', '-i', 'testsrc2=s=64x48:r=25,trim=end_frame=110'];
		execFileSync(ffmpeg, ['-v', 'error', ...picture, '-g', '10', '-pix_fmt', 'yuv420p', videoPath]);
		const job = { videoPath, range: { from: { seconds: 0.2 }, to: null, every: 2 } };
		await record(jobFor('far', job));
		await record(jobFor('far-parts', job), new Script({}, 40));

		const readings: Parameters<typeof readFrames>[] = [];
		const reading: typeof readFrames = (...asked) => {
			readings.push(asked);
			return readFrames(...asked);
		};
		const again = jobFor('far-parts', { ...job, start: 'continue' });
		await recordRun(again, new RunControl(), () => undefined, reading);
		expect(await resultsOf('far-parts')).toEqual(await resultsOf('far'));

		const [video, { range, startAfterFrame = -1, known = [] }] = readings[0]!;
		expect(startAfterFrame).toBe(83);
		expect(known.map(({ frame, seconds }) => [frame, seconds.toFixed(6)])).toEqual([
			[5, '0.200000'],
			[83, '3.320000'],
		]);
		const plan = await planSeek(video, { range, startAfterFrame, known }, undefined);
		expect(plan).toMatchObject({ firstIndex: 84, framesBefore: 79 });
	});

	it.each([
		['complete', new RunControl()],
		['interrupted', new Script({}, 8)],
	])(
		'goes on into the new part of a recording that has grown, from a run that was %s',
		async (state, control) => {
			const videoPath = join(folder, `grows-${state}.mkv`);
			const { ffmpeg } = await findFfmpeg();
			const picture = ['-f', 'lavfi', '-i', 'testsrc2=s=64x48:r=25,trim=end_frame=50'];
			execFileSync(ffmpeg, [
				'-v',
				'error',
				...picture,
				'-g',
				'10',
				'-pix_fmt',
				'yuv420p',
				'-f',
				'matroska',
				videoPath,
			]);
			const whole = readFileSync(videoPath);
			writeFileSync(videoPath, whole.subarray(0, 0.4 * whole.length));
			const name = `grown-${state}`;
			const before = await record(jobFor(name, { videoPath }), control);
			expect(before.outcome.framesStored).toBeLessThan(30);

			writeFileSync(videoPath, whole);
			const after = await record(jobFor(name, { videoPath, start: 'continue' }));
			expect(after.reports[0]).toMatchObject({ remarks: [expect.stringContaining('longer than it was')] });
			expect(after.outcome).toMatchObject({ state: 'complete', framesStored: 50 });
			await record(jobFor(`${name}-at-once`, { videoPath }));
			expect(await resultsOf(name)).toEqual(await resultsOf(`${name}-at-once`));
			// From now on it is the run of the longer file.
			const again = await record(jobFor(name, { videoPath, start: 'continue' }));
			expect(again.reports).toEqual([]);
		},
	);

	it('has nothing to do in a grown recording whose wanted part was there', async () => {
		const videoPath = join(folder, 'grows-later.ts');
		const { ffmpeg } = await findFfmpeg();
		const picture = ['-f', 'lavfi', '-i', 'testsrc2=s=64x48:r=25,trim=end_frame=20'];
		execFileSync(ffmpeg, ['-v', 'error', ...picture, '-g', '10', '-pix_fmt', 'yuv420p', videoPath]);
		const job = { videoPath, range: { ...WHOLE_VIDEO, to: { frame: 5 } } };
		await record(jobFor('part', job));
		writeFileSync(videoPath, Buffer.alloc(188), { flag: 'a' });
		const { outcome, reports } = await record(jobFor('part', { ...job, start: 'continue' }));
		expect([outcome.framesStored, reports]).toEqual([6, []]);
	});

	it('replays live changes when it was cut off without a snapshot', async () => {
		const control = new Script({ 5: { fraction: 0.4 } });
		const job = jobFor('uncut');
		await recordRun(job, control, (report) => {
			// What lies on the disk at this moment is what a kill would leave.
			if (report.type === 'settings-changed') cpSync(job.runFolder, join(folder, 'cut'), { recursive: true });
		});
		await record(jobFor('cut', { start: 'continue' }));
		expect(await resultsOf('cut')).toEqual(await resultsOf('uncut'));
	});

	it.each<[string, Partial<AnalysisJob>, string]>([
		['settings', { settings: { fraction: 0.3 } }, 'settings (stored {'],
		['the mode', { mode: 'dense', settings: {} }, 'mode (stored token-cache, asked dense)'],
		['the range', { range: { ...WHOLE_VIDEO, every: 2 } }, 'range (stored {'],
		['the input size', { maxSide: 96 }, 'input size (stored {'],
		['the score threshold', { scoreThreshold: 0.3 }, 'score threshold (stored 0.01, asked 0.3)'],
		['the video', { videoPath: join('assets', 'samples', 'plaza.mp4') }, 'video (stored {'],
	])('refuses to go on with other %s', async (_, changes, words) => {
		if (!existsSync(join(folder, 'begun'))) await record(jobFor('begun'), new Script({}, 2));
		await expect(record(jobFor('begun', { start: 'continue', ...changes }))).rejects.toMatchObject({
			code: 'resume-mismatch',
			message: expect.stringContaining(words),
		});
		expect((await openRun(join(folder, 'begun'))).frameCount).toBe(2);
	});

	it('refuses a file that takes the place of the one that was looked at', async () => {
		const path = join(folder, 'replaced.mp4');
		copyFileSync(clip, path);
		const other = join(installationFolder(), 'assets', 'samples', 'plaza.mp4');
		const recording = recordRun(
			jobFor('replaced', { videoPath: path }),
			new RunControl(),
			() => undefined,
			(video, options) => {
				copyFileSync(other, path);
				return readFrames(video, options);
			},
		);
		await expect(recording).rejects.toMatchObject({
			code: 'file-unreadable',
			message: expect.stringContaining('was replaced while it was being opened') as string,
		});
		expect(existsSync(join(folder, 'replaced'))).toBe(false);
	});

	it('refuses to go on with a run of another execution provider', async () => {
		await record(jobFor('elsewhere'), new Script({}, 2));
		const path = join(folder, 'elsewhere', RUN_FILES.header);
		const header = JSON.parse(readFileSync(path, 'utf8')) as RunHeader;
		writeFileSync(path, JSON.stringify({ ...header, provider: 'webgpu' }));
		await expect(record(jobFor('elsewhere', { start: 'continue', execution: ON_CPU }))).rejects.toMatchObject(
			{
				code: 'resume-mismatch',
				message: expect.stringContaining('execution provider (stored webgpu, asked cpu)') as string,
			},
		);
	});

	it('goes on with a run of a device on the CPU where that was lost, and notes from which frame on', async () => {
		await record(jobFor('on-device'), new Script({ 5: { fraction: 0.4 } }, 12));
		const path = join(folder, 'on-device', RUN_FILES.header);
		const header = JSON.parse(readFileSync(path, 'utf8')) as RunHeader;
		writeFileSync(path, JSON.stringify({ ...header, provider: 'webgpu', attention: 'plain' }));
		const rest = { start: 'ensure', execution: ON_CPU } as const;

		const { outcome, reports } = await record(
			jobFor('on-device', { ...rest, afterLoss: true }),
			new Script({}, 8),
		);
		expect(outcome).toMatchObject({ state: 'cancelled', framesStored: 20 });
		expect(reports[0]).toMatchObject({ header: { provider: 'webgpu' }, execution: ON_CPU });
		const executionChanges = [{ frameIndex: 12, ...ON_CPU }];
		expect((await openRun(join(folder, 'on-device'))).status).toMatchObject({ executionChanges });

		await record(jobFor('on-device', { start: 'continue' }));
		const run = await openRun(join(folder, 'on-device'));
		expect(run.status).toMatchObject({ state: 'complete', executionChanges });
		expect(run.summary()).toMatchObject({ provider: 'webgpu', executionChanges });
		await record(jobFor('never-lost'), new Script({ 5: { fraction: 0.4 } }));
		expect(await resultsOf('on-device')).toEqual(await resultsOf('never-lost'));
	});

	it('takes a complete run for what it is when asked to go on with it', async () => {
		await record(jobFor('done', { start: 'ensure', range: { ...WHOLE_VIDEO, to: { frame: 3 } } }));
		const again = jobFor('done', { range: { ...WHOLE_VIDEO, to: { frame: 3 } } });
		for (const start of ['ensure', 'continue'] as const) {
			expect((await record({ ...again, start })).outcome).toMatchObject({
				state: 'complete',
				framesStored: 4,
			});
		}
		await expect(record({ ...again, start: 'create' })).rejects.toMatchObject({ code: 'run-exists' });
	});

	it('leaves no empty run where the range holds no frame', async () => {
		const job = jobFor('beyond', { range: { ...WHOLE_VIDEO, from: { frame: 500 } } });
		await expect(record(job)).rejects.toMatchObject({ code: 'bad-range' });
		expect(existsSync(job.runFolder)).toBe(false);
	});
});
