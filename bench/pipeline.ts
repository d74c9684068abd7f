import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startAnalysis } from '../main/analysis/client.ts';
import type { AnalysisExchange, AnalysisJob } from '../main/analysis/protocol.ts';
import { forkWorker } from '../main/process/worker-process.ts';
import type { Execution } from '../main/domain/execution.ts';
import { WHOLE_VIDEO } from '../main/domain/video.ts';
import { openRun, type StoredRun } from '../main/results/stored-run.ts';
import type { RunSummary } from '../main/results/summary.ts';
import { mean, median } from './machine.ts';

export type Configuration = {
	label: string;
	mode: string;
	settings: Record<string, number | string>;
	execution?: Execution;
};

/** What a run is made of. */
type Recorded = { videoPath: string; modelPath: string; threads: number; configuration: Configuration };

/** A whole run, from file to stored result, in a worker process as users run it. `folder` is the caller's to remove. */
export async function recordRun(
	options: Recorded,
): Promise<{ run: StoredRun; folder: string; peakMemoryMib: number }> {
	const folder = await mkdtemp(join(tmpdir(), 'sparsight-bench-'));
	const job: AnalysisJob = {
		videoPath: options.videoPath,
		modelPath: options.modelPath,
		mode: options.configuration.mode,
		settings: options.configuration.settings,
		range: WHOLE_VIDEO,
		runFolder: join(folder, 'run'),
		start: 'create',
		threads: options.threads,
		execution: options.configuration.execution ?? null,
		maxSide: null,
		scoreThreshold: 0.05,
		wantsFrames: false,
		cacheFolder: null,
	};
	try {
		const worker = forkWorker<AnalysisExchange>(join(import.meta.dirname, 'worker.js'));
		const outcome = await startAnalysis(job, worker, () => undefined).outcome;
		const run = await openRun(job.runFolder);
		return { run, folder, peakMemoryMib: outcome.peakMemoryBytes / 2 ** 20 };
	} catch (error) {
		await rm(folder, { recursive: true, force: true });
		throw error;
	}
}

/** As `recordRun`, leaving nothing behind. */
export async function recordOnce(options: Recorded): Promise<{ summary: RunSummary; peakMemoryMib: number }> {
	const { run, folder, peakMemoryMib } = await recordRun(options);
	const summary = run.summary(); // read while the run is there
	await rm(folder, { recursive: true, force: true });
	return { summary, peakMemoryMib };
}

export type PipelineRow = {
	label: string;
	totalMs: number;
	stagesMs: RunSummary['msPerFrame'];
	/** Wall-clock frames per second of whole runs, first frame included. */
	framesPerSecond: number;
	/** Rate of frames after the first over that of their slowest stage alone, by medians: 1 = everything else overlaps. */
	ofSlowestStage: number;
	/** Median over the rounds of dense run stage over this one's, each the median of its frames after the first. */
	runSpeedup: number;
	/** Median over the rounds of dense total over this one's total, per frame after the first. */
	totalSpeedup: number;
	peakMemoryMib: number;
};

/** Whole runs of all configurations, in turn, several rounds; the ratios are taken inside each round. */
export async function benchPipeline(options: {
	videoPath: string;
	modelPath: string;
	threads: number;
	rounds: number;
	configurations: readonly Configuration[];
}): Promise<PipelineRow[]> {
	const runs = options.configurations.map(() => [] as Awaited<ReturnType<typeof recordOnce>>[]);
	for (let round = 0; round < options.rounds; round++) {
		for (const [i, configuration] of options.configurations.entries()) {
			runs[i]!.push(await recordOnce({ ...options, configuration }));
		}
	}
	return options.configurations.map(({ label }, i) => {
		const mine = runs[i]!;
		const runMs = (run: { summary: RunSummary }) => run.summary.medianMsPerFrame.run;
		const perFrame = (run: { summary: RunSummary }) => run.summary.msPerFrame.total;
		const middle = mine.find((run) => perFrame(run) >= median(mine.map(perFrame)))!;
		return {
			label,
			totalMs: median(mine.map(perFrame)),
			stagesMs: middle.summary.msPerFrame,
			ofSlowestStage: median(mine.map(({ summary }) => shareOfSlowest(summary.medianMsPerFrame))),
			framesPerSecond: median(mine.map(({ summary }) => summary.frames / summary.wallSeconds)),
			runSpeedup: median(mine.map((run, round) => runMs(runs[0]![round]!) / runMs(run))),
			totalSpeedup: median(mine.map((run, round) => perFrame(runs[0]![round]!) / perFrame(run))),
			peakMemoryMib: mean(mine.map((run) => run.peakMemoryMib)),
		};
	});
}

function shareOfSlowest({ total, ...stages }: RunSummary['medianMsPerFrame']): number {
	return Math.max(...Object.values(stages)) / total;
}
