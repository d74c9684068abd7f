import { join } from 'node:path';
import { firstIndex } from '../domain/first-index.ts';
import { cameraAt, type CameraPath } from '../domain/camera-path.ts';
import { noMilliseconds, STAGES } from '../domain/cost.ts';
import { Detections } from '../domain/detections.ts';
import { reachesLeast, type LeastScores } from '../domain/least-scores.ts';
import type { Drift } from '../domain/drift.ts';
import { assert } from '../domain/errors.ts';
import { executionWords } from '../domain/execution-words.ts';
import type { FrameResult } from '../domain/frame-result.ts';
import type { RunHeader, RunStatus, SettingEvent } from '../domain/run.ts';
import type { Shortfall } from '../domain/shortfall.ts';
import {
	SELECTION_KINDS,
	TOKEN_MAP_KINDS,
	type TokenBitmap,
	type TokenMap,
	type TokenMapKind,
} from '../domain/tokens.ts';
import type { Batch } from './batch.ts';
import { BatchReader } from './batch-reader.ts';
import { streamRecord, type StreamName } from './columns.ts';
import { keepColumns, readColumns, stampOf, type DerivedColumns } from './columns-file.ts';
import { readJournal, readJournalText, type CommitJournal } from './commit-journal.ts';
import { LEAST_FRAMES } from './derived-file.ts';
import { findShortfall, summarizeDrift } from './drift-summary.ts';
import { readFrameColumns, type FrameColumns } from './frame-columns.ts';
import { readEvents, readHeader, readStatus } from './header.ts';
import { inTurns } from './in-turns.ts';
import { streamFile, unreadable } from './run-folder.ts';
import { summarize, type RunSummary } from './summary.ts';

/**
 * Opens a run, finished or not: one that is being written or was interrupted shows the batches stored so far. Throws
 * `run-unreadable` if there is no run, or a part of it that was on disk is damaged. `videoPath`: where its video lies now, if that is
 * not where it was analysed.
 */
export async function openRun(folder: string, videoPath?: string): Promise<StoredRun> {
	const stored = await readHeader(folder);
	const header =
		videoPath === undefined ? stored : { ...stored, video: { ...stored.video, path: videoPath } };
	const { events } = await readEvents(folder);
	const noted = await readStatus(folder);
	const text = await readJournalText(folder);
	const stamp = text && stampOf(text);
	const kept = stamp === null ? null : await readColumns(folder, stamp, header.displayThresholds);
	const journal = kept?.journal ?? (await readJournal(folder, text));
	const { frames: framesStored, lastFrameIndex, wallSeconds } = journal.last;
	// More frames were noted than are left, so some are damaged: the run can be resumed but is not complete.
	const status: RunStatus =
		noted && noted.state !== 'running' && noted.framesStored <= framesStored
			? { ...noted, framesStored, lastFrameIndex }
			: {
					state: 'running',
					framesStored,
					lastFrameIndex,
					wallSeconds,
					decode: null,
					error: null,
					executionChanges: noted?.executionChanges ?? [],
				};
	const isWhole = journal.last.durable && journal.journalBytes.at(-1) === text?.length;
	const hasEnded = isWhole && status.state !== 'running';
	return new StoredRun(folder, header, status, events, {
		journal,
		frames: kept?.frames ?? (await readFrameColumns(folder, journal)),
		shown: kept?.shown ?? null,
		stamp: hasEnded ? stamp : null,
	});
}

type Stored = Pick<DerivedColumns, 'journal' | 'frames'> & {
	shown: Uint32Array | null;
	stamp: string | null;
};

/**
 * A run as it is stored. Positions count the run's frames from 0; frame indices count the video's. Columns of
 * frames are in memory; boxes and bitmaps are read when asked for, a batch at a time.
 */
