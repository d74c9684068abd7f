import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { CameraTrack } from '../domain/camera-inset.ts';
import { eachCameraField, type CameraColumns } from '../domain/camera-path.ts';
import { STAGES, type Stage } from '../domain/cost.ts';
import { SELECTION_KINDS } from '../domain/tokens.ts';
import type { KnownFrame } from '../domain/video.ts';
import { decodeBatches, type Batch } from './batch.ts';
import type { OptionalStream, StreamName } from './columns.ts';
import type { CommitJournal } from './commit-journal.ts';
import { onDisk, streamFile, unreadable } from './run-folder.ts';

/** Everything about a run's frames except boxes and bitmaps: columns of equal length, by position in the run. */
export type FrameColumns = {
	/** Ascending; with gaps if only every n-th frame was analysed. */
	frameIndex: Int32Array;
	timeSeconds: Float64Array;
	/** Indices into `SELECTION_KINDS`. */
	kind: Uint8Array;
	selectedTokens: Int32Array;
	detectionCount: Int32Array;
	/** Multiply-adds. */
	macs: Float64Array;
	/** Multiply-adds; NaN = no budget. */
	budgetMacs: Float64Array;
	milliseconds: Record<Stage, Float32Array>;
	/** How far from dense the answers may be; null if the mode doesn't estimate it. */
	drift: DriftColumns | null;
	/** Where the camera looks; null if it was fixed in all frames. */
	camera: CameraColumns | null;
};

/** `Drift` by position in the run; where a frame has none, agreements are NaN. */
export type DriftColumns = {
	waitingTokens: Int32Array;
	longestWait: Int32Array;
	sufficientTokens: Int32Array;
	agreement: Float32Array;
	lower: Float32Array;
	upper: Float32Array;
	/** -1 where a frame was not audited. */
	audit: { matched: Int32Array; lost: Int32Array; gained: Int32Array };
	/** 1 where a frame has stale boxes, shown or not. */
	stale: Uint8Array;
};

/**
 * The first and the last frame of a run among those up to index `upTo`; a reader checks the numbering of the video's
 * frames against them.
 */
export function knownFrames({ frameIndex, timeSeconds }: FrameColumns, upTo: number): KnownFrame[] {
	const last = frameIndex.findLastIndex((index) => index <= upTo);
	const places = last < 0 ? [] : [...new Set([0, last])];
	return places.map((i) => ({ frame: frameIndex[i]!, seconds: timeSeconds[i]! }));
}

/** The path of the camera; null where it was fixed in all frames. */
export function cameraTrackOf({ camera, kind, drift }: FrameColumns): CameraTrack | null {
	const flush = SELECTION_KINDS.indexOf('flush');
	const anchors = kind.map((value, i) =>
		value === flush && !((drift?.audit.matched[i] ?? -1) >= 0) ? 1 : 0,
	);
	return camera && { columns: camera, anchors, length: kind.length };
}

/** All committed frames. Reads the stream chunk by chunk; throws `run-unreadable` on damage. */
export async function readFrameColumns(folder: string, journal: CommitJournal): Promise<FrameColumns> {
	const columns = emptyColumns(journal.last.frames);
	let row = 0;
	for await (const batch of batchesOf(folder, journal, 'frames')) {
		copyRows(batch, columns, row);
		row += batch.rowCount;
	}
	if (row !== journal.last.frames) {
		const path = join(folder, streamFile('frames'));
		throw unreadable(path, `${journal.last.frames} frames were expected (got ${row})`);
	}
	if (journal.count > 0 && journal.last.bytes.drift > 0)
		columns.drift = await readDrift(folder, journal, columns);
	if (journal.count > 0 && journal.last.bytes.camera > 0)
		columns.camera = await readCamera(folder, journal, columns);
	return columns;
}

/** All committed batches of a stream. */
async function* batchesOf(
	folder: string,
	journal: CommitJournal,
	stream: StreamName,
): AsyncGenerator<Batch, void> {
	if (journal.count === 0) return;
	const path = join(folder, streamFile(stream));
	const handle = await onDisk(path, () => open(path));
	try {
		for (let first = 0; first < journal.count;) {
			const end = journal.spanEnd(stream, first);
			const { from, to } = journal.span(stream, first, end - 1);
			const chunk = new Uint8Array(to - from);
			await handle.read(chunk, 0, chunk.length, from);
			for (let i = first; i < end; i++) {
				const span = journal.span(stream, i, i);
				if (!journal.vouchesFor(stream, i, chunk.subarray(span.from - from, span.to - from))) {
					throw unreadable(path, `the batch at byte ${span.from} is damaged`);
				}
			}
			yield* decodeBatches(stream, chunk, path);
			first = end;
		}
	} finally {
		await handle.close();
	}
}

