import { untrack } from 'svelte';
import type { AnalysisProgress } from '../../main/analysis/protocol.ts';
import type { FrameBatch } from '../../main/analysis/frame-batch.ts';
import type { CameraTrack } from '../../main/domain/camera-inset.ts';
import { followedAround } from '../../main/domain/camera-path.ts';
import type { ErrorData } from '../../main/domain/errors.ts';
import { type Execution, executionOf } from '../../main/domain/execution.ts';
import type { Letterbox } from '../../main/domain/frame.ts';
import { loweredTo, type LeastScores } from '../../main/domain/least-scores.ts';
import type { SettingEvent } from '../../main/domain/run.ts';
import type { SettingValues } from '../../main/domain/settings-table.ts';
import {
	agreementAskedFor,
	settingsAt,
	ShortfallWatch,
	type Shortfall,
} from '../../main/domain/shortfall.ts';
import { TOKEN_MAP_KINDS, tokenCount, type TokenGrid, type TokenMapKind } from '../../main/domain/tokens.ts';
import type { TrackNames } from '../../main/domain/track-labels.ts';
import { MOST_TIMELINE_FRAMES, type HostApi, type OpenedRun, type RunEntry } from '../../preload/contract.ts';
import { toErrorData } from '../api.ts';
import { Changes } from '../changes.svelte.ts';
import type { FrameTruth, FrameView, RunFrames } from '../player/frame-view.ts';
import { FrameCache } from './frame-cache.ts';
import { Identities } from './identities.svelte.ts';
import { TimelineColumns } from './timeline-columns.ts';
import { CHECKPOINT_FRAMES, TokenHistory } from './token-history.ts';
import type { TruthView } from './truth-view.svelte.ts';
import { TokenMaps } from './token-maps.ts';

/** Frames per request around the play head. */
const BLOCK_FRAMES = CHECKPOINT_FRAMES;
/** Frames per request for counting tokens; the contract's limit. */
const SWEEP_FRAMES = 2000;
const CACHED_FRAMES = 6000;
/** A run is stored every few seconds. */
const GAP_ATTEMPTS = 20;
const GAP_PAUSE_MS = 500;

/** Frames of a run in progress after which what happens in it is counted anew. */
const FRAMES_PER_COUNT = 100;

