import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type ErrorCode, UserFacingError } from '../domain/errors.ts';
import { GIGA, totalMilliseconds } from '../domain/cost.ts';
import { type ExecutionRemark, executionSentence } from '../domain/execution-words.ts';
import { clockSentence } from '../domain/clock-words.ts';
import { shortfallSentence } from '../domain/shortfall.ts';
import type { AnalysisJob, AnalysisOutcome, AnalysisNews, AnalysisProgress } from '../analysis/protocol.ts';
import { startLastingAnalysis } from '../analysis/device-loss.ts';
import { RUN_FILES } from '../results/run-folder.ts';
import type { Console } from './console.ts';
import type { Interruption } from './interruption.ts';
import { formatTimeLeft, showProgress } from './progress-display.ts';
import { executionChoice, startAnalysisWorker } from './workers.ts';

/**
 * Records a run in a worker, with progress on stderr; the first Ctrl+C ends it as `cancelled`. `provider`: what to run on, or `auto`.
 */
export async function record(
	wanted: AnalysisJob,
	provider: string,
	title: string,
	console: Console,
	interruption: Interruption,
): Promise<AnalysisOutcome> {
	const precision = wanted.execution?.precision ?? null;
	const tell = (remark: ExecutionRemark) => console.note(`${title}: ${executionSentence(remark, 'en')}`);
	const chosen = await executionChoice().choose(
		{ ...wanted, provider, precision },
		tell,
		interruption.signal,
	);
	const job = { ...wanted, ...chosen };
	const display = showProgress(title);
	let warned = false;
	let opened = false;
	const onNews = (news: AnalysisNews) => {
		switch (news.type) {
			case 'opened':
				if (news.framesStored > 0)
					console.note(`${title}: going on after ${news.framesStored} stored frames`);
				for (const remark of opened ? [] : news.remarks) console.note(`${title}: ${remark}`);
				opened = true;
				break;
			case 'device-lost':
			case 'left-to-cpu':
				display.note(`${title}: ${executionSentence(news, 'en')}`);
				break;
			case 'progress':
				display.update(news.progress.framesDone, news.progress.framesEstimated, describe(news.progress));
				if (news.progress.shortfall && !warned) {
					warned = true;
					display.note(`${title}: ${shortfallSentence(news.progress.shortfall, 'en')}`);
				}
				break;
			default: // frames and changes of settings are for those who show them
		}
	};
	const onStderr = (text: string) => {
		if (console.verbose) process.stderr.write(text);
	};
	const analysis = startLastingAnalysis(job, startAnalysisWorker, onNews, onStderr);
	if (console.verbose) console.note(`${title}: worker process ${analysis.pid}`);
	const cancel = () => analysis.cancel();
	interruption.signal.addEventListener('abort', cancel);
	interruption.beforeExit(() => analysis.kill());
	if (interruption.signal.aborted) cancel();
	try {
		const outcome = await analysis.outcome;
		if (!opened && outcome.state === 'complete') console.note(`${title}: complete; nothing left to do`);
		const restarts = outcome.decode?.clockRestarts ?? [];
		if (restarts.length > 0) console.note(`${title}: ${clockSentence(restarts, 'en')}`);
		const lost = outcome.decode?.framesLost ?? 0;
		if (lost > 0) console.note(`${title}: ${lost} frames were lost to damaged data`);
		return outcome;
	} catch (error) {
		throw withResume(error);
	} finally {
		interruption.signal.removeEventListener('abort', cancel);
		display.stop();
	}
}

const RESUMABLE: ReadonlySet<ErrorCode> = new Set(['disk-full', 'worker-died']);

/** Runs that ended before their time go on with a flag of this command. */
function withResume(error: unknown): unknown {
	if (!(error instanceof UserFacingError) || !RESUMABLE.has(error.code)) return error;
	const first = error.code === 'disk-full' ? 'Free some space or raise the limit. ' : '';
	return new UserFacingError(error.code, error.message, {
		remedy: `${first}What was stored is kept: repeat the command with --resume to go on from there.`,
		cause: error,
	});
}

/**
 * Removes a run that is to be overwritten; anything that is not a run is kept, and creating the run will then fail.
 */
export async function removeRun(folder: string): Promise<void> {
	if (existsSync(join(folder, RUN_FILES.header))) await rm(folder, { recursive: true });
}

function describe({ framesPerSecond, secondsLeft, macs, milliseconds }: AnalysisProgress): string {
	const cost = `${totalMilliseconds(milliseconds).toFixed(1)} ms ${(macs / GIGA).toFixed(2)} GMAC`;
	return [`${framesPerSecond.toFixed(1)} frames/s`, cost, formatTimeLeft(secondsLeft)]
		.filter(Boolean)
		.join(' · ');
}
