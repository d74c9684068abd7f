import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** A Python with the packages that a measurement needs. */
export const PYTHON = process.env['SPARSIGHT_PYTHON'] ?? 'python3';

/** Why something was not measured. */
export type Skipped = { skipped: string };

/** Milliseconds of one frame in another runtime. */
export type PythonResult = { msPerFrame: number; version: string } | Skipped;

/** The JSON in the last line that Python prints when it is started with `words`. Rejects where it fails. */
export async function askPython<Answer>(words: readonly string[]): Promise<Answer> {
	const { stdout } = await promisify(execFile)(PYTHON, words);
	return JSON.parse(stdout.trim().split('\n').at(-1)!) as Answer;
}

/** `what`: what Python was to do, such as "run the reference". */
export function skippedFor(error: unknown, what: string): Skipped {
	const reason = error instanceof Error ? (error.message.trim().split('\n').at(-1) ?? '') : String(error);
	return { skipped: `${PYTHON} could not ${what} (${reason})` };
}
