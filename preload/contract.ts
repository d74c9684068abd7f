import { z } from 'zod';
import type { ErrorData } from '../main/domain/errors.ts';
import { PRECISIONS, type Precision } from '../main/domain/execution.ts';
import type { ExecutionRemark } from '../main/domain/execution-words.ts';
import type { RecordingClock } from '../main/domain/recording-clock.ts';
import type { RunHeader, RunStatus, SettingEvent } from '../main/domain/run.ts';
import type { SettingsTable, SettingValues } from '../main/domain/settings-table.ts';
import { TOKEN_MAP_KINDS, type TokenMapKind } from '../main/domain/tokens.ts';
import type { TruthCoverage } from '../main/domain/truth-coverage.ts';
import type { VideoInfo } from '../main/domain/video.ts';
import type { DownloadProgress } from '../main/models/progress-rate.ts';
import type { FrameBatch } from '../main/analysis/frame-batch.ts';
import type { AnalysisProgress } from '../main/analysis/protocol.ts';
import type { RunSummary } from '../main/results/summary.ts';
import type { FrameIdentities, RunTracks } from '../main/tracking/run-tracks.ts';
import {
	eventRequestSchemas,
	eventSearchSchema,
	eventWishSchema,
	type EventAnswers,
} from './events-contract.ts';
import { modelRequestSchemas, type ModelAnswers, type ModelDescription } from './models-contract.ts';
import { batchRequestSchemas, type BatchAnswers, type BatchEvent } from './batch-contract.ts';
import {
	projectRequestSchemas,
	type ListedProject,
	type ProjectAnswers,
	type RecentProject,
} from './projects-contract.ts';
import { SIDE_PANEL_TABS } from './side-panel-tabs.ts';
import { GALLERY_ORDERS, TRACK_VIEWS, trackRequestSchemas, type TrackAnswers } from './tracks-contract.ts';
import { truthRequestSchemas, type TruthAnswers } from './truth-contract.ts';
import type { VideoEntry } from './video-entry.ts';
import { zoneRequestSchemas, type ZoneAnswers } from './zones-contract.ts';

export type { ListedModel, ModelDescription, ProviderDescription } from './models-contract.ts';

// All requests and events between page and host. Two hosts implement it: Electron's IPC and the local web host. Both
// check inputs with these schemas; files are named by opaque ids, never by paths.

/** Of an answer to `run.timeline`: about 5 MB. */
export const MOST_TIMELINE_FRAMES = 50_000;

const id = z.string().regex(/^[a-z0-9-]{1,64}$/);
const index = z.number().int().min(0);
const settings = z.record(z.string().max(64), z.union([z.number(), z.string().max(256), z.boolean()]));
const position = z.union([z.strictObject({ frame: index }), z.strictObject({ seconds: z.number() })]);
const range = z.strictObject({
	from: position,
	to: position.nullable(),
	every: z.number().int().min(1).max(100_000),
});

/** What the page remembers between sessions; unknown keys are refused. */
export const preferencesSchema = z.strictObject({
	theme: z.enum(['system', 'light', 'dark']),
	language: z.enum(['system', 'en', 'ja']),
	modelId: z.string().max(64).nullable(),
	mode: z.string().max(64),
	/** Settings last used, per mode. */
	modeSettings: z.record(z.string().max(64), settings),
	threads: z.number().int().min(1).max(64).nullable(),
	precision: z.enum(PRECISIONS),
	maxSide: z.number().int().min(64).max(4096),
	/** What graphs run on: `auto`, or an execution provider. */
	provider: z.string().min(1).max(32),
	runsFolder: z.string().max(4096).nullable(),
	/** Volume of the video's sound, 0 to 1. */
	volume: z.number().min(0).max(1),
	muted: z.boolean(),
	showBoxes: z.boolean(),
	/** Whether boxes show identities. */
	showIdentities: z.boolean(),
	/** Whether zones and lines lie over the picture. */
	showZones: z.boolean(),
	/** Boxes of every class are shown from this score on, 0 to 1, where that is less than their class needs. */
	leastScore: z.number().min(0).max(1),
	/** Whether a small map shows where a camera has been that is followed. */
	showCamera: z.boolean(),
	showTruth: z.boolean(),
	heatMap: z.enum(['off', 'frame', 'history', ...TOKEN_MAP_KINDS]),
	heatOpacity: z.number().min(0).max(1),
	sidePanelWidth: z.number().min(160).max(800),
	sidePanelFolded: z.boolean(),
	/** The part of the side panel that is in front. */
	sidePanelTab: z.enum(SIDE_PANEL_TABS),
	trackView: z.enum(TRACK_VIEWS),
	galleryOrder: z.enum(GALLERY_ORDERS),
	/** What is looked for among events; see there. */
	eventWish: eventWishSchema,
	/** Null = a share of the window's height. */
	timelineHeight: z.number().min(80).max(800).nullable(),
	timelineFolded: z.boolean(),
});
export type Preferences = z.infer<typeof preferencesSchema>;
export type Language = Exclude<Preferences['language'], 'system'>;

