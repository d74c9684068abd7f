import { basename, join } from 'node:path';
import {
	requestSchemas,
	type Answers,
	type AppDescription,
	type HostEvent,
	type OpenedVideo,
	type Preferences,
	type ProviderDescription,
	type Reply,
	type RequestInput,
	type RequestName,
	type VideoEntry,
} from '../../preload/contract.ts';
import type { RecentProject } from '../../preload/projects-contract.ts';
import { PRODUCT_VERSION } from '../process/product-version.ts';
import { errorToData, UserFacingError } from '../domain/errors.ts';
import { clockOfFile, statedClock, type RecordingClock } from '../domain/recording-clock.ts';
import { EXPORT_FORMATS } from '../export/index.ts';
import { REDUCTION_MODES } from '../reduction/index.ts';
import { findFfmpeg } from '../video/ffmpeg-binary.ts';
import { BatchTables } from './batch-tables.ts';
import { Batches } from './batches.ts';
import { Browser } from './browse.ts';
import { choiceBy } from '../execution/choice.ts';
import { RememberedChecks } from '../execution/remembered-checks.ts';
import { Speeds } from '../execution/speeds.ts';
import { dataFolders, type DataFolders } from '../process/data-folders.ts';
import { Events } from './events.ts';
import { Exports } from './exports.ts';
import { FrameTimesReader } from './frame-times.ts';
import { Gallery } from './gallery.ts';
import { ModelCards } from './model-cards.ts';
import { ModelSpeeds } from './model-speeds.ts';
import { Models } from './models.ts';
import { OpaqueIds } from './opaque-ids.ts';
import { PlaybackProxies } from './playback-proxy.ts';
import { PreferencesStore } from './preferences-store.ts';
import { ProbeCache } from './probe-cache.ts';
import { Projects } from './projects.ts';
import { RecentFiles } from './recent-files.ts';
import { RunQueries } from './run-queries.ts';
import { RunStore } from './run-store.ts';
import { Runs } from './runs.ts';
import type { ExportPart, MediaKind, Shell } from './shell.ts';
import { TruthQueries, type TruthFile } from './truth-queries.ts';
import { VideoNotes } from './video-notes.ts';
import { samplePath, Videos, type KnownVideo } from './videos.ts';
import { Zones } from './zones.ts';

export type ApplicationOptions = {
	shell: Shell;
	folders?: DataFolders;
	/** A video or a project given at the start, for the page to open first. */
	openAtStart?: string | null;
};

/** Each request with the function that answers it. */
type Handlers = { [Name in RequestName]: (input: RequestInput<Name>) => Promise<Answers[Name]> };

/** The host side of the contract, whatever the host is: answers requests of the page and tells it what happens. */
export class Application {
	readonly runs: Runs;
	readonly #shell: Shell;
	readonly #videos: Videos;
	readonly #models: Models;
	readonly #cards: ModelCards;
	readonly #preferences: PreferencesStore;
	readonly #queries: RunQueries;
	readonly #notes: VideoNotes;
	readonly #frameTimes: FrameTimesReader;
	readonly #proxies: PlaybackProxies;
	readonly #exports: Exports;
	readonly #browser: Browser;
	readonly #zones: Zones;
	readonly #truthQueries: TruthQueries;
	readonly #projects: Projects;
	readonly #events: Events;
	readonly #gallery: Gallery;
	readonly #batches: Batches;
	readonly #batchTables: BatchTables;
	readonly #checks: RememberedChecks;
	readonly #speeds: Speeds;
	readonly #truths = new OpaqueIds<string>((path) => path);
	readonly #modelFiles = new OpaqueIds<string>((path) => path);
	readonly #listeners = new Set<(event: HostEvent) => void>();
	readonly #handlers: Handlers;
	/** A path. */
	readonly #openAtStart: string | null;

