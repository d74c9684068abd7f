import { assert, errorToData, UserFacingError } from '../domain/errors.ts';
import { followWorker, type Death, type WorkerProcess } from '../process/worker-process.ts';
import type { PrintPage } from './format.ts';
import { exportCancelled, removePartial } from './partial-file.ts';
import type { ExportExchange, ExportJob } from './protocol.ts';

/** How long a process may take to stop. */
const STOPPING_MILLISECONDS = 2000;

/** An export that another process is writing. */
export type RunningExport = {
	/**
	 * Resolves when the file has its name. Rejects with the error of the process, with `cancelled`, or with
	 * `export-died`; then nothing is left behind.
	 */
	readonly written: Promise<void>;
	/** Ends the process and its ffmpeg; kills them if that takes too long. */
	cancel(): void;
};

/** Starts writing; `onProgress` gets the number of frames done and their total. `print` prints reports, where the caller does. */
export function startExport(
	job: ExportJob,
	worker: WorkerProcess<ExportExchange>,
	onProgress: (done: number, total: number) => void,
	print: PrintPage | null = null,
): RunningExport {
	let stopping: NodeJS.Timeout | null = null;
	let ended = false;
	const outcome = followWorker(worker, {
		onNews(news) {
			if (news.type === 'progress') return onProgress(news.done, news.total);
			assert(print !== null, 'a worker asks for prints only where it was told that it may');
			void print(news.page, news.pdf)
				.then(() => null, errorToData)
				.then((error) => worker.post({ type: 'printed', error }));
		},
		ofDeath: (death) => (stopping ? exportCancelled(job.out) : exportDied(job.out, death)),
	});
	worker.post({ type: 'start', job: { ...job, hostPrints: print !== null } });
	const write = async (): Promise<void> => {
		try {
			await outcome;
		} finally {
			ended = true;
			if (stopping) clearTimeout(stopping);
			if (worker.pid !== undefined) await removePartial(job.out, worker.pid);
		}
	};
	return {
		written: write(),
		cancel() {
			if (ended || stopping) return;
			worker.post({ type: 'cancel' });
			stopping = setTimeout(() => worker.kill(), STOPPING_MILLISECONDS);
		},
	};
}

function exportDied(out: string, { how, lastWords }: Death): UserFacingError {
	const message = `${out}: the export process ended ${how} before the file was whole; nothing was left behind.`;
	return new UserFacingError('export-died', message, {
		remedy: 'Export again.',
		...(lastWords ? { cause: lastWords } : {}),
	});
}
