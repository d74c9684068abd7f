import type { HostEvent, Preferences, RequestInput, RunEntry } from '../../preload/contract.ts';
import type { RunningAnalysis } from '../analysis/client.ts';
import { startLastingAnalysis } from '../analysis/device-loss.ts';
import { AUTO, type ExecutionChoice } from '../execution/choice.ts';
import type { AnalysisExchange, AnalysisJob, AnalysisNews } from '../analysis/protocol.ts';
import { errorToData, UserFacingError, type ErrorData } from '../domain/errors.ts';
import { ON_CPU } from '../domain/execution.ts';
import type { RunHeader } from '../domain/run.ts';
import { changeSettings, resolveSettings } from '../domain/settings-table.ts';
import type { WorkerProcess } from '../process/worker-process.ts';
import { findMode } from '../reduction/index.ts';
import { readHeader } from '../results/header.ts';
import { modelPath } from '../models/catalog.ts';
import type { RunStore, StoredEntry } from './run-store.ts';
import type { KnownVideo, Videos } from './videos.ts';

/** One at a time: two that share the cores would disturb each other's measured times. */
const WORKERS_AT_ONCE = 1;

/** Most runs that may wait for their turn. */
const MOST_WAITING = 16;

/** How long runs may take to end orderly when the application closes. */
const CLOSING_MILLISECONDS = 8000;

/** A run in progress or waiting. */
type LiveRun = {
	entry: StoredEntry;
	job: AnalysisJob;
	/** What it is to run on, or `auto`. */
	provider: string;
	/** Ends choosing what it runs on, which is its first step; null before. */
	choosing: AbortController | null;
	/** Null before it runs. */
	analysis: RunningAnalysis | null;
	/** Resolves when its end was fully reported. */
	ended: Promise<void>;
	tellEnded: () => void;
};

type RunsDependencies = {
	store: RunStore;
	videos: Videos;
	preferences: () => Preferences;
	cacheFolder: string;
	/** Where models are installed. */
	modelsFolder: string;
	choice: ExecutionChoice;
	startWorker: () => WorkerProcess<AnalysisExchange>;
	emit: (event: HostEvent) => void;
	/** Hears whenever the first run begins and the last one ends. */
	onBusy: (busy: boolean) => void;
};

/** Starts, changes and ends analyses, each in a process of its own, and tells how they go. */
export class Runs {
	readonly #deps: RunsDependencies;
	readonly #live = new Map<string, LiveRun>();
	#closed = false;
	#measuring = false;
	/** Ends what computes in the background. */
	#background: AbortController | null = null;
	/** What waits until nobody computes. */
	readonly #idle = new Set<() => void>();

	constructor(dependencies: RunsDependencies) {
		this.#deps = dependencies;
	}

