import type { ErrorData } from '../../main/domain/errors.ts';
import type { HostApi, Preferences, VideoEntry } from '../../preload/contract.ts';
import type {
	ListedProject,
	ProjectVideo,
	RecentProject,
	VideoView,
} from '../../preload/projects-contract.ts';
import { toErrorData } from '../api.ts';
import type { Player } from '../player/player.svelte.ts';
import type { Comparison } from './comparison.svelte.ts';

/** Preferences that go with a video. */
const LOOK = [
	'showBoxes',
	'showIdentities',
	'showZones',
	'leastScore',
	'showCamera',
	'heatMap',
	'heatOpacity',
	'sidePanelWidth',
	'sidePanelFolded',
	'sidePanelTab',
	'timelineHeight',
	'timelineFolded',
] as const satisfies readonly (keyof Preferences)[];

/** Pause after the last change before a project with a name is saved. */
const SAVE_PAUSE_MS = 2000;

/** What is saved of the video that is open. */
export type Shown = { entry: VideoEntry; player: Player; comparison: Comparison; preferences: Preferences };

/** How the page is now, as a project keeps it. */
export function viewOf({ player, comparison, preferences }: Omit<Shown, 'entry'>): VideoView {
	const seconds = player.knownSeconds;
	return {
		panes: comparison.panes.map(({ run, pending, draft }) => ({
			runId: (pending?.runId ?? run?.runId) || null,
			draft: { ...draft, settings: { ...draft.settings } },
		})),
		activePane: comparison.activeIndex,
		maximised: comparison.maximised,
		frame: player.frameIndex,
		...(seconds !== null && { seconds }),
		range: [player.inFrame, player.outFrame],
		look: Object.fromEntries(LOOK.map((name) => [name, preferences[name]])),
	};
}

/** A view with another run in its active pane. */
export function withRun(view: VideoView, runId: string): VideoView {
	return { ...view, panes: view.panes.map((pane, i) => (i === view.activePane ? { ...pane, runId } : pane)) };
}

/** The preferences of a view, without what this page doesn't know. */
export function lookOf({ look }: VideoView): Partial<Preferences> {
	return Object.fromEntries(LOOK.filter((name) => name in look).map((name) => [name, look[name]]));
}

/** The videos that a person works at, each as it was left; with a file once it has a name. */
export class Project {
	/** Null until it was saved or opened. */
	file: ListedProject | null = $state.raw(null);
	videos: readonly ProjectVideo[] = $state.raw([]);
	active = $state(0);
	/** The video that was taken out last, with the place where it was; null where there is no way back. */
	removed: { video: ProjectVideo; at: number } | null = $state.raw(null);
	/** Whether something changed since it was saved. */
	isChanged = $state(false);
	/** What was opened or saved last, newest first. */
	recent: readonly RecentProject[] = $state.raw([]);
	/** Why it was not opened or saved, or a video was refused. */
	error: ErrorData | null = $state.raw(null);
	readonly #host: HostApi;
	#saved = '';
	#waiting: ReturnType<typeof setTimeout> | null = null;

	constructor(host: HostApi, recent: readonly RecentProject[] = []) {
		this.#host = host;
		this.recent = recent;
	}

	/** The video in front. */
	get current(): ProjectVideo | null {
		return this.videos[this.active] ?? null;
	}

