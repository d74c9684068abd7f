import { appendFileSync, closeSync, openSync, readSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeFolder } from '../process/make-folder.ts';

/** A log larger than this at the start is rotated; one old log is kept. */
const MOST_BYTES = 1 << 20;

/** Records what went wrong in a file that users can send along. It never leaves the machine by itself. */
export class Log {
	readonly path: string;

	/** Never fails: a program without a log is better than no program. */
	constructor(path: string) {
		this.path = path;
		try {
			makeFolder(dirname(path));
			if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > MOST_BYTES)
				renameSync(path, `${path}.old`);
		} catch {
			// Writing will fail as well, and is ignored.
		}
	}

	/** Written synchronously: this process may end right after. */
	write(event: string, details: unknown = ''): void {
		const text = details instanceof Error ? (details.stack ?? details.message) : details;
		const words = typeof text === 'string' ? text : JSON.stringify(text);
		try {
			const line = `${new Date().toISOString()} ${event} ${words}`.trimEnd();
			appendFileSync(this.path, `${endsWithinLine(this.path) ? '\n' : ''}${line}\n`);
		} catch {
			// A full disk must not end an analysis.
		}
	}
}

/** Whether the last line was cut off, by a disk that was full. */
function endsWithinLine(path: string): boolean {
	const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
	if (size === 0) return false;
	const file = openSync(path, 'r');
	try {
		const last = Buffer.alloc(1);
		return readSync(file, last, 0, 1, size - 1) === 1 && last.toString('latin1') !== '\n';
	} finally {
		closeSync(file);
	}
}
