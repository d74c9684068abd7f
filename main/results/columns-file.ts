import { crc32 } from 'node:zlib';
import type { LeastScores } from '../domain/least-scores.ts';
import type { NamedArray, NamedArrays } from '../domain/named-arrays.ts';
import { CommitJournal, streamsReach } from './commit-journal.ts';
import { keepDerived, readDerived } from './derived-file.ts';
import { emptyCamera, emptyColumns, emptyDrift, type FrameColumns } from './frame-columns.ts';

// What every reader of a run begins with, to be read in one go: its journal, the columns of its frames, and how many detections each
// shows. In the streams all of it lies in pieces: a long run has tens of thousands of batches.

export type DerivedColumns = {
	journal: CommitJournal;
	frames: FrameColumns;
	/** Detections of each frame that reach the header's display thresholds. */
	shown: Uint32Array;
};

/** Tells a state of a journal from all others: what is derived from a run names the one that it was derived from. */
export function stampOf(journalText: Uint8Array): string {
	return `${journalText.length}-${crc32(journalText).toString(16)}`;
}

/** What was kept of the state `stamp` of a run; null where there is none, and where the streams were cut off since. */
export async function readColumns(
	folder: string,
	stamp: string,
	displayThresholds: LeastScores,
): Promise<DerivedColumns | null> {
	const arrays = await readDerived(folder, 'columns', sourceOf(stamp, displayThresholds));
	const journal = arrays && CommitJournal.fromArrays(arrays);
	if (!journal || !(await streamsReach(folder, journal))) return null;
	const columnsOf = <Columns extends object>(name: string, empty: Columns) =>
		columnsFrom(arrays, name, empty, journal.last.frames);
	const has = (name: string) => Object.keys(arrays).some((own) => own.startsWith(`${name}.`));
	try {
		const frames = columnsOf('frames', emptyColumns(0));
		if (has('drift')) frames.drift = columnsOf('drift', emptyDrift(0));
		if (has('camera')) frames.camera = columnsOf('camera', emptyCamera(0));
		const { counts } = columnsOf('shown', { counts: new Int32Array(0) });
		return { journal, frames, shown: new Uint32Array(counts.buffer) };
	} catch {
		return null;
	}
}

/** Keeps what was derived from the state `stamp` of a run, if that can be written. */
export function keepColumns(
	folder: string,
	stamp: string,
	displayThresholds: LeastScores,
	{ journal, frames: { drift, camera, ...frames }, shown }: DerivedColumns,
): Promise<void> {
	return keepDerived(folder, 'columns', sourceOf(stamp, displayThresholds), {
		...journal.toArrays(),
		...named('frames', frames),
		...named('drift', drift ?? {}),
		...named('camera', camera ?? {}),
		...named('shown', { counts: new Int32Array(shown.buffer, shown.byteOffset, shown.length) }),
	});
}

function sourceOf(stamp: string, displayThresholds: LeastScores) {
	return {
		format: 'sparsight-columns-1',
		of: stamp,
		displayThresholds: JSON.stringify(displayThresholds),
	};
}

type Columns = Record<string, NamedArray | Record<string, NamedArray> | null>;

/** Columns and groups of columns by one name each. */
function named(group: string, columns: object): NamedArrays {
	const parts = Object.entries(columns as Columns).map(([key, own]) => {
		const name = `${group}.${key}`;
		return ArrayBuffer.isView(own) ? { [name]: own } : named(name, own ?? {});
	});
	return Object.assign({}, ...parts) as NamedArrays;
}

/** The reverse: columns of `rows` rows that are otherwise as in `empty`. Throws where one is missing, or is another. */
function columnsFrom<T extends object>(arrays: NamedArrays, group: string, empty: T, rows: number): T {
	const entries = Object.entries(empty as Columns).map(([key, own]) => {
		const name = `${group}.${key}`;
		if (own === null) return [key, null];
		if (!ArrayBuffer.isView(own)) return [key, columnsFrom(arrays, name, own, rows)];
		const array = arrays[name];
		if (array?.constructor !== own.constructor || array.length !== rows) throw new RangeError(name);
		return [key, array];
	});
	return Object.fromEntries(entries) as T;
}