/** The input of every request, by name. */
export const requestSchemas = {
	'app.describe': z.strictObject({}),
	'preferences.change': preferencesSchema.partial(),
	/** Desktop: shows the system's dialog. Empty answer if the user cancels. */
	'video.choose': z.strictObject({}),
	/** Desktop: a file that was dropped on the page, by the token that the preload script gave it. */
	'video.adopt': z.strictObject({ dropToken: z.string().max(64) }),
	/** Web host: lists a folder below those that the user named at start; null = the list of those folders. */
	'video.browse': z.strictObject({ folderId: id.nullable() }),
	'video.forget': z.strictObject({ videoId: id }),
	'video.open': z.strictObject({ videoId: id }),
	/** Presentation times of all frames as far as known; starts reading them if they are not. */
	'video.frameTimes': z.strictObject({ videoId: id }),
	/** Requests a copy that the page can play, frame for frame; progress comes as `proxy` events. */
	'video.prepareProxy': z.strictObject({ videoId: id }),
	/** Cancels making a copy; its `proxy` event then has the error `cancelled`. */
	'video.cancelProxy': z.strictObject({ videoId: id }),
	/** States when the video was recorded, in the words of `statedClock`; null = as its file says. */
	'video.stateClock': z.strictObject({
		videoId: id,
		stated: z.strictObject({ start: z.string().max(64), timeZone: z.string().max(64) }).nullable(),
	}),
	'analysis.start': z.strictObject({
		videoId: id,
		modelId: z.string().max(64),
		mode: z.string().max(64),
		settings,
		range,
	}),
	/** Changes live settings of a run in progress. */
	'analysis.change': z.strictObject({ runId: id, settings }),
	'analysis.cancel': z.strictObject({ runId: id }),
	'analysis.resume': z.strictObject({ runId: id }),
	/** Stored runs of a video, newest first. */
	'run.list': z.strictObject({ videoId: id }),
	'run.open': z.strictObject({ runId: id }),
	/** Positions `[from, from + count)` of a run; at most 2,000. */
	'run.frames': z.strictObject({ runId: id, from: index, count: z.number().int().min(1).max(2000) }),
	/** One kind of map of the tokens at positions `[from, from + count)`; at most 64 frames. */
	'run.maps': z.strictObject({
		runId: id,
		from: index,
		count: z.number().int().min(1).max(64),
		kind: z.enum(TOKEN_MAP_KINDS),
	}),
	/** A run in a few numbers. */
	'run.summary': z.strictObject({ runId: id }),
	/** Cost and time of the frames at positions `[from, from + count)` in columns. */
	'run.timeline': z.strictObject({
		runId: id,
		from: index,
		count: z.number().int().min(1).max(MOST_TIMELINE_FRAMES),
	}),
	/** How many detections each frame shows when the page shows classes from `leastScore` on; see the preference. */
	'run.shownCounts': z.strictObject({ runId: id, leastScore: z.number().min(0).max(1) }),
	/** The objects that were followed through a run, as far as it is stored. */
	'run.tracks': z.strictObject({ runId: id }),
	/** Identities of the detections at positions `[from, from + count)`; at most 2,000 frames. */
	'run.identities': z.strictObject({ runId: id, from: index, count: z.number().int().min(1).max(2000) }),
	...modelRequestSchemas,
	...trackRequestSchemas,
	/**
	 * How a run agrees with a dense (or any other) run of the same video, per frame, in the classes that both models know.
	 * Average precision counts the classes that the models of all runs `besideIds` know.
	 */
	'run.agreement': z.strictObject({
		runId: id,
		referenceRunId: id,
		truthId: id.nullable(),
		/** The truth's number of the first frame; null = as its format has it. */
		truthFrom: z.number().int().min(0).max(1).nullable(),
		besideIds: z.array(id).max(4),
	}),
	'run.delete': z.strictObject({ runId: id }),
	/** Desktop: asks for a ground-truth file; web host: `truthId` from a browse. */
	'truth.choose': z.strictObject({ videoId: id }),
	'export.start': z.strictObject({
		runIds: z.array(id).min(1).max(4),
		labels: z.array(z.string().max(200)).min(1).max(4),
		format: z.string().max(64),
		settings,
		range: range.nullable(),
		/** Of formats that write events: which ones; absent or null for all. */
		search: eventSearchSchema.nullish(),
	}),
	'export.cancel': z.strictObject({ exportId: id }),
	/** Desktop: shows the file in the system's file manager. */
	'export.reveal': z.strictObject({ exportId: id }),
	...zoneRequestSchemas,
	...truthRequestSchemas,
	...projectRequestSchemas,
	...eventRequestSchemas,
	...batchRequestSchemas,
} as const;

