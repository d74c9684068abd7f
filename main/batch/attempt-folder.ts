import { existsSync } from 'node:fs';
import { readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { systemError } from '../domain/errors.ts';
import { makeFolder } from '../process/make-folder.ts';
import { copyStoredRun } from '../results/copy-run.ts';
import { RUN_FILES } from '../results/run-folder.ts';

// A run is made in a folder of its attempt, beside the place of the finished one. Whoever takes a job over goes on in a copy: an
// earlier holder that was only slow still writes, but into files that nobody reads. One rename gives the finished run its place, and
// only the first one succeeds.

/** Where attempt `attempt` writes. */
function attemptFolder(runFolder: string, attempt: number): string {
	return `${runFolder}.attempt-${attempt}`;
}

/** Whether a finished run lies in its place. */
export function isPublished(runFolder: string): boolean {
	return existsSync(join(runFolder, RUN_FILES.header));
}

/**
 * The folder of an attempt, with what the one before has stored; `inOrder`: the one just before has ended in order, and its
 * folder is taken as it is.
 */
export async function beginAttempt(runFolder: string, attempt: number, inOrder: boolean): Promise<string> {
	const folder = attemptFolder(runFolder, attempt);
	makeFolder(dirname(runFolder));
	const earlier = (await attemptsOf(runFolder)).filter((number) => number < attempt).at(-1);
	if (earlier === undefined) return folder;
	const before = attemptFolder(runFolder, earlier);
	try {
		if (inOrder && earlier === attempt - 1) {
			await rename(before, folder);
		} else {
			await rm(`${folder}.new`, { recursive: true, force: true });
			if (!(await copyStoredRun(before, `${folder}.new`))) return folder;
			await rename(`${folder}.new`, folder);
			await rm(before, { recursive: true, force: true });
		}
	} catch (error) {
		if (isPublished(runFolder)) return folder; // the other one was faster
		throw systemError(error) ?? error;
	}
	return folder;
}

/** Gives a finished run its place; false where another one has it. */
export async function publishAttempt(runFolder: string, attempt: number): Promise<boolean> {
	if (isPublished(runFolder)) return false;
	try {
		await rename(attemptFolder(runFolder, attempt), runFolder);
		return true;
	} catch (error) {
		if (isPublished(runFolder)) return false;
		throw systemError(error) ?? error;
	}
}

/** Removes what attempts have left beside a finished run. */
export async function removeAttempts(runFolder: string): Promise<void> {
	for (const name of await namesOf(runFolder))
		await rm(join(dirname(runFolder), name), { recursive: true, force: true });
}

/** The numbers of attempts that have a folder, ascending. */
async function attemptsOf(runFolder: string): Promise<number[]> {
	const numbers = (await namesOf(runFolder)).map((name) => Number(/\.attempt-(\d+)$/.exec(name)?.[1]));
	return numbers.filter((number) => number > 0).sort((a, b) => a - b);
}

/** Folders of attempts, and copies that did not become whole. */
async function namesOf(runFolder: string): Promise<string[]> {
	const names = await readdir(dirname(runFolder)).catch(() => []);
	const start = `${basename(runFolder)}.attempt-`;
	return names.filter((name) => name.startsWith(start) && /^\d+(\.new)?$/.test(name.slice(start.length)));
}
