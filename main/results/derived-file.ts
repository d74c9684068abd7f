import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { NamedArrays } from '../domain/named-arrays.ts';
import { encodeArrays, readArrays, type Facts } from './array-file.ts';
import { replaceFile, RUN_FILES } from './run-folder.ts';

// Files beside the streams of a long run that has ended, made of these alone: they spare readers time, and may be deleted at any time.
// Each names what it was made of: the state of the run's journal, and whatever else it depends on.

const FILES = { columns: RUN_FILES.columns, tracks: RUN_FILES.tracks };
export type DerivedFile = keyof typeof FILES;

/** Shorter runs are read quickly as they are. */
export const LEAST_FRAMES = 4096;

/** The arrays of a file if it was made of just `source`; null where it is missing, damaged or was made of something else. */
export async function readDerived(
	folder: string,
	file: DerivedFile,
	source: Facts,
): Promise<NamedArrays | null> {
	const areSame = (facts: Facts) => Object.entries(source).every(([name, fact]) => facts[name] === fact);
	const read = await readArrays(join(folder, FILES[file]), (facts) => (areSame(facts) ? facts : null));
	return read && read.arrays;
}

/** Keeps arrays that were made of `source`. Nothing needs them: where they can't be written, there is no file. */
export async function keepDerived(
	folder: string,
	file: DerivedFile,
	source: Facts,
	arrays: NamedArrays,
): Promise<void> {
	try {
		await replaceFile(folder, FILES[file], encodeArrays(arrays, source));
	} catch {
		await rm(join(folder, `${FILES[file]}.new`), { force: true }).catch(() => undefined);
	}
}

/** Removes what was derived from an earlier state of a run. It would not be used where that fails. */
export async function removeDerived(folder: string): Promise<void> {
	for (const name of Object.values(FILES).flatMap((file) => [file, `${file}.new`])) {
		await rm(join(folder, name), { force: true }).catch(() => undefined);
	}
}
