import type { ErrorData } from '../../main/domain/errors.ts';
import type { Answers, HostApi, HostEvent, RequestInput } from '../../preload/contract.ts';
import { toErrorData } from '../api.ts';

export type ExportJob = {
	exportId: string;
	name: string;
	done: number;
	total: number;
	state: 'running' | 'done' | 'failed' | 'cancelled';
	/** Web host: where the finished file can be fetched. */
	downloadUrl: string | null;
	/** What goes with the file. */
	companion: { name: string; downloadUrl: string | null } | null;
	error: ErrorData | null;
};

/** The exports of this session, newest first. */
export class Exports {
	jobs: readonly ExportJob[] = $state.raw([]);
	readonly #host: HostApi;
	/** Events of exports whose start was not answered yet. */
	#early: HostEvent[] = [];

	constructor(host: HostApi) {
		this.#host = host;
	}

	/** Starts an export; returns why that failed, or null. Cancelling the file dialog starts none. */
	start(input: RequestInput<'export.start'>): Promise<ErrorData | null> {
		return this.#begin(() => this.#host.request('export.start', input));
	}

	/** As `start`, for the table over all files of the batch. */
	saveTable(format: 'csv' | 'jsonl'): Promise<ErrorData | null> {
		return this.#begin(() => this.#host.request('batch.saveTable', { format }));
	}

	async #begin(ask: () => Promise<Answers['export.start']>): Promise<ErrorData | null> {
		try {
			const started = await ask();
			if (!started) return null;
			const job: ExportJob = {
				...started,
				done: 0,
				total: 0,
				state: 'running',
				downloadUrl: null,
				companion: null,
				error: null,
			};
			this.jobs = [job, ...this.jobs];
			const early = this.#early;
			this.#early = [];
			for (const event of early) this.take(event);
			return null;
		} catch (reason) {
			return toErrorData(reason);
		}
	}

	async cancel(exportId: string): Promise<void> {
		// If it fails, the export has ended by itself.
		await this.#host.request('export.cancel', { exportId }).catch(() => undefined);
	}

	/** Shows the file in the system's file manager; the job gets the error if that fails. */
	async reveal(exportId: string): Promise<void> {
		try {
			await this.#host.request('export.reveal', { exportId });
		} catch (reason) {
			const error = toErrorData(reason);
			this.jobs = this.jobs.map((job) => (job.exportId === exportId ? { ...job, error } : job));
		}
	}

	take(event: HostEvent): void {
		if (event.type !== 'export.progress' && event.type !== 'export.ended') return;
		if (!this.jobs.some(({ exportId }) => exportId === event.exportId)) {
			this.#early.push(event);
			return;
		}
		this.jobs = this.jobs.map((job) => {
			if (job.exportId !== event.exportId) return job;
			if (event.type === 'export.progress') return { ...job, done: event.done, total: event.total };
			const { error, downloadUrl, companion } = event;
			if (error) return { ...job, error, state: error.code === 'cancelled' ? 'cancelled' : 'failed' };
			return { ...job, done: job.total, state: 'done', downloadUrl, companion };
		});
	}
}
