import { createContext, tick, untrack } from 'svelte';
import type { ErrorData } from '../../main/domain/errors.ts';
import { WHOLE_VIDEO, type FrameRange } from '../../main/domain/video.ts';
import type {
	AppDescription,
	HostApi,
	HostEvent,
	OpenedVideo,
	Preferences,
	VideoEntry,
} from '../../preload/contract.ts';
import type { ListedProject, VideoView } from '../../preload/projects-contract.ts';
import { toErrorData, type Connection, type HostLink } from '../api.ts';
import { Player } from '../player/player.svelte.ts';
import { nextFault } from './truth-view.svelte.ts';
import { nextDisagreement } from './agreements.ts';
import { Batch } from './batch.svelte.ts';
import { Comparison } from './comparison.svelte.ts';
import { EventList } from './event-list.svelte.ts';
import { Exports } from './exports.svelte.ts';
import { Gallery } from './gallery.svelte.ts';
import { ModelList } from './model-list.svelte.ts';
import { ModelReading } from './model-reading.svelte.ts';
import { ObjectTable } from './object-table.svelte.ts';
import { lookOf, Project, viewOf, withRun } from './project.svelte.ts';
import { TrackEditor } from './tracks.svelte.ts';
import { Undo } from './undo.svelte.ts';
import { ZoneEditor } from './zones.svelte.ts';

export type DialogName =
	| 'open'
	| 'batch'
	| 'objects'
	| 'models'
	| 'wizard'
	| 'export'
	| 'runs'
	| 'settings'
	| 'help'
	| 'go-to'
	| 'recording-time'
	| 'projects'
	| 'save-project';

/** How files of projects and of models are called. */
const PROJECT_NAME = /\.sparsight$/i;
const MODEL_NAME = /\.(onnx|safetensors|pth|pt)$/i;

/** State of the whole page: the host, what is open, and which dialog is shown. */
export class Session {
	readonly host: HostApi;
	readonly exports: Exports;
	readonly batch: Batch;
	/** The objects of all videos of the batch. */
	readonly objects: ObjectTable;
	readonly models: ModelList;
	/** Asks by the dialog `wizard`. */
	readonly reading: ModelReading;
	readonly project: Project;
	/** What was drawn and edited on the open video, to be taken back. */
	readonly undo = new Undo();
	app = $state.raw<AppDescription>()!;
	preferences = $state.raw<Preferences>()!;
	recent: readonly VideoEntry[] = $state.raw([]);
	video: OpenedVideo | null = $state.raw(null);
	player: Player | null = $state.raw(null);
	comparison: Comparison | null = $state.raw(null);
	/** Zones and lines on the open video. */
	zones: ZoneEditor | null = $state.raw(null);
	/** What happened in the run of the active pane. */
	events: EventList | null = $state.raw(null);
	/** Followed objects: which one is selected, and what is changed of them. */
	tracks: TrackEditor | null = $state.raw(null);
	/** Their best pictures. */
	gallery: Gallery | null = $state.raw(null);
	/** The video that is being opened. */
	opening: VideoEntry | null = $state.raw(null);
	/** Why the requested video is not on screen. */
	error: { video: VideoEntry | null; data: ErrorData } | null = $state.raw(null);
	dialog: DialogName | null = $state(null);
	/** Name of a file that was dropped in a browser, which does not reveal its path; null = none. */
	dropped: string | null = $state(null);
	connection: Connection = $state('open');
	/** Of the video that is being opened: its runs are loaded, and their events heard, while its first frame is. */
	#coming: Comparison | null = null;
	/** Whether the open video is being brought to where a project has left it. */
	#isRestoring = $state(false);
	#runCommand: (id: string) => void = () => undefined;