/** One run in the page: what is stored and, during the run, what comes in. */
export class RunData implements RunFrames {
	readonly runId: string;
	readonly classes: readonly string[];
	/** What each class needs, unless `showFrom` asks for less. */
	readonly #needed: LeastScores;
	#leastScore = $state(1);
	readonly displayThresholds: LeastScores = $derived.by(() => loweredTo(this.#leastScore, this.#needed));
	/** The score that the counts of the timeline were made with. */
	#countedFrom = 1;
	#counting = false;
	readonly letterbox: Letterbox;
	readonly grid: TokenGrid;
	readonly denseMacs: number;
	readonly range: OpenedRun['header']['range'];
	/** What its first frame was computed by. */
	readonly execution: Execution;
	/** What a frame said of how the model is read, where that is only likely. */
	readonly doubt: string | null;
	readonly identities: Identities;
	readonly #maps: TokenMaps;
	mapKinds: readonly TokenMapKind[] = $state.raw([]);
	entry: RunEntry = $state.raw() as RunEntry;
	progress: AnalysisProgress | null = $state.raw(null);
	/** Why columns of a long run are not there. */
	error: ErrorData | null = $state.raw(null);
	/** What is right in it, where ground truth was chosen. */
	truth: TruthView | null = $state.raw(null);
	/** Live changes of settings, in frame order. */
	events: readonly SettingEvent[] = $state.raw([]);
	/** Changes when what is counted in the run may have: more of it is stored, or its tracks were edited. */
	readonly countVersion: string = $derived.by(() => {
		const stored = Math.max(this.#stored, this.timeline.length);
		return `${this.entry.active ? Math.floor(stored / FRAMES_PER_COUNT) : stored} ${this.identities.edits}`;
	});
	readonly #host: HostApi;
	readonly #timeline = new TimelineColumns();
	/** Changes of the timeline, the cached frames and the counts of tokens. */
	readonly #changes = new Changes();
	readonly #cache = new FrameCache(CACHED_FRAMES);
	readonly #history: TokenHistory;
	/** Frames that were stored when it was opened. */
	readonly #stored: number;
	readonly #askedBlocks = new Set<number>();
	#sweeping = false;
	readonly #settings: SettingValues;
	readonly #watch: ShortfallWatch;
	/** Frames that the watch has seen. */
	#watched = 0;
	#late: FrameBatch[] = [];
	#shares: { position: number; shares: Float32Array } | null = null;

	private constructor(host: HostApi, opened: OpenedRun) {
		const { entry, header, events } = opened;
		this.#host = host;
		this.runId = entry.runId;
		this.identities = new Identities(host, entry.runId);
		this.#maps = new TokenMaps(host, entry.runId);
		this.mapKinds = opened.mapKinds;
		this.classes = header.model.classes;
		this.#needed = header.displayThresholds;
		this.letterbox = header.letterbox;
		this.grid = header.grid;
		this.denseMacs = header.denseMacs;
		this.range = header.range;
		this.execution = executionOf(header);
		this.doubt = header.model.doubt ?? null;
		this.entry = entry;
		this.events = events;
		this.#history = new TokenHistory(tokenCount(header.grid));
		this.#stored = opened.frameCount;
		this.#settings = header.settings;
		this.#watch = new ShortfallWatch(tokenCount(header.grid));
	}

	/** Reads the header, and the columns of the stored frames; those of a long run come once `calm` has settled. */
	static async open(host: HostApi, runId: string, calm: Promise<void> = Promise.resolve()): Promise<RunData> {
		const opened = await host.request('run.open', { runId });
		const run = new RunData(host, opened);
		const isLong = opened.frameCount > MOST_TIMELINE_FRAMES;
		if (isLong) void calm.then(() => run.catchUp()).catch((reason) => (run.error = toErrorData(reason)));
		else if (opened.frameCount > 0) await run.catchUp();
		return run;
	}

	/** Adds the stored frames that never arrived as events: of earlier sittings, or lost with a connection. */
	async catchUp(): Promise<void> {
		while (await this.#readOn());
	}

	/** Adds the next stored frames; returns whether there may be more. */
	async #readOn(): Promise<boolean> {
		const from = this.#timeline.length;
		const count = MOST_TIMELINE_FRAMES;
		const timeline = await this.#host.request('run.timeline', { runId: this.runId, from, count });
		if (this.#timeline.appendTimeline(timeline) > 0) {
			this.#countedFrom = 1;
			this.#changes.announce();
		}
		const isFutile = this.#timeline.length === from; // as where live frames came without some before them
		const isAll = timeline.frameIndices.length < count || isFutile;
		if (isAll) await this.#recount();
		return !isAll;
	}

	/** Shows and counts every class from `score` on, where that is lower than what the class needs; 1: as it needs. */
	showFrom(score: number): void {
		this.#leastScore = score;
		void untrack(() => this.#recount());
	}

	/** Brings the counts of the timeline to the score that is shown from. */
	async #recount(): Promise<void> {
		if (this.#counting) return;
		this.#counting = true;
		try {
			while (this.#countedFrom !== this.#leastScore) {
				const leastScore = this.#leastScore;
				const stored = await this.#host.request('run.shownCounts', { runId: this.runId, leastScore });
				this.#timeline.recount(this.#withLiveCounts(stored));
				this.#countedFrom = leastScore;
				this.#changes.announce();
			}
		} catch {
			// The counts stay as they are; the next change asks again.
		} finally {
			this.#counting = false;
		}
	}

	/** `stored`, and behind them the counts of frames that the host has not stored yet. */
	#withLiveCounts(stored: Uint32Array): Uint32Array {
		const { detections, length } = this.#timeline;
		const counts = detections.slice(0, length);
		counts.set(stored.subarray(0, length));
		for (let p = stored.length; p < length; p++) {
			const live = this.#cache.get(p)?.detections;
			if (live) counts[p] = live.scoredAtLeast(this.displayThresholds).count;
		}
		return counts;
	}

	/**
	 * Takes a live batch. If frames before it are missing (sent before this page listened), it waits until the host has
	 * stored those.
	 */
	take(batch: FrameBatch): void {
		if (this.#late.length > 0 || this.#isGap(batch)) {
			this.#late.push(batch);
			if (this.#late.length === 1) void this.#fillGap();
			return;
		}
		this.#append(batch);
	}

	#isGap(batch: FrameBatch): boolean {
		const first = batch.frameIndices[0] ?? 0;
		const { from, every } = this.range;
		if (this.#timeline.length > 0) return first > this.#timeline.lastFrameIndex + every;
		return this.#stored > 0 || ('frame' in from && first > from.frame);
	}

	async #fillGap(): Promise<void> {
		for (let attempt = 0; attempt < GAP_ATTEMPTS && this.#isGap(this.#late[0]!); attempt++) {
			await this.catchUp().catch(() => undefined);
			if (this.#isGap(this.#late[0]!)) await new Promise((done) => setTimeout(done, GAP_PAUSE_MS));
		}
		const late = this.#late;
		this.#late = [];
		for (const batch of late) this.#append(batch);
	}

	#append(batch: FrameBatch): void {
		const before = this.#timeline.length;
		const added = this.#timeline.appendBatch(batch, this.displayThresholds);
		if (added === 0) return;
		this.#noteMaps(batch);
		const row = batch.frameIndices.length - added;
		this.#cache.put(before, batch, row);
		if (this.#history.known === before) {
			for (let p = before; p < this.#timeline.length; p++) this.#history.add(this.#cache.get(p)!.bitmap);
		}
		this.#changes.announce();
	}

	/** The columns of all known frames. Reactive. */
	get timeline(): TimelineColumns {
		this.#changes.track();
		return this.#timeline;
	}

	/** Whether the mode has a setting for the camera. */
	get knowsCamera(): boolean {
		return 'camera' in this.#settings;
	}

	/** The agreement with dense that the settings in force ask for, 0 to 1. Reactive. */
	get agreementAsked(): number {
		return agreementAskedFor(settingsAt(this.#settings, this.events, this.timeline.lastFrameIndex));
	}

	/** Where the budget was too small for the scene, as far as the run is known; null where it was not. Reactive. */
	get shortfall(): Shortfall | null {
		const { timeline, events } = this;
		for (; this.#watched < timeline.length; this.#watched++) {
			const at = this.#watched;
			const frameIndex = timeline.frameIndices[at]!;
			this.#watch.add(
				{
					frameIndex,
					timeSeconds: timeline.timesSeconds[at]!,
					selectedTokens: timeline.selectedTokens[at]!,
					sufficientTokens: timeline.sufficientTokens[at]!,
					agreement: timeline.estimates[at]!,
					upper: timeline.uppers[at]!,
				},
				settingsAt(this.#settings, events, frameIndex),
			);
		}
		return this.#watch.shortfall;
	}

	/** The position of a frame in the run; with `hold`, else of the last one before it; -1 for none, or none that is loaded yet. */
	positionOf(frameIndex: number, hold: boolean): number {
		const { timeline } = this;
		if (this.#isAhead(frameIndex)) return -1;
		const position = timeline.floorPosition(frameIndex);
		if (hold || position < 0) return position;
		return timeline.frameIndices[position] === frameIndex ? position : -1;
	}

	frame(frameIndex: number, hold: boolean): FrameView | null {
		const isAhead = this.#isAhead(frameIndex);
		const position = isAhead ? this.#expectedAt(frameIndex, hold) : this.positionOf(frameIndex, hold);
		if (position < 0) return null;
		const view = this.#cache.get(position);
		if (!view) void this.#ask(position);
		if (!isAhead || !view) return view;
		const missed = frameIndex - view.frameIndex;
		return missed === 0 || (hold && missed > 0 && missed < this.range.every) ? view : null;
	}

	/** Whether a frame is behind those that are loaded, while more are stored. */
	#isAhead(frameIndex: number): boolean {
		const { timeline } = this;
		return timeline.length < this.#stored && frameIndex > timeline.lastFrameIndex;
	}

	/**
	 * Where a frame that the timeline does not reach yet stands if no frame is missing before it; with `hold`, else the last one before
	 * it; -1 for none, and behind the last one.
	 */
	#expectedAt(frameIndex: number, hold: boolean): number {
		const { timeline, range } = this;
		const asked = 'frame' in range.from ? range.from.frame : null;
		const first = timeline.length > 0 ? timeline.frameIndices[0]! : asked;
		if (first === null || frameIndex < first) return -1;
		const position = (frameIndex - first) / range.every;
		if (!hold && !Number.isInteger(position)) return -1;
		return position < this.#stored ? Math.floor(position) : -1;
	}

	/** The position of exactly this frame, as soon as it is sure; -1 for none. */
	#sureAt(frameIndex: number): number {
		if (!this.#isAhead(frameIndex)) return this.positionOf(frameIndex, false);
		const position = this.#expectedAt(frameIndex, false);
		return this.#cache.get(position)?.frameIndex === frameIndex ? position : -1;
	}

	get trackNames(): TrackNames {
		return this.identities.names;
	}

	identitiesOf(frameIndex: number): Int32Array | null {
		const position = this.#sureAt(frameIndex);
		return position < 0 ? null : this.identities.of(position);
	}

	truthOf(frameIndex: number): FrameTruth | null {
		const position = this.positionOf(frameIndex, false);
		return position < 0 ? null : (this.truth?.of(position) ?? null);
	}

	cameraTrack(frameIndex: number): { track: CameraTrack; position: number } | null {
		const track = this.timeline.cameraTrack;
		return track && { track, position: this.positionOf(frameIndex, true) };
	}

	/** The time from which on the camera is followed that is in `frameIndex`, in seconds; null where it is fixed. Reactive. */
	followedSince(frameIndex: number): number | null {
		const { timeline } = this;
		const span = followedAround(timeline.camera, this.positionOf(frameIndex, true), timeline.length);
		return span && timeline.timesSeconds[span.from]!;
	}

	mapOf(frameIndex: number, kind: TokenMapKind): Uint8Array | null {
		const position = this.#sureAt(frameIndex);
		return position < 0 ? null : this.#maps.of(position, kind);
	}

	#noteMaps({ mapKinds }: FrameBatch): void {
		const seen = mapKinds.reduce((all, kinds) => all | kinds, 0);
		const isNew = (kind: TokenMapKind, i: number) => (seen & (1 << i)) !== 0 && !this.mapKinds.includes(kind);
		if (!TOKEN_MAP_KINDS.some(isNew)) return;
		this.mapKinds = TOKEN_MAP_KINDS.filter((kind, i) => isNew(kind, i) || this.mapKinds.includes(kind));
	}

	history(frameIndex: number): Float32Array | null {
		const position = this.positionOf(frameIndex, true);
		if (position < 0) return null;
		if (this.#shares?.position === position) return this.#shares.shares;
		if (this.#history.known <= position) {
			void this.#sweep();
			return null;
		}
		const shares = this.#history.sharesAt(position, (p) => this.#cache.get(p)?.bitmap ?? null);
		if (shares) this.#shares = { position, shares };
		else void this.#ask(position);
		return shares;
	}

	/** Loads the block of frames around `position`. */
	async #ask(position: number): Promise<void> {
		const from = Math.floor(position / BLOCK_FRAMES) * BLOCK_FRAMES;
		if (this.#askedBlocks.has(from)) return;
		this.#askedBlocks.add(from);
		try {
			const batch = await this.#host.request('run.frames', {
				runId: this.runId,
				from,
				count: BLOCK_FRAMES,
			});
			this.#cache.put(from, batch);
			if (batch.frameIndices.length > position - from) this.#changes.announce();
		} catch {
			// The frame stays without boxes; the next look at it requests it again.
		} finally {
			this.#askedBlocks.delete(from);
		}
	}

	/** Counts the tokens of the frames that were not counted yet. */
	async #sweep(): Promise<void> {
		const history = this.#history;
		if (this.#sweeping) return;
		this.#sweeping = true;
		try {
			while (history.known < this.#timeline.length) {
				const from = history.known;
				const count = Math.min(SWEEP_FRAMES, this.#timeline.length - from);
				const batch = await this.#host.request('run.frames', { runId: this.runId, from, count });
				const rows = batch.frameIndices.length;
				if (rows === 0) break;
				const bytes = batch.bitmaps.length / rows;
				// Live frames may have been counted in the meantime.
				for (let row = history.known - from; row < rows; row++) {
					history.add(batch.bitmaps.subarray(row * bytes, (row + 1) * bytes));
				}
				this.#changes.announce();
			}
		} catch {
			// The heat map stays empty; the next look requests it again.
		} finally {
			this.#sweeping = false;
		}
	}
}