export type { VideoEntry };

export type RequestName = keyof typeof requestSchemas;
export type RequestInput<Name extends RequestName> = z.infer<(typeof requestSchemas)[Name]>;

export type ModeDescription = { id: string; title: string; description: string; settings: SettingsTable };
export type ExportDescription = {
	id: string;
	title: string;
	description: string;
	fileExtension: string;
	settings: SettingsTable;
};

export type AppDescription = {
	version: string;
	host: 'desktop' | 'web';
	ffmpeg: { version: string; source: string } | null;
	models: ModelDescription[];
	modes: ModeDescription[];
	exports: ExportDescription[];
	preferences: Preferences;
	recent: VideoEntry[];
	recentProjects: RecentProject[];
	/** The bundled sample clip. */
	sample: VideoEntry | null;
	/** A video named on the command line. */
	openAtStart: string | null;
	/** A project named there. */
	projectAtStart: ListedProject | null;
};

export type BrowseListing = {
	folderId: string | null;
	name: string;
	parentId: string | null;
	folders: { folderId: string; name: string }[];
	videos: VideoEntry[];
	/** Files and folders that are called like models. */
	models: { fileId: string; name: string }[];
	/** Files that may hold ground truth. */
	truths: { truthId: string; name: string }[];
};

export type OpenedVideo = {
	videoId: string;
	name: string;
	info: Omit<VideoInfo, 'path'>;
	/** Address of the file, with byte ranges. */
	mediaUrl: string;
	/** Address of the playable copy; null until `video.prepareProxy` has made it. */
	proxyUrl: string | null;
	/** When it was recorded; null where nobody knows. */
	clock: RecordingClock | null;
	runs: RunEntry[];
};

export type RunEntry = {
	runId: string;
	createdAt: string;
	modelId: string;
	mode: string;
	settings: SettingValues;
	precision: Precision;
	status: RunStatus;
	/** Whether a process is working on it, or it waits for its turn. */
	active: boolean;
	/** Whether it waits until the runs before it are done: measured times are only valid one at a time. */
	waiting: boolean;
};

export type OpenedRun = {
	entry: RunEntry;
	header: Omit<RunHeader, 'video'>;
	events: SettingEvent[];
	frameCount: number;
	/** Maps of tokens that the run has, as far as it is stored. */
	mapKinds: TokenMapKind[];
};

/** Maps of the tokens of some frames, as far as they are stored. */
export type RunMaps = {
	/** [frames]: 1 where a frame has a map of the kind. */
	known: Uint8Array;
	/** [frames, tokens], 0 to 255, raster order. */
	values: Uint8Array;
};

/** Columns over all frames of a run, in frame order. */
export type RunTimeline = {
	frameIndices: Int32Array;
	timesSeconds: Float64Array;
	/** Index into SELECTION_KINDS. */
	kinds: Uint8Array;
	selectedTokens: Int32Array;
	macs: Float64Array;
	/** NaN = no budget. */
	budgetMacs: Float64Array;
	/** As in `FrameBatch`. */
	waitingTokens: Int32Array;
	longestWaits: Int32Array;
	sufficientTokens: Int32Array;
	agreements: Float32Array;
	audits: Float32Array;
	cameras: Float32Array;
	/** [frames, stages], in the order of STAGES. */
	milliseconds: Float32Array;
	/** Detections shown, per frame. */
	detections: Uint32Array;
};

