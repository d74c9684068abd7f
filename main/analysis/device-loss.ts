import { UserFacingError } from '../domain/errors.ts';
import { type Execution, ON_CPU, onCpu } from '../domain/execution.ts';
import type { SettingValues } from '../domain/settings-table.ts';
import type { WorkerProcess } from '../process/worker-process.ts';
import { startAnalysis, type RunningAnalysis } from './client.ts';
import type { AnalysisExchange, AnalysisJob, AnalysisNews, WorkerNews } from './protocol.ts';

/** What may end a worker on a device that would have gone well on the CPU: its memory may be too small for a graph, too. */
const LOSSES = ['worker-died', 'device-lost', 'model-unreadable'];

/** A frame, or the first one with the compiling of all shaders, takes a device seconds: one that says nothing for so long hangs. */
const PATIENCE_MILLISECONDS = 180_000;

/**
 * As `startAnalysis`, but a run that loses its device goes on on the CPU, in a worker of its own, from the last stored state: no
 * frame is lost. A worker on a device that says nothing for `patienceMilliseconds` counts as lost, one that waits for frames does not.
 * `onNews` hears of it.
 */
export function startLastingAnalysis(
	job: AnalysisJob,
	startWorker: () => WorkerProcess<AnalysisExchange>,
	onNews: (news: AnalysisNews) => void,
	onStderr: (text: string) => void = () => undefined,
	patienceMilliseconds: number = PATIENCE_MILLISECONDS,
): RunningAnalysis {
	let active: Execution = job.execution ?? ON_CPU;
	let opened = false;
	let isCancelled = false;
	let isKilled = false;
	/** Changes of settings that the worker has neither accepted nor refused yet. */
	const unanswered: SettingValues[] = [];
	let silence: NodeJS.Timeout | undefined;
	let hangs = false;
	const waitForNews = () => {
		clearTimeout(silence);
		if (active.provider === ON_CPU.provider) return;
		silence = setTimeout(() => {
			hangs = true;
			analysis.kill();
		}, patienceMilliseconds);
	};
	const hear = (news: WorkerNews) => {
		if (news.type === 'opened') {
			opened = true;
			active = news.execution;
		}
		waitForNews();
		if (news.type === 'alive') return;
		if (news.type === 'settings-changed' || news.type === 'settings-refused') unanswered.shift();
		onNews(news);
	};

	let analysis = startAnalysis(job, startWorker(), hear, onStderr);
	waitForNews();
	const goOn = (error: unknown) => {
		if (isKilled || !isLoss(error, active)) throw error;
		const reason = hangs ? `it said nothing for ${patienceMilliseconds / 1000} seconds` : error.message;
		onNews({ type: 'device-lost', provider: active.provider, reason });
		// Once it was opened, the run is this job's own: even one that was just completed.
		const start = opened ? 'ensure' : job.start;
		const rest = { ...job, start, execution: onCpu(active), afterLoss: true } as const;
		analysis = startAnalysis(rest, startWorker(), hear, onStderr);
		for (const settings of unanswered) analysis.changeSettings(settings);
		if (isCancelled) analysis.cancel();
		return analysis.outcome;
	};
	return {
		get pid() {
			return analysis.pid;
		},
		outcome: analysis.outcome
			.finally(() => clearTimeout(silence))
			.catch(goOn)
			.finally(() => clearTimeout(silence)),
		changeSettings(settings) {
			unanswered.push(settings);
			analysis.changeSettings(settings);
		},
		cancel() {
			isCancelled = true;
			analysis.cancel();
		},
		kill() {
			isKilled = true;
			analysis.kill();
		},
	};
}

function isLoss(error: unknown, { provider }: Execution): error is UserFacingError {
	return provider !== ON_CPU.provider && error instanceof UserFacingError && LOSSES.includes(error.code);
}