	/** Starts a new run, or queues it. Throws for unknown settings and modes. */
	async start(video: KnownVideo, input: RequestInput<'analysis.start'>): Promise<RunEntry> {
		const mode = findMode(input.mode);
		const settings = resolveSettings(mode.settings, input.settings, `mode ${mode.id}`);
		const path = await modelPath(input.modelId, this.#deps.modelsFolder);
		const { threads, maxSide, provider, precision } = this.#deps.preferences();
		const { runId, folder } = await this.#deps.store.reserve(video.identity, mode.id);
		const entry: StoredEntry = {
			runId,
			createdAt: new Date().toISOString(),
			modelId: input.modelId,
			mode: mode.id,
			settings,
			precision,
			status: notStarted(),
		};
		const job: AnalysisJob = {
			videoPath: video.info.path,
			modelPath: path,
			mode: mode.id,
			settings: input.settings,
			range: input.range,
			runFolder: folder,
			start: 'create',
			threads,
			execution: { ...ON_CPU, precision },
			maxSide: mode.tiling ? null : maxSide, // tiles are there to see pictures as large as they are
			scoreThreshold: null,
			wantsFrames: true,
			cacheFolder: this.#deps.cacheFolder,
		};
		return this.#enqueue(entry, job, provider);
	}

	/** Resumes a run that was cancelled, failed or interrupted. Throws `bad-argument` for all others. */
	async resume(runId: string): Promise<RunEntry> {
		const entry = await this.#deps.store.entry(runId);
		if (this.#live.has(runId) || entry.status.state === 'complete') {
			const state = this.#live.has(runId) ? 'one that is going' : 'one that is complete';
			throw new UserFacingError('bad-argument', `A run that was interrupted was expected (got ${state}).`);
		}
		await this.#deps.store.refuseWhileWritten(runId);
		const folder = await this.#deps.store.folderOf(runId);
		return this.#enqueue(entry, await this.#continuation(folder, await readHeader(folder)), AUTO);
	}

	/** Changes live settings. The run decides whether they may change: an `analysis.refused` event follows if not. */
	change(runId: string, settings: RequestInput<'analysis.change'>['settings']): void {
		const run = this.#liveRun(runId);
		if (run.analysis) {
			run.analysis.changeSettings(settings);
			return;
		}
		const { mode } = run.entry;
		run.entry.settings = changeSettings(
			findMode(mode).settings,
			run.entry.settings,
			settings,
			`mode ${mode}`,
		);
		run.job.settings = run.entry.settings;
	}

	/** Ends a run orderly; it can be resumed. */
	cancel(runId: string): void {
		const run = this.#liveRun(runId);
		if (run.analysis) run.analysis.cancel();
		else if (run.choosing) run.choosing.abort();
		else void this.#end(run, null);
	}

	/** The stored runs of a video and those that wait, newest first. */
	async list(video: KnownVideo): Promise<RunEntry[]> {
		const stored = await this.#deps.store.listWithEarlier(video.identity, video.info.path);
		const unstored = [...this.#live.values()].filter(
			({ entry, job }) =>
				job.videoPath === video.info.path && stored.every(({ runId }) => runId !== entry.runId),
		);
		return [...unstored.map(({ entry }) => entry).reverse(), ...stored].map((entry) =>
			this.#withActivity(entry),
		);
	}

	async entry(runId: string): Promise<RunEntry> {
		return this.#withActivity(await this.#deps.store.entry(runId));
	}

	async delete(runId: string): Promise<void> {
		if (this.#live.has(runId)) {
			throw new UserFacingError('bad-argument', 'A run that is going cannot be deleted.', {
				remedy: 'Cancel it first.',
			});
		}
		await this.#deps.store.refuseWhileWritten(runId);
		await this.#deps.store.delete(runId);
	}

	/** Does work that measures times while no run is going; runs that are started meanwhile wait. Throws `bad-argument`. */
	async measureAlone<T>(work: () => Promise<T>): Promise<T> {
		if (this.#isTaken) {
			throw new UserFacingError('bad-argument', 'Nothing else may be running while speed is measured.', {
				remedy: 'Measure when the runs are done.',
			});
		}
		this.#measuring = true;
		try {
			return await work();
		} finally {
			this.#measuring = false;
			this.#startWaiting();
		}
	}

	/**
	 * Does work that computes once nobody else does. When a person starts a run, `giveWay` is aborted, and the run waits until the work has
	 * ended. Returns without work when `stop` is aborted before its turn has come.
	 */
	async inBackground(work: (giveWay: AbortSignal) => Promise<void>, stop: AbortSignal): Promise<void> {
		while (this.#isTaken && !stop.aborted) await this.#untilIdle(stop);
		if (stop.aborted) return;
		this.#background = new AbortController();
		this.#startWaiting();
		try {
			await work(this.#background.signal);
		} finally {
			this.#background = null;
			this.#startWaiting();
		}
	}

	/** Number of runs in progress or waiting. */
	get going(): number {
		return this.#live.size;
	}

	/** Process ids of the workers, by run: for tests and reports. */
	workers(): Map<string, number> {
		const pids = new Map<string, number>();
		for (const [runId, { analysis }] of this.#live) {
			if (analysis?.pid !== undefined) pids.set(runId, analysis.pid);
		}
		return pids;
	}

	/** Ends every run orderly, and kills those that take too long; all can be resumed. */
	async close(): Promise<void> {
		this.#closed = true;
		const live = [...this.#live.values()];
		for (const run of live) this.cancel(run.entry.runId);
		const timer = setTimeout(() => live.forEach(({ analysis }) => analysis?.kill()), CLOSING_MILLISECONDS);
		await Promise.all(live.map(({ ended }) => ended));
		clearTimeout(timer);
	}

	/** The job of a stored run, so that it continues as it began. */
	async #continuation(folder: string, header: RunHeader): Promise<AnalysisJob> {
		const { contentSize } = header.letterbox;
		return {
			videoPath: this.#deps.videos.pathOfIdentity(header.videoIdentity) ?? header.video.path,
			modelPath: await modelPath(header.model.id, this.#deps.modelsFolder),
			mode: header.mode,
			settings: header.settings,
			range: header.range,
			runFolder: folder,
			start: 'continue',
			threads: header.threads,
			execution: null,
			// Without padding, the side that the picture was reduced to gives the same size again.
			maxSide: header.maxSide ?? Math.max(contentSize.width, contentSize.height),
			scoreThreshold: header.scoreThreshold,
			wantsFrames: true,
			cacheFolder: this.#deps.cacheFolder,
		};
	}

	#enqueue(entry: StoredEntry, job: AnalysisJob, provider: string): RunEntry {
		if (this.#closed) throw new UserFacingError('cancelled', 'The application is closing.');
		if (this.#live.size >= WORKERS_AT_ONCE + MOST_WAITING) {
			throw new UserFacingError(
				'bad-argument',
				`At most ${MOST_WAITING} runs may wait for their turn, and so many do.`,
			);
		}
		let tellEnded = () => {};
		const ended = new Promise<void>((resolve) => (tellEnded = resolve));
		this.#live.set(entry.runId, {
			entry,
			job,
			provider,
			choosing: null,
			analysis: null,
			ended,
			tellEnded,
		});
		this.#background?.abort();
		this.#startWaiting();
		return this.#withActivity(entry);
	}

	#startWaiting(): void {
		this.#deps.onBusy(this.#live.size > 0 || this.#background !== null);
		const waiting = [...this.#live.values()].filter(({ choosing }) => choosing === null);
		const going = this.#live.size - waiting.length;
		const mustWait = this.#closed || this.#measuring || this.#background !== null;
		for (const run of mustWait ? [] : waiting.slice(0, WORKERS_AT_ONCE - going)) void this.#begin(run);
		if (!this.#isTaken) for (const tell of [...this.#idle]) tell();
	}

	/** Whether somebody computes, or is about to. */
	get #isTaken(): boolean {
		return this.#live.size > 0 || this.#measuring || this.#background !== null;
	}

	#untilIdle(stop: AbortSignal): Promise<void> {
		return new Promise((resolve) => {
			const tell = () => {
				this.#idle.delete(tell);
				stop.removeEventListener('abort', tell);
				resolve();
			};
			this.#idle.add(tell);
			stop.addEventListener('abort', tell);
		});
	}

	/** Chooses what the run is to run on, which may have to be measured first, and starts it. */
	async #begin(run: LiveRun): Promise<void> {
		const { runId } = run.entry;
		const { emit, choice } = this.#deps;
		const { signal } = (run.choosing = new AbortController());
		const ended = (error: unknown) => this.#end(run, errorToData(error));
		try {
			const { job, provider } = run;
			const chosen = await choice.choose(
				{ ...job, provider, precision: job.execution?.precision ?? null },
				(remark) => emit({ type: 'analysis.remark', runId, remark }),
				signal,
			);
			if (signal.aborted) return await this.#end(run, null);
			run.job = { ...run.job, ...chosen };
			run.analysis = startLastingAnalysis(run.job, this.#deps.startWorker, (news) =>
				this.#forward(run, news),
			);
		} catch (error) {
			// Nothing that it is to run on, or no process can be started.
			return signal.aborted ? this.#end(run, null) : ended(error);
		}
		run.analysis.outcome.then(() => this.#end(run, null), ended);
	}

	#forward(run: LiveRun, news: AnalysisNews): void {
		const { runId } = run.entry;
		const { emit } = this.#deps;
		switch (news.type) {
			case 'opened': {
				const { video, ...header } = news.header;
				void this.#noteWriter(runId, run.analysis?.pid ?? null);
				emit({ type: 'analysis.opened', runId, header, framesStored: news.framesStored });
				break;
			}
			case 'progress':
				emit({ type: 'analysis.progress', runId, progress: news.progress });
				break;
			case 'frames':
				emit({ type: 'analysis.frames', runId, batch: news.batch });
				break;
			case 'device-lost':
			case 'left-to-cpu':
				emit({ type: 'analysis.remark', runId, remark: news });
				break;
			case 'settings-changed':
				emit({ type: 'analysis.settings', runId, event: news.event });
				break;
			case 'settings-refused':
				emit({ type: 'analysis.refused', runId, error: news.error });
				break;
			default:
				news satisfies never;
		}
	}

