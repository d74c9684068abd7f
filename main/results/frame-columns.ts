import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { RecordBatch } from 'apache-arrow';
import { STAGES, type Stage } from '../domain/cost.ts';
import type { KnownFrame } from '../domain/video.ts';
import { columnValidity, columnValues, decodeBatches } from './columns.ts';
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

const CHUNK_BYTES = 1 << 20;

/** All committed frames. Reads the stream chunk by chunk; throws `run-unreadable` on damage. */
export async function readFrameColumns(folder: string, journal: CommitJournal): Promise<FrameColumns> {
	const path = join(folder, streamFile('frames'));
	const columns = emptyColumns(journal.last.frames);
	if (journal.count === 0) return columns;
	const handle = await onDisk(path, () => open(path));
	try {
		let row = 0;
		for (let first = 0; first < journal.count;) {
			let last = first;
			const { from } = journal.span('frames', first, last);
			while (last + 1 < journal.count && journal.span('frames', first, last + 1).to - from <= CHUNK_BYTES)
				last++;
			const chunk = new Uint8Array(journal.span('frames', first, last).to - from);
			await handle.read(chunk, 0, chunk.length, from);
			for (let i = first; i <= last; i++) {
				const span = journal.span('frames', i, i);
				if (!journal.vouchesFor('frames', i, chunk.subarray(span.from - from, span.to - from))) {
					throw unreadable(path, `the batch at byte ${span.from} is damaged`);
				}
			}
			for (const batch of decodeBatches('frames', chunk)) {
				copyRows(batch, columns, row);
				row += batch.numRows;
			}
			first = last + 1;
		}
		if (row !== journal.last.frames) {
			throw unreadable(path, `${journal.last.frames} frames were expected (got ${row})`);
		}
		return columns;
	} finally {
		await handle.close();
	}
}

function copyRows(batch: RecordBatch, columns: FrameColumns, row: number): void {
	columns.frameIndex.set(columnValues(batch, 'frame_index'), row);
	columns.timeSeconds.set(columnValues(batch, 'time_seconds'), row);
	columns.kind.set(columnValues(batch, 'kind'), row);
	columns.selectedTokens.set(columnValues(batch, 'selected_tokens'), row);
	columns.detectionCount.set(columnValues(batch, 'detection_count'), row);
	columns.macs.set(columnValues(batch, 'macs'), row);
	for (const stage of STAGES) columns.milliseconds[stage].set(columnValues(batch, `${stage}_ms`), row);
	const budgets = columnValues<Float64Array>(batch, 'budget_macs');
	const known = columnValidity(batch, 'budget_macs');
	for (let i = 0; i < batch.numRows; i++) {
		const isNull = known.length > 0 && (known[i >> 3]! & (1 << (i & 7))) === 0;
		columns.budgetMacs[row + i] = isNull ? Number.NaN : budgets[i]!;
	}
}

function emptyColumns(rows: number): FrameColumns {
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
	};
}