	private constructor(link: HostLink, app: AppDescription) {
		this.host = link.host;
		this.app = app;
		this.preferences = app.preferences;
		this.recent = app.recent;
		this.exports = new Exports(link.host);
		this.batch = new Batch(link.host);
		this.objects = new ObjectTable(link.host);
		this.project = new Project(link.host, app.recentProjects);
		this.models = new ModelList(link.host, (model) => this.reading.added(model));
		this.reading = new ModelReading({
			host: link.host,
			models: this.models,
			player: () => this.player,
			show: (dialog) => (this.dialog = dialog),
			isListShown: () => this.dialog === 'models',
		});
		link.host.listen((event) => this.#take(event));
		link.onConnection((connection) => {
			const back = this.connection === 'lost' && connection === 'open';
			this.connection = connection;
			if (back) void this.batch.load();
			if (back) void this.comparison?.catchUp().catch(() => undefined);
		});
	}

	/** Connects to the host; opens what the command line named. */
	static async begin(link: HostLink): Promise<Session> {
		const app = await link.host.request('app.describe', {});
		const session = new Session(link, app);
		if (app.projectAtStart) void session.openProject(app.projectAtStart);
		if (app.openAtStart) {
			const known = app.recent.find(({ videoId }) => videoId === app.openAtStart);
			void session.open(known ?? { videoId: app.openAtStart, name: '', folder: '', exists: true });
		}
		return session;
	}

	/** Sets what menu entries of the desktop do. */
	onCommand(run: (id: string) => void): void {
		this.#runCommand = run;
	}

	/**
	 * Opens a video, with the run `runId`, or where a project or it itself was left, or at a frame; in place of one of the project that is
	 * missing, if that is in front.
	 */
	async open(wanted: VideoEntry, runId?: string, frame?: number): Promise<void> {
		const entry = await this.#inProject(wanted);
		if (!entry) return;
		this.dialog = null;
		this.error = null;
		this.opening = entry;
		try {
			const video = await this.host.request('video.open', { videoId: entry.videoId });
			if (this.opening !== entry) return;
			this.#closeVideo();
			this.opening = entry;
			this.project.show(entry);
			const left = this.project.current?.view ?? null;
			const view = left && frame !== undefined ? { ...left, frame, seconds: undefined } : left;
			const shown = view && runId !== undefined ? withRun(view, runId) : view;
			if (view) void this.prefer(lookOf(view));
			this.#isRestoring = view !== null;
			// What is stored is read while the first frame is.
			let arrive = () => {};
			const arrived = new Promise<void>((resolve) => (arrive = resolve));
			const app = { ...this.app, preferences: this.preferences };
			const comparison = new Comparison(this.host, app, video, arrived);
			this.#coming = comparison;
			const zones = new ZoneEditor(this.host, video, this.undo);
			void zones.load();
			const restored = this.#restoreRuns(comparison, shown, runId);
			const beginning = shown ?? { frame: frame ?? 0, range: [null, null] };
			const player = await Player.open(video, this.host, beginning, arrive);
			if (this.opening !== entry) return player.close();
			this.video = video;
			this.player = player;
			this.comparison = comparison;
			this.zones = zones;
			this.events = this.#eventsOf(comparison, zones);
			this.tracks = this.#tracksOf(comparison);
			this.gallery = new Gallery(this.host, player);
			this.recent = [
				{ ...entry, name: video.name },
				...this.recent.filter(({ videoId }) => videoId !== entry.videoId),
			];
			void restored.then(() => {
				if (this.player === player) this.#isRestoring = false;
			});
		} catch (reason) {
			if (this.opening === entry) this.error = { video: entry, data: toErrorData(reason) };
		} finally {
			if (this.opening === entry) this.opening = null;
		}
	}

	/** Opens a video, if it is not open, and shows a stored run of it; at one of its objects, if that is given. */
	async openRun(entry: VideoEntry, runId: string, at?: { frame: number; identity: number }): Promise<void> {
		if (this.video?.videoId === entry.videoId && this.comparison) {
			this.dialog = null;
			if (at) this.player?.seek(at.frame);
			await this.comparison.showRun(this.comparison.active, runId);
		} else await this.open(entry, runId, at?.frame);
		if (at && this.video?.videoId === entry.videoId) await this.tracks?.pick(runId, at.identity);
	}

	/** Opens a project, with the video in front that was in front. */
	async openProject({ projectId }: ListedProject): Promise<void> {
		this.noteProject();
		await this.project.flush();
		if (await this.project.open(projectId)) await this.showVideo(this.project.active);
		else this.error = { video: null, data: this.project.error! };
		this.dialog = null;
	}

	/** Shows the desktop's dialog, or the list of the web host's projects. */
	async chooseProject(): Promise<void> {
		if (this.app.host === 'web') {
			this.dialog = 'projects';
			return;
		}
		const chosen = await this.host.request('project.choose', {}).catch(() => null);
		if (chosen) await this.openProject(chosen);
	}

	async saveProject(): Promise<void> {
		this.noteProject();
		if (this.project.file) await this.project.save();
		else await this.saveProjectAs();
	}

	/** Asks where by the desktop's dialog, or for a name by one of the page. */
	async saveProjectAs(): Promise<void> {
		this.noteProject();
		if (this.app.host === 'web') this.dialog = 'save-project';
		else await this.project.saveAs(this.video?.name.slice(0, 80) ?? '');
	}

	/** Puts a video of the project in front; one that was not found is named. */
	async showVideo(index: number): Promise<void> {
		this.noteProject();
		const entry = this.project.videos[index]?.entry;
		if (!entry) return;
		if (entry.exists) return this.open(entry);
		this.#closeVideo();
		this.project.active = index;
		const message = `${entry.folder}/${entry.name}: the video was expected there, beside the project or among recent ones (it is not there).`;
		this.error = {
			video: entry,
			data: { code: 'project-video-missing', message, remedy: null, stack: null },
		};
	}

	/** Takes the video in front out of the project, and shows the next one. */
	async removeVideo(): Promise<void> {
		this.noteProject();
		this.project.removeCurrent();
		await this.showVideo(this.project.active);
	}

	async putVideoBack(): Promise<void> {
		this.noteProject();
		this.project.putBack();
		await this.showVideo(this.project.active);
	}

	async turnVideo(by: 1 | -1): Promise<void> {
		const { active, videos } = this.project;
		await this.showVideo((active + by + videos.length) % videos.length);
	}

	/** Tells the project how the open video is now; reactive in all that a project keeps. */
	noteProject(): void {
		const { video, player, comparison, preferences, zones } = this;
		if (!video || !player || !comparison || this.#isRestoring) return;
		const view = viewOf({ player, comparison, preferences });
		const beside = JSON.stringify([zones?.set, video.clock]);
		untrack(() => this.project.note(video.videoId, view, beside));
	}

	/** The entry to open for `wanted`; null where it was refused, with a sentence. */
	async #inProject(wanted: VideoEntry): Promise<VideoEntry | null> {
		this.noteProject();
		const missing = this.project.current?.entry;
		if (!this.error || !missing || missing.exists || missing.videoId === wanted.videoId) return wanted;
		const found = await this.project.locate(missing, wanted);
		if (!found) this.error = { video: missing, data: this.project.error! };
		this.dialog = null;
		return found;
	}

	/** Shows what a project has left, or one run, or what the video itself was left with. Never rejects. */
	async #restoreRuns(comparison: Comparison, view: VideoView | null, runId?: string): Promise<void> {
		if (view) await comparison.restoreView(view);
		else if (runId === undefined) await comparison.restore();
		else await comparison.showRun(comparison.active, runId);
	}

