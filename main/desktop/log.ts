import { appendFileSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** A log that is larger at the start is put aside; the one put aside before is dropped. */
const MOST_BYTES = 1 << 20;

/** What went wrong, in a file that a person can send along. Nothing in it ever leaves the machine by itself. */
export class Log {
	readonly path: string;

	/** Never fails: a program without a log is better than none. */
	constructor(path: string) {
		this.path = path;
		try {
			mkdirSync(dirname(path), { recursive: true });
			if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > MOST_BYTES)
				renameSync(path, `${path}.old`);
		} catch {
			// Writing will fail as well, and be passed over.
		}
	}

	/** Written at once: the next thing may be the end of this process. */
	write(event: string, details: unknown = ''): void {
		const text = details instanceof Error ? (details.stack ?? details.message) : details;
		const words = typeof text === 'string' ? text : JSON.stringify(text);
		try {
			appendFileSync(this.path, `${new Date().toISOString()} ${event} ${words}`.trimEnd() + '\n');
		} catch {
			// A full disk must not end an analysis.
		}
	}
}