async function readDrift(
	folder: string,
	journal: CommitJournal,
	{ frameIndex }: FrameColumns,
): Promise<DriftColumns> {
	const drift = emptyDrift(frameIndex.length);
	const columns = [
		[drift.waitingTokens, 'waiting_tokens'],
		[drift.longestWait, 'longest_wait'],
		[drift.sufficientTokens, 'sufficient_tokens'],
		[drift.agreement, 'agreement'],
		[drift.lower, 'lower'],
		[drift.upper, 'upper'],
		[drift.audit.matched, 'audit_matched'],
		[drift.audit.lost, 'audit_lost'],
		[drift.audit.gained, 'audit_gained'],
	] as const;
	for await (const { batch, positions } of placedBatches(folder, journal, 'drift', frameIndex)) {
		copyNumbers(batch, positions, columns);
		const offsets = batch.offsets('stale');
		positions.forEach((position, row) => (drift.stale[position] = offsets[row + 1]! > offsets[row]! ? 1 : 0));
	}
	return drift;
}

async function readCamera(
	folder: string,
	journal: CommitJournal,
	{ frameIndex }: FrameColumns,
): Promise<CameraColumns> {
	const camera = emptyCamera(frameIndex.length);
	const columns = [
		[camera.x, 'x'],
		[camera.y, 'y'],
		[camera.scale, 'scale'],
		[camera.rotation, 'rotation'],
		[camera.gridX, 'grid_x'],
		[camera.gridY, 'grid_y'],
	] as const;
	for await (const { batch, positions } of placedBatches(folder, journal, 'camera', frameIndex)) {
		copyNumbers(batch, positions, columns);
	}
	return camera;
}

/** All committed batches of an optional stream, with the position in the run of each row's frame. */
async function* placedBatches(
	folder: string,
	journal: CommitJournal,
	stream: OptionalStream,
	frameIndex: Int32Array,
): AsyncGenerator<{ batch: Batch; positions: Int32Array }, void> {
	let position = 0;
	for await (const batch of batchesOf(folder, journal, stream)) {
		const positions = batch.values<Int32Array>('frame_index').map((frame) => {
			while (position < frameIndex.length && frameIndex[position]! < frame) position++;
			return position;
		});
		yield { batch, positions };
	}
}

/** Copies columns of a batch to where its rows belong. */
function copyNumbers(
	batch: Batch,
	positions: Int32Array,
	columns: readonly (readonly [Int32Array | Float32Array, name: string])[],
): void {
	for (const [column, name] of columns) {
		const values = batch.values<Int32Array | Float32Array>(name);
		for (let row = 0; row < values.length; row++) column[positions[row]!] = values[row]!;
	}
}

function copyRows(batch: Batch, columns: FrameColumns, row: number): void {
	columns.frameIndex.set(batch.values('frame_index'), row);
	columns.timeSeconds.set(batch.values('time_seconds'), row);
	columns.kind.set(batch.values('kind'), row);
	columns.selectedTokens.set(batch.values('selected_tokens'), row);
	columns.detectionCount.set(batch.values('detection_count'), row);
	columns.macs.set(batch.values('macs'), row);
	for (const stage of STAGES) columns.milliseconds[stage].set(batch.values(`${stage}_ms`), row);
	const budgets = batch.values<Float64Array>('budget_macs');
	const known = batch.validity('budget_macs');
	for (let i = 0; i < batch.rowCount; i++) {
		const isNull = known.length > 0 && (known[i >> 3]! & (1 << (i & 7))) === 0;
		columns.budgetMacs[row + i] = isNull ? Number.NaN : budgets[i]!;
	}
}

/** All zero, without drift and camera. */
export function emptyColumns(rows: number): FrameColumns {
	return {
		frameIndex: new Int32Array(rows),
		timeSeconds: new Float64Array(rows),
		kind: new Uint8Array(rows),
		selectedTokens: new Int32Array(rows),
		detectionCount: new Int32Array(rows),
		macs: new Float64Array(rows),
		budgetMacs: new Float64Array(rows),
		milliseconds: {
			decode: new Float32Array(rows),
			prepare: new Float32Array(rows),
			select: new Float32Array(rows),
			run: new Float32Array(rows),
			interpret: new Float32Array(rows),
		},
		drift: null,
		camera: null,
	};
}

/** Of frames that nothing was estimated for. */
export function emptyDrift(rows: number): DriftColumns {
	return {
		waitingTokens: new Int32Array(rows),
		longestWait: new Int32Array(rows),
		sufficientTokens: new Int32Array(rows),
		agreement: new Float32Array(rows).fill(Number.NaN),
		lower: new Float32Array(rows).fill(Number.NaN),
		upper: new Float32Array(rows).fill(Number.NaN),
		audit: {
			matched: new Int32Array(rows).fill(-1),
			lost: new Int32Array(rows).fill(-1),
			gained: new Int32Array(rows).fill(-1),
		},
		stale: new Uint8Array(rows),
	};
}

/** Of frames in which the camera was fixed. */
export function emptyCamera(rows: number): CameraColumns {
	return eachCameraField(() => new Float32Array(rows).fill(Number.NaN));
}