export type RunAgreement = {
	f1: number;
	lost: number;
	gained: number;
	meanIou: number;
	/** Classes that one of both models knows and the other does not: not counted. */
	leftOut: { own: readonly string[]; reference: readonly string[] };
	perFrame: {
		frameIndices: Int32Array;
		f1: Float32Array;
		lost: Uint16Array;
		gained: Uint16Array;
		meanIou: Float32Array;
	};
	/** Null unless a ground-truth file was given. */
	averagePrecision50: number | null;
	/** Over what it was measured; null without ground truth. */
	truth: TruthCoverage | null;
};

export type FrameTimesAnswer = {
	/** In the file's own clock; `[0, known)` are final. */
	ptsSeconds: Float64Array;
	complete: boolean;
};

type AnswersOfParts = ModelAnswers &
	BatchAnswers &
	TrackAnswers &
	ZoneAnswers &
	ProjectAnswers &
	EventAnswers &
	TruthAnswers;

/** The answer of each request; any request may be refused with ErrorData. */
export type Answers = AnswersOfParts & {
	'app.describe': AppDescription;
	'preferences.change': Preferences;
	'video.choose': VideoEntry[];
	'video.adopt': VideoEntry;
	'video.browse': BrowseListing;
	'video.forget': null;
	'video.open': OpenedVideo;
	'video.frameTimes': FrameTimesAnswer;
	'video.prepareProxy': { proxyUrl: string | null };
	'video.cancelProxy': null;
	'video.stateClock': RecordingClock | null;
	'analysis.start': RunEntry;
	'analysis.change': null;
	'analysis.cancel': null;
	'analysis.resume': RunEntry;
	'run.list': RunEntry[];
	'run.open': OpenedRun;
	'run.frames': FrameBatch;
	'run.maps': RunMaps;
	'run.summary': RunSummary;
	'run.timeline': RunTimeline;
	/** [frames] */
	'run.shownCounts': Uint32Array;
	'run.tracks': RunTracks;
	'run.identities': FrameIdentities;
	'run.agreement': RunAgreement;
	'run.delete': null;
	'truth.choose': { truthId: string; name: string } | null;
	'export.start': { exportId: string; name: string } | null;
	'export.cancel': null;
	'export.reveal': null;
};

/** Events from the host to the page. */
export type HostEvent =
	| BatchEvent
	/** Video and model are open: from now on `run.open` works. `framesStored`: frames of earlier sittings. */
	| { type: 'analysis.opened'; runId: string; header: Omit<RunHeader, 'video'>; framesStored: number }
	| { type: 'analysis.progress'; runId: string; progress: AnalysisProgress }
	| { type: 'analysis.frames'; runId: string; batch: FrameBatch }
	/** Where the run is computed, before it opens or when it lost its device: then it opens again. */
	| { type: 'analysis.remark'; runId: string; remark: ExecutionRemark }
	| { type: 'analysis.settings'; runId: string; event: SettingEvent }
	| { type: 'analysis.refused'; runId: string; error: ErrorData }
	| { type: 'analysis.ended'; runId: string; entry: RunEntry; error: ErrorData | null }
	| { type: 'frameTimes'; videoId: string; known: number; complete: boolean }
	| {
			type: 'proxy';
			videoId: string;
			done: number;
			total: number;
			proxyUrl: string | null;
			error: ErrorData | null;
	  }
	| {
			type: 'export.progress';
			exportId: string;
			done: number;
			total: number;
	  }
	| {
			type: 'export.ended';
			exportId: string;
			downloadUrl: string | null;
			/** What goes with the file; null for most formats. */
			companion: { name: string; downloadUrl: string | null } | null;
			error: ErrorData | null;
	  }
	| { type: 'model.progress'; modelId: string; progress: DownloadProgress }
	/** A download ended; `error` is null if the model is installed. */
	| { type: 'model.ended'; modelId: string; error: ErrorData | null }
	/** Models were added or removed: these can be run. */
	| { type: 'models'; models: ModelDescription[] }
	/** A menu command of the desktop shell, by its id. */
	| { type: 'command'; command: string }
	/** A video that another start of the application, or the system, asks to open. */
	| { type: 'open'; video: VideoEntry }
	| { type: 'open-project'; project: ListedProject };

/** A host's reply: the answer to the request, or why there is none. */
export type Reply = { answer: unknown } | { error: ErrorData };

/** The host, as the page sees it. */
export interface HostApi {
	request<Name extends RequestName>(name: Name, input: RequestInput<Name>): Promise<Answers[Name]>;
	/** Returns a function that unsubscribes. */
	listen(listener: (event: HostEvent) => void): () => void;
	/** Desktop: a token for a dropped file, whose path the page never sees; null with the web host. */
	dropToken(file: unknown): string | null;
}