	private constructor(
		shell: Shell,
		folders: DataFolders,
		videos: Videos,
		preferences: PreferencesStore,
		recentProjects: RecentFiles,
		openAtStart: string | null,
	) {
		const emit = (event: HostEvent) => this.emit(event);
		this.#shell = shell;
		this.#videos = videos;
		this.#preferences = preferences;
		this.#openAtStart = openAtStart;
		const runsFolder = () => preferences.current.runsFolder ?? folders.runs;
		const store = new RunStore(runsFolder);
		this.#notes = new VideoNotes(runsFolder);
		this.#queries = new RunQueries(store, (identity) => videos.pathOfIdentity(identity));
		this.#checks = new RememberedChecks(folders.cache, () => shell.startProviderProbe());
		this.#speeds = new Speeds({
			cacheFolder: folders.cache,
			startWorker: () => shell.startAnalysisWorker(),
		});
		const choice = choiceBy(folders, { checks: this.#checks, speeds: this.#speeds });
		this.runs = new Runs({
			store,
			videos,
			preferences: () => preferences.current,
			cacheFolder: folders.cache,
			modelsFolder: folders.models,
			choice,
			startWorker: () => shell.startAnalysisWorker(),
			emit,
			onBusy: (busy) => this.#frameTimes.setHeld(busy),
		});
		// One that opens again, after it lost its device, has other frames from some place on.
		this.listen((event) => event.type === 'analysis.opened' && this.#queries.forget(event.runId));
		this.#models = new Models({
			folders,
			speeds: new ModelSpeeds({
				speeds: this.#speeds,
				checks: this.#checks,
				choice,
				preferences: () => preferences.current,
				alone: (work) => this.runs.measureAlone(work),
			}),
			emit,
		});
		this.#cards = new ModelCards({
			folders,
			preferences: () => preferences.current,
			startWorker: () => shell.startProbeWorker(),
		});
		this.#frameTimes = new FrameTimesReader({
			folder: join(folders.cache, 'frame-times'),
			knownElsewhere: (video) => this.#timesOfRuns(store, video),
			emit,
		});
		this.#proxies = new PlaybackProxies({
			folder: join(folders.cache, 'playback'),
			timesOf: (video) => this.#frameTimes.all(video),
			urlOf: (videoId) => shell.mediaUrl(videoId, 'proxy'),
			emit,
		});
		this.#exports = new Exports({
			queries: this.#queries,
			notes: this.#notes,
			shell,
			emit,
		});
		this.#browser = new Browser(shell.browseRoots, videos, {
			truths: this.#truths,
			models: this.#modelFiles,
			folders: new OpaqueIds<string>((path) => path),
		});
		this.#zones = new Zones({
			notes: this.#notes,
			videos,
			queries: this.#queries,
			shell,
			settingsFolder: folders.settings,
		});
		this.#truthQueries = new TruthQueries(this.#queries);
		this.#events = new Events(this.#queries);
		this.#gallery = new Gallery(this.#queries);
		this.#batches = new Batches({
			store,
			videos,
			runs: this.runs,
			browser: this.#browser,
			shell,
			choice,
			preferences: () => preferences.current,
			settingsFolder: folders.settings,
			cacheFolder: folders.cache,
			modelsFolder: folders.models,
			emit,
		});
		this.#batchTables = new BatchTables({
			jobs: this.#batches.jobs,
			notes: this.#notes,
			exports: this.#exports,
			shell,
		});
		this.#projects = new Projects({
			notes: this.#notes,
			videos,
			shell,
			recent: recentProjects,
			folder: join(folders.settings, 'projects'),
		});
		this.#handlers = this.#bindHandlers();
	}

	/** Reads what earlier sessions left. Never fails because of it. */
	static async open({
		shell,
		folders = dataFolders(),
		openAtStart,
	}: ApplicationOptions): Promise<Application> {
		const mayOpenPath = (path: string) => shell.mayOpenPath(path);
		const probes = new ProbeCache(join(folders.cache, 'probes'));
		const videos = await Videos.load(folders.settings, mayOpenPath, probes);
		const preferences = await PreferencesStore.open(folders.settings, mayOpenPath);
		const recentProjects = await RecentFiles.load(join(folders.settings, 'recent-projects.json'));
		const application = new Application(
			shell,
			folders,
			videos,
			preferences,
			recentProjects,
			openAtStart ?? null,
		);
		// What the page asks first is ready by then; where that fails, the answer to the page says so.
		application.#describe().catch(() => undefined);
		application.#batches.goOn().catch(() => undefined); // the list says why
		return application;
	}

	/** Checks and answers a request of the page; failures are returned as data. Never rejects. */
	async request(name: string, input: unknown): Promise<Reply> {
		try {
			return { answer: await this.#dispatch(name, input) };
		} catch (error) {
			return { error: errorToData(error) };
		}
	}

	/** Subscribes to all events; the returned function unsubscribes. */
	listen(listener: (event: HostEvent) => void): () => void {
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	}

	emit(event: HostEvent): void {
		for (const listener of this.#listeners) listener(event);
	}

	get preferences(): Preferences {
		return this.#preferences.current;
	}

	/** The videos and projects that were opened last, newest first. */
	async recent(): Promise<{ videos: VideoEntry[]; projects: RecentProject[] }> {
		const [videos, projects] = await Promise.all([this.#videos.recent(), this.#projects.recent()]);
		return { videos, projects };
	}

	/** What would be interrupted if the application ended now. */
	get unfinished(): { runs: number; exports: number } {
		return { runs: this.runs.going, exports: this.#exports.going };
	}

	/** A video or a project that another start of the application, or the system, asks to open. */
	async openFromOutside(path: string): Promise<void> {
		if (Projects.isProject(path)) {
			this.emit({ type: 'open-project', project: this.#projects.entryOf(path) });
			return;
		}
		this.emit({ type: 'open', video: await this.#videos.entryOf(path) });
	}

	/** The file behind a media address. Throws for unknown ids; null if there is no copy (yet). */
	async mediaFile(videoId: string, kind: MediaKind): Promise<string | null> {
		if (kind === 'source') return this.#videos.readablePathOf(videoId);
		return this.#proxies.find(await this.#videos.open(videoId));
	}

	/** The file behind a download address; null if there is none. */
	exportFile(exportId: string, part: ExportPart): string | null {
		return this.#exports.fileOf(exportId, part);
	}

	/** Ends all work in progress; runs can be resumed. */
	async close(): Promise<void> {
		this.#frameTimes.close();
		this.#models.close();
		this.#cards.stop();
		await Promise.all([
			this.#batches.close(),
			this.runs.close(),
			this.#exports.close(),
			this.#proxies.close(),
			this.#queries.settled(),
		]);
	}

	async #dispatch(name: string, input: unknown): Promise<unknown> {
		if (!isRequestName(name)) {
			throw new UserFacingError(
				'bad-argument',
				`A request of the contract was expected (got "${name.slice(0, 64)}").`,
			);
		}
		const checked = requestSchemas[name].safeParse(input);
		if (!checked.success) {
			const issue = checked.error.issues[0];
			const place = [name, ...(issue?.path ?? [])].join('.');
			throw new UserFacingError('bad-argument', `${place}: ${issue?.message ?? 'it cannot be read'}.`);
		}
		const handler = this.#handlers[name] as (input: unknown) => Promise<unknown>;
		return handler(checked.data);
	}

	#bindHandlers(): Handlers {
		const { runs } = this;
		const queries = this.#queries;
		const nothing = (work: void | Promise<void>) => Promise.resolve(work).then(() => null);
		return {
			'app.describe': () => this.#describe(),
			'preferences.change': (changes) => this.#preferences.change(changes),

			'video.choose': async () => {
				const paths = await this.#shell.chooseVideos();
				return Promise.all(paths.map((path) => this.#videos.entryOf(path)));
			},
			'video.adopt': async ({ dropToken }) => {
				return this.#videos.entryOf(this.#droppedPath(dropToken));
			},
			'video.browse': ({ folderId }) => this.#browser.list(folderId),
			'video.forget': ({ videoId }) => nothing(this.#videos.forget(videoId)),
			'video.open': ({ videoId }) => this.#openVideo(videoId),
			'video.frameTimes': async ({ videoId }) => this.#frameTimes.answer(await this.#videos.open(videoId)),
			'video.prepareProxy': async ({ videoId }) => this.#proxies.prepare(await this.#videos.open(videoId)),
			'video.cancelProxy': async ({ videoId }) => nothing(this.#proxies.cancel(videoId)),

			'video.stateClock': async ({ videoId, stated }) => {
				const video = await this.#videos.open(videoId);
				const clock = stated && statedClock(stated.start, stated.timeZone);
				await this.#notes.storeClock(video.identity, clock);
				return clock ?? clockOfFile(video.info);
			},

			'analysis.start': async (input) => runs.start(await this.#videos.open(input.videoId), input),
			'analysis.change': async ({ runId, settings }) => nothing(runs.change(runId, settings)),
			'analysis.cancel': async ({ runId }) => nothing(runs.cancel(runId)),
			'analysis.resume': ({ runId }) => runs.resume(runId),

			'run.list': async ({ videoId }) => runs.list(await this.#videos.open(videoId)),
			'run.open': async ({ runId }) => ({
				entry: await runs.entry(runId),
				...(await queries.describe(runId)),
			}),
			'run.summary': ({ runId }) => queries.summary(runId),
			'run.frames': ({ runId, from, count }) => queries.frames(runId, from, count),
			'run.maps': ({ runId, from, count, kind }) => queries.maps(runId, from, count, kind),
			'run.timeline': ({ runId, from, count }) => queries.timeline(runId, from, count),
			'run.shownCounts': ({ runId, leastScore }) => queries.shownCounts(runId, leastScore),
			'run.tracks': ({ runId }) => queries.tracks(runId),
			'run.identities': ({ runId, from, count }) => queries.identities(runId, from, count),
			'tracks.edits': ({ runId }) => queries.trackEdits(runId),
			'tracks.edit': ({ runId, edits }) => {
				return nothing(
					queries.editTracks(runId, edits, (folder) => this.#notes.storeTrackEdits(folder, edits)),
				);
			},
			'tracks.best': (input) => this.#gallery.best(input),
			'tracks.inZone': (input) => this.#gallery.inZone(input),
			'run.agreement': async ({ runId, referenceRunId, truthId, truthFrom, besideIds }) => {
				const truth = truthId === null ? null : this.#truthFile(truthId, truthFrom);
				return queries.agreement(runId, referenceRunId, truth, besideIds);
			},
			'run.truth': ({ runId, truthId, truthFrom, from, count }) =>
				this.#truthQueries.marks(runId, this.#truthFile(truthId, truthFrom), from, count),
			'run.truthTimeline': ({ runId, truthId, truthFrom }) =>
				this.#truthQueries.timeline(runId, this.#truthFile(truthId, truthFrom)),
			'run.delete': async ({ runId }) => {
				await queries.settled(runId);
				await runs.delete(runId);
				queries.forget(runId);
				return null;
			},

			'models.list': () => this.#models.list(),
			'models.get': ({ modelId }) => nothing(this.#models.get(modelId)),
			'models.cancel': async ({ modelId }) => nothing(this.#models.cancel(modelId)),
			'models.remove': ({ modelId }) => nothing(this.#models.remove(modelId)),
			'models.verify': ({ modelId }) => this.#models.verify(modelId),
			'models.choose': async () => {
				const path = await this.#shell.chooseModel();
				return path === null ? null : this.#addModel(path);
			},
			'models.adopt': async ({ dropToken }) => this.#addModel(this.#droppedPath(dropToken)),
			'models.add': async ({ fileId }) => this.#addModel(await this.#modelFile(fileId)),
			'models.measure': async ({ modelId, mode, videoId }) => {
				return this.#models.measure(modelId, mode, await this.#videoPath(videoId));
			},
			'models.readings': async (input) => {
				const modelPath = await this.#models.pathOf(input.modelId);
				return this.#cards.read(modelPath, await this.#videoPath(input.videoId), input);
			},
			'models.stopReadings': async () => nothing(this.#cards.stop()),
			'models.saveCard': async (input) => {
				await this.#cards.save(await this.#models.pathOf(input.modelId), input);
				return nothing(this.#models.cardsChanged());
			},

			'providers.list': ({ anew }) => this.#listProviders(anew),

			'truth.choose': async ({ videoId }) => {
				const path = await this.#shell.chooseTruth(this.#videos.pathOf(videoId));
				return path === null ? null : { truthId: this.#truths.idOf(path), name: basename(path) };
			},
			'export.start': (input) => this.#exports.start(input),
			'export.cancel': async ({ exportId }) => nothing(this.#exports.cancel(exportId)),
			'export.reveal': async ({ exportId }) => nothing(this.#exports.reveal(exportId)),

			'batch.get': () => this.#batches.list(),
			'batch.chooseFolder': () => this.#batches.chooseFolder(),
			'batch.adopt': ({ dropTokens }) => this.#batches.adopt(dropTokens),
			'batch.folder': ({ folderId }) => this.#batches.folder(folderId),
			'batch.add': (input) => this.#batches.add(input),
			'batch.move': (input) => this.#batches.move(input),
			'batch.remove': ({ jobIds }) => this.#batches.remove(jobIds),
			'batch.run': ({ running }) => nothing(this.#batches.run(running)),
			'batch.retry': () => this.#batches.retry(),
			'batch.objects': ({ jobId }) => this.#batchTables.objects(jobId),
			'batch.saveTable': ({ format }) => this.#batchTables.save(format),

			'zones.get': ({ videoId }) => this.#zones.get(videoId),
			'zones.set': (input) => nothing(this.#zones.set(input)),
			'zones.counts': (input) => this.#zones.counts(input),
			'zones.read': (input) => this.#zones.read(input),
			'zones.save': async (input) => ({ saved: await this.#zones.save(input) }),
			'events.list': (input) => this.#events.list(input),
			'events.presence': (input) => this.#events.presence(input),
			'templates.list': () => this.#zones.templates(),
			'templates.store': (input) => this.#zones.storeTemplate(input),
			'templates.delete': ({ name }) => this.#zones.deleteTemplate(name),
			'project.choose': () => this.#projects.choose(),
			'project.adopt': async ({ dropToken }) => this.#projects.entryOf(this.#droppedPath(dropToken)),
			'project.list': () => this.#projects.list(),
			'project.open': ({ projectId }) => this.#projects.open(projectId),
			'project.forget': ({ projectId }) => nothing(this.#projects.forget(projectId)),
			'project.save': (input) => this.#projects.save(input),
			'project.locate': (input) => this.#projects.locate(input),

			'templates.use': (input) => this.#zones.useTemplate(input),
		};
	}

	async #describe(): Promise<AppDescription> {
		const first = this.#openAtStart;
		const isProject = first !== null && Projects.isProject(first);
		const [ffmpeg, models, { videos: recent, projects: recentProjects }, sample] = await Promise.all([
			findFfmpeg().catch(() => null),
			this.#models.describe(),
			this.recent(),
			this.#videos.sample(),
		]);
		return {
			version: PRODUCT_VERSION,
			host: this.#shell.host,
			ffmpeg: ffmpeg && { version: ffmpeg.version, source: ffmpeg.source },
			models,
			modes: REDUCTION_MODES.map(({ id, title, description, settings }) => ({
				id,
				title,
				description,
				settings,
			})),
			exports: EXPORT_FORMATS.map(({ id, title, description, fileExtension, settings }) => ({
				id,
				title,
				description,
				fileExtension,
				settings,
			})),
			preferences: this.#preferences.current,
			recent,
			recentProjects,
			sample,
			openAtStart: first === null || isProject ? null : (await this.#videos.entryOf(first)).videoId,
			projectAtStart: first !== null && isProject ? this.#projects.entryOf(first) : null,
		};
	}

	async #listProviders(anew: boolean): Promise<ProviderDescription[]> {
		if (anew) await this.#speeds.forgetFailures();
		const checks = await (anew ? this.#checks.anew({ tryProcessor: true }) : this.#checks.known());
		const latest = await this.#speeds.latest();
		return checks.map((check) => ({ ...check, speed: latest.get(check.name) ?? null }));
	}

	async #openVideo(videoId: string): Promise<OpenedVideo> {
		const video = await this.#videos.open(videoId);
		const { path, ...info } = video.info;
		await this.#videos.remember(videoId);
		const proxy = await this.#proxies.find(video);
		return {
			videoId,
			name: basename(path),
			info,
			mediaUrl: this.#shell.mediaUrl(videoId, 'source'),
			proxyUrl: proxy === null ? null : this.#shell.mediaUrl(videoId, 'proxy'),
			clock: await this.#clockOf(video),
			runs: await this.runs.list(video),
		};
	}

	/** As a person stated it, or as the file says. */
	async #clockOf({ identity, info }: Pick<KnownVideo, 'identity' | 'info'>): Promise<RecordingClock | null> {
		return (await this.#notes.clock(identity)) ?? clockOfFile(info);
	}

	/** A complete run over every frame has the times of all of them. */
	async #timesOfRuns(store: RunStore, video: KnownVideo): Promise<Float64Array | null> {
		for (const { runId, status } of await store.list(video.identity)) {
			if (status.state !== 'complete') continue;
			const { header, frames } = await this.#queries.run(runId);
			const { from, to, every } = header.range;
			if ('frame' in from && from.frame === 0 && to === null && every === 1) return frames.timeSeconds;
		}
		return null;
	}

	/** Of a video, or of the sample. */
	async #videoPath(videoId: string | null): Promise<string> {
		return videoId === null ? samplePath() : this.#videos.readablePathOf(videoId);
	}

	#addModel(path: string): Promise<{ modelId: string }> {
		return this.#models.add(path, (part) => this.#shell.mayOpenPath(part));
	}

	#droppedPath(dropToken: string): string {
		const path = this.#shell.droppedPath(dropToken);
		if (path !== null) return path;
		throw new UserFacingError('file-not-found', 'A file that was dropped just now was expected.');
	}

	/** Checked anew: a folder in it may have become a link. */
	async #modelFile(fileId: string): Promise<string> {
		const path = this.#modelFiles.find(fileId);
		if (path !== undefined && (await this.#shell.mayOpenPath(path))) return path;
		throw new UserFacingError('model-not-found', 'A model that was listed was expected.');
	}

	#truthFile(truthId: string, from: number | null): TruthFile {
		const path = this.#truths.find(truthId);
		if (path !== undefined) return { path, options: from === null ? {} : { firstFrame: from } };
		throw new UserFacingError('truth-unreadable', 'A ground-truth file that was chosen was expected.');
	}
}

function isRequestName(name: string): name is RequestName {
	return Object.hasOwn(requestSchemas, name);
}