export class StoredRun {
	readonly folder: string;
	readonly header: RunHeader;
	readonly status: RunStatus;
	readonly events: readonly SettingEvent[];
	readonly frameCount: number;
	readonly frames: FrameColumns;
	/** Of a run that has ended: tells what is stored from what was stored at any other time, for what is derived from it. */
	readonly stamp: string | null;
	readonly #journal: CommitJournal;
	/** Detections of each frame that are shown, where that was kept. */
	readonly #shown: Uint32Array | null;
	/** Row of each frame's first detection, counted over the whole run. */
	readonly #detectionStarts: Uint32Array;
	/** The boxes of the batch that was looked at last. */
	#viewed: { batch: Batch; boxesXyxy: Float32Array } | null = null;
	#summary: RunSummary | null = null;
	/** Undefined until it is asked for. */
	#shortfall: Shortfall | null | undefined;
	readonly #readers: Record<StreamName, BatchReader>;

	/** Use `openRun`. */
	constructor(
		folder: string,
		header: RunHeader,
		status: RunStatus,
		events: readonly SettingEvent[],
		{ journal, frames, shown, stamp }: Stored,
	) {
		this.folder = folder;
		this.header = header;
		this.status = status;
		this.events = events;
		this.frameCount = frames.frameIndex.length;
		this.frames = frames;
		this.stamp = stamp;
		this.#journal = journal;
		this.#shown = shown;
		this.#readers = streamRecord(
			(stream) => new BatchReader(folder, stream, journal, (i) => this.#damaged(stream, this.#startOf(i))),
		);
		this.#detectionStarts = new Uint32Array(this.frameCount + 1);
		for (let i = 0; i < this.frameCount; i++) {
			this.#detectionStarts[i + 1] = this.#detectionStarts[i]! + frames.detectionCount[i]!;
		}
	}

	/** Everything about one frame. Times of the stages were rounded to 32 bits. */
	result(position: number): FrameResult {
		this.#check(position);
		const { frameIndex, timeSeconds, kind, selectedTokens, macs, budgetMacs } = this.frames;
		const milliseconds = noMilliseconds();
		for (const stage of STAGES) milliseconds[stage] = this.frames.milliseconds[stage][position]!;
		const budget = budgetMacs[position]!;
		const maps = this.maps(position);
		const drift = this.drift(position);
		const camera = this.camera(position);
		return {
			frameIndex: frameIndex[position]!,
			timeSeconds: timeSeconds[position]!,
			detections: this.detections(position),
			kind: SELECTION_KINDS[kind[position]!]!,
			selectedTokens: selectedTokens[position]!,
			selection: this.bitmap(position),
			cost: { macs: macs[position]!, milliseconds },
			budgetMacs: Number.isNaN(budget) ? null : budget,
			...(maps.length > 0 && { maps }),
			...(drift && { drift }),
			...(camera && { camera }),
		};
	}

	/** How far from dense a frame's answer may be; null if the mode didn't estimate it. */
	drift(position: number): Drift | null {
		this.#check(position);
		const { drift } = this.frames;
		if (!drift || Number.isNaN(drift.agreement[position]!)) return null;
		const [matched, lost, gained] = [drift.audit.matched, drift.audit.lost, drift.audit.gained].map(
			(column) => column[position]!,
		) as [number, number, number];
		return {
			waitingTokens: drift.waitingTokens[position]!,
			longestWait: drift.longestWait[position]!,
			sufficientTokens: drift.sufficientTokens[position]!,
			agreement: drift.agreement[position]!,
			lower: drift.lower[position]!,
			upper: drift.upper[position]!,
			audit: matched < 0 ? null : { matched, lost, gained },
		};
	}

	/** Where the camera looks in a frame; null where it was fixed. */
	camera(position: number): CameraPath | null {
		this.#check(position);
		return cameraAt(this.frames.camera, position);
	}

	/** Kinds of maps that the run has, as its first batch with maps shows. */
	mapKinds(): TokenMapKind[] {
		for (let i = 0; i < this.#journal.count; i++) {
			const batch = this.#readers.maps.batch(i);
			if (!batch) continue;
			const kinds = new Set(batch.values<Uint8Array>('kind'));
			return TOKEN_MAP_KINDS.filter((_, kind) => kinds.has(kind));
		}
		return [];
	}

