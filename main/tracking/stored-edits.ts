import { readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { systemError } from '../domain/errors.ts';
import { parseTrackEdits } from './edits-file.ts';
import type { TrackEdit } from './track-edits.ts';

/** The file of a run's edits: beside the runs of its video, in the folder of notes. */
export function editsPath(runFolder: string): string {
	const folder = resolve(runFolder);
	return join(dirname(folder), 'notes', `track-edits-${basename(folder)}.json`);
}

/** The edits of the tracks of a run; none where there is no file. Throws `edits-unreadable`. */
export async function readTrackEdits(runFolder: string): Promise<TrackEdit[]> {
	const path = editsPath(runFolder);
	try {
		return parseTrackEdits(await readFile(path, 'utf8'), path);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
		throw systemError(error) ?? error;
	}
}
