import { basename } from 'node:path';
import { MultiBar, Presets, type SingleBar } from 'cli-progress';
import type { BatchJob, JobOutcome, JobProgress } from '../batch/job.ts';
import { harmless, harmlessLine } from './console.ts';

/** Between two lines about a job in a log; a terminal gets a bar for each job instead. */
const LOG_MILLISECONDS = 5000;

/** The jobs of a batch on stderr: a bar for each that is going, and a line for each that has ended. */
export type BatchDisplay = {
	progress(job: BatchJob, progress: JobProgress): void;
	/** `null`: given back, to be gone on with later. */
	ended(job: BatchJob, outcome: JobOutcome | null): void;
	note(line: string): void;
	stop(): void;
};

/** `counts`: the jobs that are to end, and those of them that have ended before; null where more may come. */
export function showBatch(counts: { total: number; ended: number } | null): BatchDisplay {
	let ended = counts?.ended ?? 0;
	const lineOf = (job: BatchJob, outcome: JobOutcome | null) => {
		if (outcome === null) return `${titleOf(job)}: interrupted; what is stored is kept`;
		ended++;
		const count = counts ? `[${ended}/${counts.total}] ${titleOf(job)}` : titleOf(job);
		return outcome.state === 'done'
			? `${count}: ${outcome.framesStored} frames`
			: `${count}: failed: ${outcome.error.message}`;
	};
	return process.stderr.isTTY ? bars(lineOf) : logLines(lineOf);
}

export function titleOf({ videoPath, configuration }: BatchJob): string {
	return harmlessLine(`${basename(videoPath)} ${configuration.label}`);
}

type LineOf = (job: BatchJob, outcome: JobOutcome | null) => string;

function bars(lineOf: LineOf): BatchDisplay {
	const all = new MultiBar(
		{
			stream: process.stderr,
			format: '{title} {bar} {percentage}% {value}/{total} {extra}',
			hideCursor: true,
			clearOnComplete: true,
		},
		Presets.shades_classic,
	);
	const going = new Map<string, SingleBar>();
	return {
		progress(job, { framesDone, framesEstimated, framesPerSecond }) {
			const extra = { title: titleOf(job), extra: `${framesPerSecond.toFixed(1)} frames/s` };
			const bar = going.get(job.id) ?? all.create(1, 0, extra);
			going.set(job.id, bar);
			bar.setTotal(framesEstimated ?? Math.max(1, framesDone));
			bar.update(framesDone, extra);
		},
		ended(job, outcome) {
			const bar = going.get(job.id);
			if (bar) all.remove(bar);
			going.delete(job.id);
			all.log(`${harmless(lineOf(job, outcome))}\n`);
			all.update();
		},
		note: (line) => all.log(`${harmless(line)}\n`),
		stop: () => all.stop(),
	};
}

function logLines(lineOf: LineOf): BatchDisplay {
	const last = new Map<string, number>();
	const write = (line: string) => void process.stderr.write(`${harmless(line)}\n`);
	return {
		progress(job, { framesDone, framesEstimated, framesPerSecond }) {
			const since = performance.now() - (last.get(job.id) ?? performance.now());
			if (since > 0 && since < LOG_MILLISECONDS) return;
			if (last.has(job.id)) {
				const of = framesEstimated === null ? '' : ` of ${framesEstimated}`;
				write(`${titleOf(job)}: ${framesDone}${of} ${framesPerSecond.toFixed(1)} frames/s`);
			}
			last.set(job.id, performance.now());
		},
		ended: (job, outcome) => write(lineOf(job, outcome)),
		note: write,
		stop: () => undefined,
	};
}
