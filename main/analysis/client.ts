import { UserFacingError } from '../domain/errors.ts';
import type { SettingValues } from '../domain/settings-table.ts';
import { followWorker, type Death, type WorkerProcess } from '../process/worker-process.ts';
import type { AnalysisExchange, AnalysisJob, AnalysisOutcome, WorkerNews } from './protocol.ts';

/** A run that is being recorded in another process. */
export type RunningAnalysis = {
	readonly pid: number | undefined;
	/** Rejects with what went wrong in the worker, or with `worker-died`. */
	readonly outcome: Promise<AnalysisOutcome>;
	changeSettings(settings: SettingValues): void;
	/** Asks for an orderly end: the outcome is then `cancelled`, unless the run was just completed. */
	cancel(): void;
	/** Kills the worker at once; the run can be resumed from the last stored batch. */
	kill(): void;
};

/** Starts recording; `onNews` is called with everything except the end, which is `outcome`. */
export function startAnalysis(
	job: AnalysisJob,
	worker: WorkerProcess<AnalysisExchange>,
	onNews: (news: WorkerNews) => void,
	onStderr: (text: string) => void = () => undefined,
): RunningAnalysis {
	const outcome = followWorker(worker, { onNews, onStderr, ofDeath: workerDied });
	worker.post({ type: 'start', job });
	return {
		pid: worker.pid,
		outcome,
		changeSettings: (settings) => worker.post({ type: 'change-settings', settings }),
		cancel: () => worker.post({ type: 'cancel' }),
		kill: () => worker.kill(),
	};
}

function workerDied({ how, lastWords }: Death): UserFacingError {
	return new UserFacingError('worker-died', `The analysis process ended ${how} before its run was done.`, {
		remedy: 'What was stored is kept: resume the run to go on from there.',
		...(lastWords ? { cause: lastWords } : {}),
	});
}