	/** States when the open video was recorded; null = as its file says. Rejects for what is no time. */
	async stateClock(stated: { start: string; timeZone: string } | null): Promise<void> {
		const { video } = this;
		if (!video) return;
		const clock = await this.host.request('video.stateClock', { videoId: video.videoId, stated });
		if (this.video === video) this.video = { ...video, clock };
	}

	/** Returns to the empty view; runs in progress continue, and a project is saved as it was left. */
	close(): void {
		this.noteProject();
		void this.project.flush();
		this.project.leave();
		this.#closeVideo();
	}

	#closeVideo(): void {
		this.player?.close();
		this.player = null;
		this.comparison = null;
		this.#coming = null;
		this.zones = null;
		this.events = null;
		this.tracks = null;
		this.gallery?.crops.clear();
		this.gallery = null;
		this.undo.clear();
		this.video = null;
		this.error = null;
		this.opening = null;
	}

	/** Shows the desktop's dialog, or the browser of the web host's folders. */
	async choose(): Promise<void> {
		if (this.app.host === 'web') {
			this.dialog = 'open';
			return;
		}
		try {
			const [first] = await this.host.request('video.choose', {});
			if (first) await this.open(first);
		} catch (reason) {
			this.error = { video: null, data: toErrorData(reason) };
		}
	}

	/** Opens a video or a project that was dropped on the page; a file or folder that is a model is added to the models. */
	async drop(file: File, isFolder = false): Promise<void> {
		const dropToken = this.host.dropToken(file);
		if (isFolder || MODEL_NAME.test(file.name)) {
			this.dialog = 'models';
			await (dropToken === null ? this.models.refuseDrop(file.name) : this.models.adopt(dropToken));
			return;
		}
		const isProject = PROJECT_NAME.test(file.name);
		if (dropToken === null) {
			this.dropped = file.name;
			this.dialog = isProject ? 'projects' : 'open';
			return;
		}
		try {
			if (isProject) return await this.openProject(await this.host.request('project.adopt', { dropToken }));
			await this.open(await this.host.request('video.adopt', { dropToken }));
		} catch (reason) {
			this.error = { video: null, data: toErrorData(reason) };
		}
	}

	async forget(videoId: string): Promise<void> {
		this.recent = this.recent.filter((entry) => entry.videoId !== videoId);
		await this.host.request('video.forget', { videoId }).catch(() => undefined);
	}

	/** Changes preferences at once; the host stores them. */
	async prefer(change: Partial<Preferences>): Promise<void> {
		this.preferences = { ...this.preferences, ...change };
		await this.host.request('preferences.change', change).catch(() => undefined);
	}

	/** Begins to draw, with the panel beside it that says how. */
	async drawShape(kind: 'zone' | 'line'): Promise<void> {
		this.zones?.draw(kind);
		await this.prefer({ showZones: true, sidePanelFolded: false, sidePanelTab: 'zones' });
	}

	/** Starts the active pane's run over the marked range, or over everything; remembers its settings. */
	async analyse(): Promise<void> {
		const comparison = this.comparison;
		if (!comparison) return;
		const { modelId, mode, settings } = comparison.active.draft;
		const modeSettings = { ...this.preferences.modeSettings, [mode]: settings };
		void this.prefer({ modelId, mode, modeSettings });
		await comparison.start(comparison.active, this.markedRange() ?? WHOLE_VIDEO);
	}

	/** The frames between the in and out marks; null if there are none. */
	markedRange(): FrameRange | null {
		const player = this.player;
		if (!player || (player.inFrame === null && player.outFrame === null)) return null;
		const to = player.outFrame === null ? null : { frame: player.outFrame };
		return { from: { frame: player.inFrame ?? 0 }, to, every: 1 };
	}

	goToDisagreement(): void {
		if (!this.player || !this.comparison) return;
		const frame = nextDisagreement(this.comparison.panes, this.player.frameIndex);
		if (frame !== null) this.player.seek(frame);
	}

	/** Goes to the next frame where something is missed, or shown and false. */
	goToFault(fault: 'missed' | 'wrong'): void {
		if (!this.player || !this.comparison) return;
		const timelines = this.comparison.panes.map(({ run }) => run?.truth?.timeline ?? null);
		const frame = nextFault(timelines, fault, this.player.frameIndex);
		if (frame !== null) this.player.seek(frame);
	}

	/** Goes to the next event that is looked for, or the previous one. */
	async goToEvent(step: 1 | -1): Promise<void> {
		const { player, events } = this;
		const frame = player && (await events?.step(player.frameIndex, step));
		if (typeof frame === 'number' && this.player === player) player?.seek(frame);
	}

	/** Shows the panel of tracks, and puts the focus into one of its fields. */
	async showTracks(fieldId: string | null = null): Promise<void> {
		void this.prefer({ sidePanelFolded: false, sidePanelTab: 'tracks' });
		await tick();
		const field = fieldId === null ? null : document.getElementById(fieldId);
		if (field instanceof HTMLInputElement) field.select();
	}

	#tracksOf(comparison: Comparison): TrackEditor {
		const shown = () => new Set(comparison.panes.flatMap(({ run }) => (run ? [run] : [])));
		return new TrackEditor(this.host, this.undo, () => [...shown()]);
	}

	#eventsOf(comparison: Comparison, zones: ZoneEditor): EventList {
		const source = () => {
			const { run } = comparison.active;
			if (!run) return null;
			return { runId: run.runId, classes: run.classes, zones: zones.set, version: run.countVersion };
		};
		return new EventList(this.host, source, () => this.preferences.eventWish);
	}

	#useModels(models: AppDescription['models']): void {
		this.app = { ...this.app, models };
		this.comparison?.useModels(models);
	}

	#take(event: HostEvent): void {
		this.exports.take(event);
		this.batch.take(event);
		if (event.type === 'batch.job' && event.state.runId !== null)
			void this.comparison?.refreshRuns().catch(() => undefined);
		this.models.take(event);
		if (event.type === 'models') this.#useModels(event.models);
		(this.comparison ?? this.#coming)?.take(event);
		if (event.type === 'command') this.#runCommand(event.command);
		if (event.type === 'open') void this.open(event.video);
		if (event.type === 'open-project') void this.openProject(event.project);
	}
}

export const [getSession, setSession] = createContext<Session>();
