import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { SettingValues } from '../domain/settings-table.ts';
import { WHOLE_VIDEO } from '../domain/video.ts';
import { installationFolder } from '../process/installation.ts';
import { openRun } from '../results/stored-run.ts';
import { findFfmpeg } from '../video/ffmpeg-binary.ts';
import { KeptDetector } from './kept-detector.ts';
import type { AnalysisJob } from './protocol.ts';
import { recordRun, RunControl } from './record-run.ts';

let folder: string;
/** Two parts of the sample. */
const CLIPS = { first: 0, second: 40 } as const;
type Clip = keyof typeof CLIPS;

beforeAll(async () => {
	folder = mkdtempSync(join(tmpdir(), 'sparsight-kept-'));
	const source = join(installationFolder(), 'assets', 'samples', 'plaza.mp4');
	const { ffmpeg } = await findFfmpeg();
	for (const [name, from] of Object.entries(CLIPS)) {
		const filter = `trim=start_frame=${from}:end_frame=${from + 8},setpts=PTS-STARTPTS,scale=160:120`;
		execFileSync(ffmpeg, ['-v', 'error', '-i', source, '-vf', filter, join(folder, `${name}.mp4`)]);
	}
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

let count = 0;

/** What a run says of its frames, but the measured milliseconds. */
async function framesOf(clip: Clip, mode: string, settings: SettingValues, kept: KeptDetector | null) {
	const runFolder = join(folder, `run-${count++}`);
	const job: AnalysisJob = {
		videoPath: join(folder, `${clip}.mp4`),
		modelPath: join(installationFolder(), 'models', 'lookout'),
		mode,
		settings,
		range: WHOLE_VIDEO,
		runFolder,
		start: 'create',
		threads: 1,
		execution: null,
		maxSide: null,
		scoreThreshold: 0.01,
		wantsFrames: false,
		cacheFolder: join(folder, 'cache'),
	};
	await recordRun(job, new RunControl(), () => undefined, undefined, kept);
	const run = await openRun(runFolder);
	return [...run.results()].map(({ cost, ...result }) => ({ ...result, macs: cost.macs }));
}

it.each<[string, SettingValues]>([
	['token-cache', { policy: 'quality', audits: 0.2 }],
	['eventful', {}],
	['tiles', {}],
	['motion', {}],
])('a run of mode %s %j is the same with the detector of the run before', async (mode, settings) => {
	const kept = new KeptDetector();
	await framesOf('first', mode, settings, kept);
	expect(await framesOf('second', mode, settings, kept)).toEqual(
		await framesOf('second', mode, settings, null),
	);
});