	/** All maps of a frame's tokens; empty if the mode or the model gives none. */
	maps(position: number): TokenMap[] {
		this.#check(position);
		const { batch } = this.#batchOf('maps', position);
		if (!batch) return [];
		const frameIndex = this.frames.frameIndex[position]!;
		const frames = batch.values<Int32Array>('frame_index');
		const kinds = batch.values<Uint8Array>('kind');
		const maps: TokenMap[] = [];
		for (let row = 0; row < frames.length; row++) {
			if (frames[row] !== frameIndex) continue;
			const kind = TOKEN_MAP_KINDS[kinds[row]!]!;
			maps.push({ kind, values: batch.bytes('values', row).slice() });
		}
		return maps;
	}

	/** All stored detections of a frame, down to `header.scoreThreshold`. */
	detections(position: number): Detections {
		const { classIndices, scores, boxesXyxy, count } = this.viewDetections(position);
		if (count === 0) return Detections.none;
		const marks = this.#staleMarks(position, count);
		return new Detections(classIndices.slice(), scores.slice(), boxesXyxy.slice(), marks);
	}

	/** As `detections`, without marks, as views: for who looks at one frame after the other and keeps nothing. */
	viewDetections(position: number): Detections {
		this.#check(position);
		if (this.frames.detectionCount[position] === 0) return Detections.none;
		const { batch, start, end } = this.#detectionRows(position);
		return new Detections(
			batch.values<Uint16Array>('class_index').subarray(start, end),
			batch.values<Float32Array>('score').subarray(start, end),
			this.#boxesOf(batch).subarray(4 * start, 4 * end),
		);
	}

	/** How many detections of the frames at positions `[from, to)` reach `least`; one step per frame where that is not known. */
	*countsReaching(least: LeastScores, from = 0, to = this.frameCount): Generator<void, Uint32Array> {
		const { displayThresholds } = this.header;
		if (this.#shown && least.every((score, i) => score === displayThresholds[i])) {
			return this.#shown.slice(from, to);
		}
		const counts = new Uint32Array(to - from);
		for (let position = from; position < to; position++) {
			counts[position - from] = this.#countReaching(least, position);
			yield;
		}
		return counts;
	}

	/**
	 * Keeps what opening the run begins with in a file that is read in one go, unless the run is short, has not ended, or has that file.
	 * Nothing needs it: where it can't be written, there is none.
	 */
	async keepColumns(leastFrames = LEAST_FRAMES): Promise<void> {
		const { stamp, frames, header } = this;
		if (stamp === null || this.frameCount < leastFrames || this.#shown) return;
		const { displayThresholds } = header;
		try {
			const shown = await inTurns(this.countsReaching(displayThresholds));
			await keepColumns(this.folder, stamp, displayThresholds, { journal: this.#journal, frames, shown });
		} catch {
			// Detections that can't be read are told of when they are asked for.
		}
	}

	/** How many detections of a frame reach `least`; they are not copied for that. */
	#countReaching(least: LeastScores, position: number): number {
		if (this.frames.detectionCount[position] === 0) return 0;
		const { batch, start, end } = this.#detectionRows(position);
		const classIndices = batch.values<Uint16Array>('class_index');
		const scores = batch.values<Float32Array>('score');
		let count = 0;
		for (let i = start; i < end; i++) if (reachesLeast(least, classIndices[i]!, scores[i]!)) count++;
		return count;
	}

	/** Where the detections of a frame with some lie. */
	#detectionRows(position: number): { batch: Batch; start: number; end: number } {
		const { batch, firstPosition } = this.#batchOf('detections', position);
		const start = this.#detectionStarts[position]! - this.#detectionStarts[firstPosition]!;
		const end = start + this.frames.detectionCount[position]!;
		if (!batch || end > batch.rowCount) throw this.#damaged('detections', firstPosition);
		return { batch, start, end };
	}

	/** [rows, 4] Left, top, right, bottom. */
	#boxesOf(batch: Batch): Float32Array {
		if (this.#viewed?.batch === batch) return this.#viewed.boxesXyxy;
		const boxesXyxy = new Float32Array(4 * batch.rowCount);
		for (const [side, name] of ['left', 'top', 'right', 'bottom'].entries()) {
			const values = batch.values<Float32Array>(name);
			for (let i = 0; i < values.length; i++) boxesXyxy[4 * i + side] = values[i]!;
		}
		this.#viewed = { batch, boxesXyxy };
		return boxesXyxy;
	}

	/** Marks of the frame's `count` detections; null if none is set. */
	#staleMarks(position: number, count: number): Uint8Array | null {
		if (!this.frames.drift?.stale[position]) return null;
		const { batch } = this.#batchOf('drift', position);
		if (!batch) return null;
		const row = batch.values<Int32Array>('frame_index').indexOf(this.frames.frameIndex[position]!);
		const bits = batch.bytes('stale', row);
		return Uint8Array.from({ length: count }, (_, i) => (bits[i >> 3]! >> (i & 7)) & 1);
	}

