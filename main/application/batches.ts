import { basename, isAbsolute, join } from 'node:path';
import { z } from 'zod';
import type { BatchEntry, BatchJobState, BatchList, BatchPhase } from '../../preload/batch-contract.ts';
import type { HostEvent, Preferences, RequestInput, VideoEntry } from '../../preload/contract.ts';
import type { AnalysisNews } from '../analysis/protocol.ts';
import { WarmWorker } from '../analysis/warm-worker.ts';
import { BatchFolder } from '../batch/batch-folder.ts';
import type { BatchJob, Configuration, JobProgress, JobState } from '../batch/job.ts';
import { LocalQueue } from '../batch/local-queue.ts';
import { filesOf, planJobs, replacedFile, replacedFiles } from '../batch/plan.ts';
import { workOff } from '../batch/work.ts';
import { errorToData, UserFacingError } from '../domain/errors.ts';
import type { ExecutionRemark } from '../domain/execution-words.ts';
import type { VideoIdentity } from '../domain/run.ts';
import { resolveSettings, type SettingValues } from '../domain/settings-table.ts';
import { WHOLE_VIDEO } from '../domain/video.ts';
import type { ExecutionChoice } from '../execution/choice.ts';
import { modelPath } from '../models/catalog.ts';
import { readJsonFile, writeJsonFile } from '../process/json-file.ts';
import { OneAtATime } from '../process/one-at-a-time.ts';
import { findMode } from '../reduction/index.ts';
import type { Browser } from './browse.ts';
import type { RunStore } from './run-store.ts';
import type { Runs } from './runs.ts';
import type { Shell } from './shell.ts';
import type { Videos } from './videos.ts';

type BatchesDependencies = {
	store: RunStore;
	videos: Videos;
	runs: Runs;
	browser: Browser;
	shell: Shell;
	choice: ExecutionChoice;
	preferences: () => Preferences;
	/** The batch is remembered there, in a folder of its own. */
	settingsFolder: string;
	cacheFolder: string;
	modelsFolder: string;
	emit: (event: HostEvent) => void;
};

/** More than a page lists. */
const MOST_JOBS = 20_000;
const PROGRESS_MILLISECONDS = 500;
/** How long the run at hand may take to end orderly when the application closes. */
const CLOSING_MILLISECONDS = 8000;

const stateFile = z.object({ running: z.boolean() });

/** The batch of the page: many files in some configurations, done one after another whenever nobody at the screen computes. */
export class Batches {
	readonly #deps: BatchesDependencies;
	/** The list, and how its jobs ended. */
	readonly jobs: BatchFolder;
	readonly #statePath: string;
	#phase: BatchPhase = { phase: 'stopped', error: null };
	/** Pauses the batch; null while it is stopped. */
	#stop: AbortController | null = null;
	/** What computes now. */
	#work: { ended: Promise<void>; interrupt: AbortController; close: () => void } | null = null;
	#going: Promise<void> = Promise.resolve();
	/** One change of the list after another. */
	readonly #changes = new OneAtATime();
	#toldAt = 0;

	constructor(dependencies: BatchesDependencies) {
		this.#deps = dependencies;
		const path = join(dependencies.settingsFolder, 'batch');
		this.jobs = new BatchFolder(path);
		this.#statePath = join(path, 'page.json');
	}