	async #end(run: LiveRun, error: ErrorData | null): Promise<void> {
		const { runId } = run.entry;
		await this.#noteWriter(runId, null);
		// A run that ended before its first frame, or before its turn, left nothing to read.
		const stored = await this.#deps.store.entry(runId).catch(() => null);
		const state = error === null ? 'cancelled' : 'failed';
		const unstored = {
			...run.entry,
			status: { ...notStarted(), state, error: error?.message ?? null } as const,
		};
		this.#live.delete(runId);
		const entry = this.#withActivity(stored ?? unstored);
		this.#deps.emit({ type: 'analysis.ended', runId, entry, error });
		run.tellEnded();
		this.#startWaiting();
	}

	/** If it cannot be noted, two hosts may write to the same run; that alone is no reason to fail. */
	#noteWriter(runId: string, pid: number | null): Promise<void> {
		return this.#deps.store.noteWriter(runId, pid).catch(() => undefined);
	}

	#liveRun(runId: string): LiveRun {
		const run = this.#live.get(runId);
		if (run) return run;
		throw new UserFacingError('bad-argument', 'A run that is going was expected (it has ended).');
	}

	#withActivity(entry: StoredEntry): RunEntry {
		const run = this.#live.get(entry.runId);
		return { ...entry, active: run !== undefined, waiting: run?.choosing === null };
	}
}

function notStarted(): StoredEntry['status'] {
	const nothing = { framesStored: 0, lastFrameIndex: -1, wallSeconds: 0 };
	return { state: 'running', ...nothing, decode: null, error: null, executionChanges: [] };
}
