import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { LeastScores } from '../domain/least-scores.ts';
import type { NamedArray, NamedArrays } from '../domain/named-arrays.ts';
import { encodeArrays, readArrays } from './array-file.ts';
import { CommitJournal, streamsReach } from './commit-journal.ts';
import { emptyCamera, emptyColumns, emptyDrift, type FrameColumns } from './frame-columns.ts';
import { replaceFile, RUN_FILES } from './run-folder.ts';

// What every reader of a run begins with, to be read in one go: its journal, the columns of its frames, and how many detections each
// shows. All of it is derived from the other files, where it lies in pieces: a long run has tens of thousands of batches.

const FORMAT = 'sparsight-columns-1';

/** Shorter runs are opened quickly as they are. */
export const LEAST_FRAMES = 4096;

export type DerivedColumns = {
	journal: CommitJournal;
	frames: FrameColumns;
	/** Detections of each frame that reach the header's display thresholds; null where these are others by now. */
	shown: Uint32Array | null;
};

/** Tells a state of a journal from all others: what is derived from a run names the one that it was derived from. */
export function stampOf(journalText: Uint8Array): string {
	return `${journalText.length}-${crc32(journalText).toString(16)}`;
}

/** What was derived from the state `stamp` of a run; null where that was not kept or is damaged, or the streams were cut off since. */
export async function readColumns(
	folder: string,
	stamp: string,
	displayThresholds: LeastScores,
): Promise<DerivedColumns | null> {
	const file = await readArrays(join(folder, RUN_FILES.columns), (facts) =>
		facts['format'] === FORMAT && facts['of'] === stamp ? facts : null,
	);
	const journal = file && CommitJournal.fromArrays(file.arrays);
	if (!journal || !(await streamsReach(folder, journal))) return null;
	const { facts, arrays } = file;
	const columnsOf = <Columns extends object>(name: string, empty: Columns) =>
		columnsFrom(arrays, name, empty, journal.last.frames);
	const has = (name: string) => Object.keys(arrays).some((own) => own.startsWith(`${name}.`));
	try {
		const frames = columnsOf('frames', emptyColumns(0));
		if (has('drift')) frames.drift = columnsOf('drift', emptyDrift(0));
		if (has('camera')) frames.camera = columnsOf('camera', emptyCamera(0));
		const { counts } = columnsOf('shown', { counts: new Int32Array(0) });
		const areThese = facts['displayThresholds'] === JSON.stringify(displayThresholds);
		return { journal, frames, shown: areThese ? new Uint32Array(counts.buffer) : null };
	} catch {
		return null;
	}
}

/** Keeps what was derived from the state `stamp` of a run. Throws `disk-full` or `output-not-writable`, and leaves nothing then. */
export async function writeColumns(
	folder: string,
	stamp: string,
	displayThresholds: LeastScores,
	{ journal, frames: { drift, camera, ...frames }, shown }: DerivedColumns & { shown: Uint32Array },
): Promise<void> {
	const arrays = {
		...journal.toArrays(),
		...named('frames', frames),
		...named('drift', drift ?? {}),
		...named('camera', camera ?? {}),
		...named('shown', { counts: new Int32Array(shown.buffer, shown.byteOffset, shown.length) }),
	};
	const facts = { format: FORMAT, of: stamp, displayThresholds: JSON.stringify(displayThresholds) };
	try {
		await replaceFile(folder, RUN_FILES.columns, encodeArrays(arrays, facts));
	} catch (error) {
		await rm(join(folder, `${RUN_FILES.columns}.new`), { force: true });
		throw error;
	}
}

/** Removes what was derived from an earlier state of a run. It would not be used where that fails. */
export async function removeColumns(folder: string): Promise<void> {
	for (const name of [RUN_FILES.columns, `${RUN_FILES.columns}.new`]) {
		await rm(join(folder, name), { force: true }).catch(() => undefined);
	}
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