	/** Goes on with what an earlier start of the application had begun. */
	async goOn(): Promise<void> {
		if ((await readJsonFile(this.#statePath, stateFile))?.running) await this.run(true);
	}

	async list(): Promise<BatchList> {
		const states = await this.jobs.states();
		const jobs = states.map(async ({ job, state }): Promise<BatchEntry> => {
			const { model, mode, settings } = job.configuration;
			const video = await this.#deps.videos.entryOf(job.videoPath);
			return { jobId: job.id, video, modelId: model, mode, settings, ...stateOf(job, state) };
		});
		return { ...this.#phase, jobs: await Promise.all(jobs) };
	}

	/** The videos of a folder that the system's dialog gave. */
	async chooseFolder(): Promise<VideoEntry[]> {
		const path = await this.#deps.shell.chooseFolder();
		return path === null ? [] : this.#entriesOf([path]);
	}

	/** The videos among what was dropped. Throws `file-not-found` for unknown tokens. */
	adopt(dropTokens: readonly string[]): Promise<VideoEntry[]> {
		const paths = dropTokens.map((token) => this.#deps.shell.droppedPath(token));
		const known = paths.filter((path) => path !== null);
		if (known.length === paths.length) return this.#entriesOf(known);
		throw new UserFacingError('file-not-found', 'Files that were dropped just now were expected.');
	}

	async folder(folderId: string): Promise<VideoEntry[]> {
		return this.#entriesOf([await this.#deps.browser.folderOf(folderId)]);
	}

	add({ videoIds, configurations }: RequestInput<'batch.add'>): Promise<BatchList> {
		return this.#change(async () => {
			const paths = await Promise.all(videoIds.map((id) => this.#deps.videos.readablePathOf(id)));
			const wanted = await Promise.all(configurations.map((one) => this.#configuration(one)));
			const known = await this.jobs.jobs();
			const count = known.length + paths.length * wanted.length;
			if (count > MOST_JOBS) {
				throw new UserFacingError(
					'bad-argument',
					`A batch of at most ${MOST_JOBS} runs was expected (with these it has ${count}).`,
				);
			}
			for (const path of await replacedFiles(paths, known)) {
				throw replacedFile(path, 'Take its runs out of the list first, and add it again.');
			}
			await this.jobs.add(await this.#plan(paths, wanted, known));
		});
	}

	move({ jobId, to }: RequestInput<'batch.move'>): Promise<BatchList> {
		return this.#change(() =>
			this.jobs.change((jobs) => {
				const moved = jobs.find(({ id }) => id === jobId);
				if (!moved) return jobs;
				const others = jobs.filter((job) => job !== moved);
				return [...others.slice(0, to), moved, ...others.slice(to)];
			}),
		);
	}

	remove(jobIds: readonly string[]): Promise<BatchList> {
		const ids = new Set(jobIds);
		return this.#change(async () => {
			const states = await this.jobs.states();
			const isGoing = states.some(({ job, state }) => ids.has(job.id) && state.state === 'running');
			await this.jobs.remove(ids, async () => {
				if (!isGoing) return;
				this.#work?.interrupt.abort();
				await this.#work?.ended.catch(() => undefined);
			});
		});
	}

	/** Begins or goes on, or pauses. */
	async run(running: boolean): Promise<void> {
		if (!running) {
			this.#stop?.abort();
			await this.#going;
			return this.#remember(false);
		}
		if (this.#stop && !this.#stop.signal.aborted) return;
		await this.#going;
		await this.#remember(true);
		const stop = (this.#stop = new AbortController());
		this.#going = this.#goThrough(stop.signal);
	}

	/** Jobs that failed wait again; a file that could not be read when it was added is looked at anew. */
	retry(): Promise<BatchList> {
		return this.#change(async () => {
			const jobs = await this.jobs.jobs();
			const replaced = new Map<string, BatchJob>();
			for (const job of jobs.filter(({ identity }) => identity === null)) {
				const [again] = await this.#plan([job.videoPath], [job.configuration], jobs);
				if (again) replaced.set(job.id, again);
			}
			await this.jobs.change((now) => now.map((job) => replaced.get(job.id) ?? job));
			await this.jobs.retryFailed();
		});
	}

	/** Ends what is going in order; the next start of the application goes on. */
	async close(): Promise<void> {
		this.#stop?.abort();
		const timer = setTimeout(() => this.#work?.close(), CLOSING_MILLISECONDS);
		await this.#going;
		clearTimeout(timer);
	}

	/** Works the list off, whenever it is its turn. */
	async #goThrough(stop: AbortSignal): Promise<void> {
		const { shell, runs } = this.#deps;
		const queue = new LocalQueue(this.jobs);
		let error: unknown = null;
		shell.keepAwake(true);
		try {
			while (!stop.aborted && !(await queue.isDone())) {
				this.#tellPhase(runs.going > 0 ? 'giving-way' : 'running');
				await runs.inBackground((giveWay) => this.#compute(queue, AbortSignal.any([stop, giveWay])), stop);
			}
		} catch (reason) {
			error = reason;
		}
		shell.keepAwake(false);
		this.#stop = null;
		// Paused, or closed: what is remembered says which.
		if (!stop.aborted) await this.#remember(false).catch((reason: unknown) => (error ??= reason));
		this.#tellPhase('stopped', error);
	}

	async #compute(queue: LocalQueue, stop: AbortSignal): Promise<void> {
		const { shell, choice, cacheFolder, modelsFolder, videos } = this.#deps;
		this.#tellPhase('running');
		const worker = new WarmWorker(() => shell.startAnalysisWorker());
		const interrupt = new AbortController();
		const dependencies = {
			worker,
			choice,
			cacheFolder,
			findModel: (id: string) => modelPath(id, modelsFolder),
			mayRead: async (path: string) => {
				await videos.readablePathOf((await videos.entryOf(path)).videoId);
			},
		};
		const listener = {
			onNews: (job: BatchJob, news: AnalysisNews | ExecutionRemark) => this.#hear(job, news),
			onEnd: (job: BatchJob) => void this.#tellJob(job),
		};
		const ended = workOff(queue, dependencies, listener, AbortSignal.any([stop, interrupt.signal]));
		this.#work = { ended, interrupt, close: () => worker.close() };
		try {
			await ended;
		} finally {
			this.#work = null;
			worker.close();
		}
	}

	#hear(job: BatchJob, news: AnalysisNews | ExecutionRemark): void {
		if (news.type === 'opened') void this.#tellJob(job);
		if (news.type !== 'progress' || performance.now() - this.#toldAt < PROGRESS_MILLISECONDS) return;
		this.#toldAt = performance.now();
		const { framesDone, framesEstimated, framesPerSecond } = news.progress;
		this.#deps.emit({
			type: 'batch.progress',
			jobId: job.id,
			progress: [framesDone, framesEstimated, framesPerSecond],
		});
	}

	async #tellJob(job: BatchJob): Promise<void> {
		const state = await this.jobs.stateOf(job.id).catch(() => null);
		if (state) this.#deps.emit({ type: 'batch.job', jobId: job.id, state: stateOf(job, state) });
	}

	#tellPhase(phase: BatchPhase['phase'], reason: unknown = null): void {
		const error = reason === null ? null : errorToData(reason);
		if (phase === this.#phase.phase && error === null && this.#phase.error === null) return;
		this.#phase = { phase, error };
		this.#deps.emit({ type: 'batch.phase', ...this.#phase });
	}

	#remember(running: boolean): Promise<void> {
		return writeJsonFile(this.#statePath, { running } satisfies z.infer<typeof stateFile>);
	}

	#change(work: () => Promise<void>): Promise<BatchList> {
		return this.#changes.do(async () => {
			await work();
			this.#deps.emit({ type: 'batch.list' });
			return this.list();
		});
	}

	/** The videos that are meant, without those that may not be opened. */
	async #entriesOf(named: readonly string[]): Promise<VideoEntry[]> {
		const entries: VideoEntry[] = [];
		for (const path of await filesOf(named))
			if (await this.#deps.shell.mayOpenPath(path)) entries.push(await this.#deps.videos.entryOf(path));
		return entries;
	}

	/** Finished runs lie where the runs of an opened video are looked for. */
	#plan(paths: string[], wanted: Configuration[], known: readonly BatchJob[]): Promise<BatchJob[]> {
		const placeOf = async (identity: VideoIdentity, { mode }: Configuration) => {
			return (await this.#deps.store.reserve(identity, mode)).folder;
		};
		return planJobs(paths, wanted, known, placeOf);
	}

	async #configuration({
		modelId,
		mode: modeId,
		settings,
	}: RequestInput<'batch.add'>['configurations'][number]): Promise<Configuration> {
		const mode = findMode(modeId);
		resolveSettings(mode.settings, settings, `mode ${mode.id}`);
		await modelPath(modelId, this.#deps.modelsFolder);
		const { threads, maxSide, provider, precision } = this.#deps.preferences();
		const differing: SettingValues = {};
		for (const [name, value] of Object.entries(settings))
			if (mode.settings[name]?.default !== value) differing[name] = value;
		return {
			label: mode.id,
			model: modelId,
			mode: mode.id,
			settings: differing,
			range: WHOLE_VIDEO,
			provider,
			precision,
			threads,
			maxSide: mode.tiling ? null : maxSide, // tiles are there to see pictures as large as they are
			scoreThreshold: null,
		};
	}
}

function stateOf(job: BatchJob, state: JobState): BatchJobState {
	const none: JobProgress = { framesDone: 0, framesEstimated: null, framesPerSecond: 0 };
	switch (state.state) {
		case 'done': {
			const runId = isAbsolute(job.runFolder) ? basename(job.runFolder) : null;
			return { state: 'done', ...none, framesDone: state.framesStored, error: null, runId };
		}
		case 'failed':
			return { state: 'failed', ...none, error: state.error, runId: null };
		default: {
			const { framesDone, framesEstimated, framesPerSecond } = state.progress ?? none;
			return { state: state.state, framesDone, framesEstimated, framesPerSecond, error: null, runId: null };
		}
	}
}