	/** Which tokens of a frame were recomputed. */
	bitmap(position: number): TokenBitmap {
		this.#check(position);
		const { batch, firstPosition } = this.#batchOf('tokens', position);
		const row = position - firstPosition;
		if (!batch || row >= batch.rowCount) throw this.#damaged('tokens', firstPosition);
		return batch.bytes('recomputed', row).slice();
	}

	/** The position of a frame of the video in this run; -1 if it was not analysed. */
	positionOfFrame(frameIndex: number): number {
		const indices = this.frames.frameIndex;
		const position = firstIndex(indices.length, (i) => indices[i]! >= frameIndex);
		return indices[position] === frameIndex ? position : -1;
	}

	/** All frames in order, one at a time. */
	*results(): Generator<FrameResult, void> {
		for (let position = 0; position < this.frameCount; position++) yield this.result(position);
	}

	summary(): RunSummary {
		const { header, status, events, frames } = this;
		this.#summary ??= summarize(
			header,
			status,
			frames,
			summarizeDrift(header, events, frames, this.#countStale()),
		);
		return this.#summary;
	}

	/** What it was computed by, in English: such as "WebGPU; the processor from frame 120 on". */
	get executionWords(): string {
		return executionWords(this.header, this.status.executionChanges, 'en');
	}

	/** Where the run's budget was too small; null where it was not, or nothing was estimated. */
	get shortfall(): Shortfall | null {
		if (this.#shortfall === undefined) this.#shortfall = findShortfall(this.header, this.events, this.frames);
		return this.#shortfall;
	}

	/** Stale boxes that are shown, in all frames. */
	#countStale(): number {
		let count = 0;
		this.frames.drift?.stale.forEach((any, position) => {
			if (!any) return;
			count += this.detections(position).scoredAtLeast(this.header.displayThresholds).staleCount;
		});
		return count;
	}

	/** The batch that holds a position (null if it has no rows), and the position it starts with. */
	#batchOf(stream: StreamName, position: number): { batch: Batch | null; firstPosition: number } {
		const i = this.#journal.countUpTo(position);
		return { batch: this.#readers[stream].batch(i), firstPosition: this.#startOf(i) };
	}

	/** The position that batch `i` starts with. */
	#startOf(i: number): number {
		return i > 0 ? this.#journal.frames[i - 1]! : 0;
	}

	#damaged(stream: StreamName, position: number): Error {
		return unreadable(
			join(this.folder, streamFile(stream)),
			`the batch that begins with frame ${this.frames.frameIndex[position]} is damaged`,
		);
	}

	#check(position: number): void {
		assert(
			Number.isInteger(position) && position >= 0 && position < this.frameCount,
			`position must be from 0 to ${this.frameCount - 1} (got ${position})`,
		);
	}
}
