import type { ErrorData } from '../../main/domain/errors.ts';
import type { BatchConfiguration, BatchEntry, BatchList } from '../../preload/batch-contract.ts';
import type { HostApi, HostEvent, VideoEntry } from '../../preload/contract.ts';
import { toErrorData } from '../api.ts';

/** The list of many videos that the host works off, and what a person is about to add to it. */
export class Batch {
	list: BatchList = $state.raw({ phase: 'stopped', error: null, jobs: [] });
	/** Videos that are about to be added. */
	chosen: readonly VideoEntry[] = $state.raw([]);
	/** Why the last thing that was tried failed. */
	error: ErrorData | null = $state.raw(null);
	/** Whether files were dropped in a browser, which does not reveal their paths. */
	droppedInVain = $state(false);
	/** Whether it was told to pause, and has not yet. */
	pausing = $state(false);
	readonly #host: HostApi;
	/** Whether the list was asked for, so that events are followed. */
	#follows = false;
	/** Counts answers, so that an older one does not replace a newer one. */
	#asked = 0;

	constructor(host: HostApi) {
		this.#host = host;
	}

	async load(): Promise<void> {
		this.#follows = true;
		await this.#listed(() => this.#host.request('batch.get', {}));
	}

	choose(videos: readonly VideoEntry[]): void {
		const known = new Set(this.chosen.map(({ videoId }) => videoId));
		this.chosen = [...this.chosen, ...videos.filter(({ videoId }) => !known.has(videoId))];
	}

	leaveOut(videoId: string): void {
		this.chosen = this.chosen.filter((video) => video.videoId !== videoId);
	}

	/** Desktop: asks by the system's dialog. */
	chooseFiles(): Promise<void> {
		return this.#try(async () => this.choose(await this.#host.request('video.choose', {})));
	}

	chooseFolder(): Promise<void> {
		return this.#try(async () => this.choose(await this.#host.request('batch.chooseFolder', {})));
	}

	/** Web host: all videos in a folder that was listed, and below it. */
	addFolder(folderId: string): Promise<void> {
		return this.#try(async () => this.choose(await this.#host.request('batch.folder', { folderId })));
	}

	async drop(files: readonly File[]): Promise<void> {
		const dropTokens = files.map((file) => this.#host.dropToken(file)).filter((token) => token !== null);
		this.droppedInVain = dropTokens.length === 0 && files.length > 0;
		if (dropTokens.length === 0) return;
		await this.#try(async () => this.choose(await this.#host.request('batch.adopt', { dropTokens })));
	}

	/** Adds what was chosen, in each of these ways. */
	async add(configurations: BatchConfiguration[]): Promise<void> {
		const videoIds = this.chosen.map(({ videoId }) => videoId);
		const added = await this.#listed(() => this.#host.request('batch.add', { videoIds, configurations }));
		if (added) this.chosen = [];
	}

	/** Moves a job to a place of the list, counted without it; shown at once. */
	async move(jobId: string, to: number): Promise<void> {
		const job = this.list.jobs.find((one) => one.jobId === jobId);
		if (!job) return;
		const others = this.list.jobs.filter((one) => one !== job);
		this.list = { ...this.list, jobs: [...others.slice(0, to), job, ...others.slice(to)] };
		await this.#listed(() => this.#host.request('batch.move', { jobId, to }));
	}

	async remove(jobIds: string[]): Promise<void> {
		if (jobIds.length > 0) await this.#listed(() => this.#host.request('batch.remove', { jobIds }));
	}

	async retry(): Promise<void> {
		await this.#listed(() => this.#host.request('batch.retry', {}));
	}

	async run(running: boolean): Promise<void> {
		this.pausing = !running;
		await this.#try(() => this.#host.request('batch.run', { running }));
		this.pausing = false;
	}

	take(event: HostEvent): void {
		if (!this.#follows) return;
		switch (event.type) {
			case 'batch.phase':
				this.list = { ...this.list, phase: event.phase, error: event.error };
				break;
			case 'batch.job':
				this.#change(event.jobId, event.state);
				break;
			case 'batch.progress': {
				const [framesDone, framesEstimated, framesPerSecond] = event.progress;
				this.#change(event.jobId, { state: 'running', framesDone, framesEstimated, framesPerSecond });
				break;
			}
			case 'batch.list':
				void this.load();
				break;
			default:
		}
	}

	#change(jobId: string, change: Partial<BatchEntry>): void {
		const jobs = this.list.jobs.map((job) => (job.jobId === jobId ? { ...job, ...change } : job));
		this.list = { ...this.list, jobs };
	}

	/** Asks for a list, and shows it unless a newer one was asked for meanwhile; returns whether the host did it. */
	async #listed(ask: () => Promise<BatchList>): Promise<boolean> {
		const number = ++this.#asked;
		let done = false;
		await this.#try(async () => {
			const list = await ask();
			done = true;
			if (number === this.#asked) this.list = list;
		});
		return done;
	}

	async #try(work: () => Promise<unknown>): Promise<void> {
		this.error = null;
		try {
			await work();
		} catch (reason) {
			this.error = toErrorData(reason);
		}
	}
}
