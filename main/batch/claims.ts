import { randomBytes } from 'node:crypto';
import { open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { systemError } from '../domain/errors.ts';
import { makeFolder } from '../process/make-folder.ts';
import type { JobProgress } from './job.ts';

/** How often a holder says that it is alive, and after how long without a word it counts as dead. */
export type Pulse = { beatMilliseconds: number; patienceMilliseconds: number };
export const USUAL_PULSE = pulseOf(30_000);

/** The pulse of holders that count as dead after so long. */
export function pulseOf(patienceMilliseconds: number): Pulse {
	return { beatMilliseconds: Math.min(2000, patienceMilliseconds / 5), patienceMilliseconds };
}

/** Tells this process from an earlier one of the same number, as in containers, where each is number 1. */
const PROCESS_NONCE = randomBytes(8).toString('hex');

const noProgress: JobProgress = { framesDone: 0, framesEstimated: null, framesPerSecond: 0 };

const claimSchema = z.object({
	host: z.string(),
	pid: z.int(),
	nonce: z.string(),
	/** `released`: its holder has ended in order, and writes no more. */
	state: z.enum(['held', 'released']),
	progress: z.object({
		framesDone: z.number(),
		framesEstimated: z.number().nullable(),
		framesPerSecond: z.number(),
	}),
});
type ClaimRecord = z.infer<typeof claimSchema>;

/** The last claim to a job. */
export type LastClaim = {
	/** Counts from 1; a higher one has taken the job over. */
	attempt: number;
	state: 'alive' | 'dead' | 'released';
	worker: string;
	progress: JobProgress;
};

/**
 * Who works at which job: a file `<job>.<attempt>.json` for each claim, made exclusively, so that of two who want the same attempt
 * one gets it. Nobody takes a claim away: whoever finds its holder dead makes the next one, and the earlier holder, if it was only
 * slow, finds that it has been succeeded. Only its holder writes a claim, at every beat.
 */
export class Claims {
	readonly #folder: string;
	readonly pulse: Pulse;

	constructor(folder: string, pulse: Pulse) {
		this.#folder = folder;
		this.pulse = pulse;
	}

	/** The last claim to each job that has any. */
	async all(): Promise<Map<string, LastClaim>> {
		const last = await this.#attempts();
		if (last.size === 0) return new Map();
		const now = await this.#now();
		const claims = [...last].map(
			async ([job, attempt]) => [job, await this.#read(job, attempt, now)] as const,
		);
		return new Map(await Promise.all(claims));
	}

	async last(job: string): Promise<LastClaim | null> {
		const attempt = (await this.#attempts()).get(job);
		return attempt === undefined ? null : this.#read(job, attempt, await this.#now());
	}

	/** Makes a claim; false where somebody has made it before. */
	async make(job: string, attempt: number): Promise<boolean> {
		makeFolder(this.#folder);
		try {
			const file = await open(this.#path(job, attempt), 'wx');
			try {
				await file.writeFile(recordText('held', noProgress));
			} catch (error) {
				await rm(this.#path(job, attempt), { force: true }).catch(() => undefined); // nobody works by it
				throw error;
			} finally {
				await file.close();
			}
			return true;
		} catch (error) {
			if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
			throw systemError(error, this.#path(job, attempt)) ?? error;
		}
	}

	/** A sign of life from the holder of a claim, or its end. */
	async write(
		job: string,
		attempt: number,
		state: ClaimRecord['state'],
		progress: JobProgress,
	): Promise<void> {
		// Renamed, not written over, so that the time is that of the file system and a reader finds a whole one.
		const fresh = join(this.#folder, `${job}.${attempt}.${PROCESS_NONCE}.new`);
		try {
			await writeFile(fresh, recordText(state, progress));
			await rename(fresh, this.#path(job, attempt));
		} catch (error) {
			await rm(fresh, { force: true }).catch(() => undefined); // the first error is the one to report
			throw error;
		}
	}

	/** Whether somebody has made the next claim. */
	async isSucceeded(job: string, attempt: number): Promise<boolean> {
		return stat(this.#path(job, attempt + 1)).then(
			() => true,
			() => false,
		);
	}

	/** By job, its last attempt. */
	async #attempts(): Promise<Map<string, number>> {
		const last = new Map<string, number>();
		for (const name of await readdir(this.#folder).catch(() => [])) {
			const [, job, attempt] = /^([0-9a-f]{16})\.(\d+)\.json$/.exec(name) ?? [];
			if (job !== undefined && Number(attempt) > (last.get(job) ?? 0)) last.set(job, Number(attempt));
		}
		return last;
	}

	async #read(job: string, attempt: number, now: number): Promise<LastClaim> {
		const path = this.#path(job, attempt);
		const record = await readFile(path, 'utf8').then(parseRecord, () => null);
		const beat = await stat(path).then(
			({ mtimeMs }) => mtimeMs,
			() => now,
		);
		if (record === null) {
			// Just made: its holder has not written it yet, or died before it could.
			const state = now - beat < this.pulse.patienceMilliseconds ? 'alive' : 'dead';
			return { attempt, state, worker: 'unknown', progress: noProgress };
		}
		const alive = !isGone(record) && now - beat < this.pulse.patienceMilliseconds;
		const state = record.state === 'released' ? 'released' : alive ? 'alive' : 'dead';
		return { attempt, state, worker: `${record.host}:${record.pid}`, progress: record.progress };
	}

	/** The time by the clock of the file system, which may be another machine's. */
	async #now(): Promise<number> {
		const path = join(this.#folder, `${PROCESS_NONCE}.${randomBytes(4).toString('hex')}.clock`);
		try {
			await writeFile(path, '');
			return (await stat(path)).mtimeMs;
		} catch {
			return Date.now(); // a folder that can only be read
		} finally {
			await rm(path, { force: true }).catch(() => undefined);
		}
	}

	#path(job: string, attempt: number): string {
		return join(this.#folder, `${job}.${attempt}.json`);
	}
}

function recordText(state: ClaimRecord['state'], progress: JobProgress): string {
	const { framesDone, framesEstimated, framesPerSecond } = progress;
	const record: ClaimRecord = {
		host: hostname(),
		pid: process.pid,
		nonce: PROCESS_NONCE,
		state,
		progress: { framesDone, framesEstimated, framesPerSecond },
	};
	return `${JSON.stringify(record)}\n`;
}

function parseRecord(text: string): ClaimRecord | null {
	try {
		return claimSchema.parse(JSON.parse(text));
	} catch {
		return null;
	}
}

/** Whether the holder is known to have ended: a process of this machine that is no more. */
function isGone({ host, pid, nonce }: ClaimRecord): boolean {
	if (host !== hostname()) return false;
	if (pid === process.pid) return nonce !== PROCESS_NONCE;
	try {
		process.kill(pid, 0);
		return false;
	} catch (error) {
		return error instanceof Error && 'code' in error && error.code === 'ESRCH';
	}
}
