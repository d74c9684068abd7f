import { UserFacingError } from '../domain/errors.ts';
import { followWorker, type WorkerProcess } from '../process/worker-process.ts';
import type { ModelReadings, ProbeExchange, ProbeJob } from './protocol.ts';

/** Looks at a frame in another process. Rejects with what went wrong there, or with `probe-died`. */
export function startProbe(job: ProbeJob, worker: WorkerProcess<ProbeExchange>): Promise<ModelReadings> {
	const outcome = followWorker(worker, {
		onNews: () => undefined,
		ofDeath: ({ how, lastWords }) =>
			new UserFacingError('probe-died', `${job.modelPath}: the process that tried it ended ${how}.`, {
				remedy: 'The network may need more memory than there is, or an operator that fails.',
				...(lastWords ? { cause: lastWords } : {}),
			}),
	});
	worker.post({ type: 'start', job });
	return outcome;
}
