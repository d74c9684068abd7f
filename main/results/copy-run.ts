import { constants, existsSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../process/make-folder.ts';
import { STREAMS } from './columns.ts';
import { onDisk, RUN_FILES, streamFile } from './run-folder.ts';

/**
 * Copies a stored run to a folder that does not exist yet, even while it is being written: the copy holds the batches that had been
 * committed when it began. False where there is no run to copy.
 */
export async function copyStoredRun(from: string, to: string): Promise<boolean> {
	if (!existsSync(join(from, RUN_FILES.header))) return false;
	makeFolder(to);
	// Status and journal first: what they vouch for is in the other files by then. A newer snapshot is not used.
	const streams = STREAMS.map(streamFile);
	const names = [RUN_FILES.status, RUN_FILES.commits, ...streams, RUN_FILES.events, ...RUN_FILES.snapshots];
	for (const name of [...names, RUN_FILES.header]) {
		const path = join(from, name);
		if (!existsSync(path)) continue;
		try {
			await onDisk(path, () => copyFile(path, join(to, name), constants.COPYFILE_FICLONE));
		} catch (error) {
			// A snapshot may go while a run ends.
			if (existsSync(path)) throw error;
		}
	}
	return true;
}