	/** Reads a project; returns whether it is there now. */
	async open(projectId: string): Promise<boolean> {
		const isThere = await this.#try(async () => {
			const { active, videos, ...file } = await this.#host.request('project.open', { projectId });
			this.videos = videos;
			this.active = active;
			this.file = file;
			this.#remember(file);
			this.removed = null;
			this.#saved = '';
			this.isChanged = false;
		});
		if (!isThere && this.error?.code === 'file-not-found') this.#markGone(projectId);
		return isThere;
	}

	/** Takes a project out of the list of recent ones; the file stays. */
	async forget(projectId: string): Promise<void> {
		this.recent = this.recent.filter((project) => project.projectId !== projectId);
		await this.#host.request('project.forget', { projectId }).catch(() => undefined);
	}

	/** A video came in front: one of the project, or one more. */
	show(entry: VideoEntry): void {
		const at = this.videos.findIndex(({ entry: { videoId } }) => videoId === entry.videoId);
		if (at >= 0) this.active = at;
		else if (this.file) {
			this.videos = [...this.videos, { entry, view: null }];
			this.active = this.videos.length - 1;
		} else {
			this.videos = [{ entry, view: null }];
			this.active = 0;
		}
	}

	/** Takes a view of the video in front; `beside` is what else goes into the file, as text. A file is written soon after. */
	note(videoId: string, view: VideoView, beside = ''): void {
		if (this.current?.entry.videoId !== videoId) return;
		this.videos = this.videos.map((video, i) => (i === this.active ? { ...video, view } : video));
		const now = JSON.stringify([this.active, this.videos, beside]);
		if (this.#saved === '') this.#saved = now;
		if (!this.file || now === this.#saved) return;
		this.#saved = now;
		this.#saveSoon();
	}

	/** Takes the video in front out, unless it is the only one; the next one is then in front. Its runs and notes stay. */
	removeCurrent(): void {
		const { current: video, active: at } = this;
		if (!video || this.videos.length < 2) return;
		this.removed = { video, at };
		this.videos = this.videos.toSpliced(at, 1);
		this.active = Math.min(at, this.videos.length - 1);
		this.#saveSoon();
	}

	/** Puts the video that was taken out last where it was, and in front. */
	putBack(): void {
		const { removed } = this;
		if (!removed) return;
		this.removed = null;
		const { videoId } = removed.video.entry;
		const there = this.videos.findIndex(({ entry }) => entry.videoId === videoId); // it was opened meanwhile
		if (there < 0) this.videos = this.videos.toSpliced(removed.at, 0, removed.video);
		this.active = there < 0 ? Math.min(removed.at, this.videos.length - 1) : there;
		this.#saveSoon();
	}

	/** Writes what is not written yet. */
	async flush(): Promise<void> {
		if (this.#waiting !== null) await this.save();
	}

	/** Writes the file that it has. */
	async save(): Promise<void> {
		if (this.file) await this.#write(this.file.projectId, this.file.name);
	}

	/** Writes another file and goes on with that. */
	async saveAs(name: string): Promise<boolean> {
		return this.#write(null, name);
	}

	/** Takes another file for a video that is missing. */
	async locate(missing: VideoEntry, found: VideoEntry): Promise<VideoEntry | null> {
		const { file } = this;
		if (!file) return null;
		let entry: VideoEntry | null = null;
		await this.#try(async () => {
			entry = await this.#host.request('project.locate', {
				projectId: file.projectId,
				missingId: missing.videoId,
				videoId: found.videoId,
			});
			const fresh = entry;
			this.videos = this.videos.map((video) =>
				video.entry.videoId === missing.videoId ? { ...video, entry: fresh } : video,
			);
		});
		return entry;
	}

	#saveSoon(): void {
		if (!this.file) return;
		this.isChanged = true;
		if (this.#waiting !== null) clearTimeout(this.#waiting);
		this.#waiting = setTimeout(() => void this.save(), SAVE_PAUSE_MS);
	}

	leave(): void {
		if (this.#waiting !== null) clearTimeout(this.#waiting);
		this.#waiting = null;
		this.file = null;
		this.videos = [];
		this.removed = null;
		this.active = 0;
		this.isChanged = false;
	}

	async #write(projectId: string | null, name: string): Promise<boolean> {
		if (this.#waiting !== null) clearTimeout(this.#waiting);
		this.#waiting = null;
		const videos = this.videos.map(({ entry: { videoId }, view }) => ({ videoId, view }));
		let isWritten = false;
		await this.#try(async () => {
			this.isChanged = false;
			const project = { active: this.active, videos };
			const file = await this.#host
				.request('project.save', { projectId, name, project })
				.catch((reason: unknown) => {
					this.isChanged = true;
					throw reason;
				});
			if (!file) return;
			this.file = file;
			this.#remember(file);
			isWritten = true;
		});
		return isWritten;
	}

	#remember(file: ListedProject): void {
		if (this.recent[0]?.projectId === file.projectId) return;
		const others = this.recent.filter(({ projectId }) => projectId !== file.projectId);
		this.recent = [{ ...file, exists: true }, ...others];
	}

	#markGone(gone: string): void {
		this.recent = this.recent.map((one) => (one.projectId === gone ? { ...one, exists: false } : one));
	}

	async #try(work: () => Promise<void>): Promise<boolean> {
		try {
			await work();
			this.error = null;
			return true;
		} catch (reason) {
			this.error = toErrorData(reason);
			return false;
		}
	}
}
