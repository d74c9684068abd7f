import { randomBytes } from 'node:crypto';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { errorToData, UserFacingError } from '../domain/errors.ts';
import { readJsonFile, writeJsonFile } from '../process/json-file.ts';
import { readStatus } from '../results/header.ts';
import { beginAttempt, isPublished, publishAttempt, removeAttempts } from './attempt-folder.ts';
import { Claims, type LastClaim, type Pulse, USUAL_PULSE } from './claims.ts';
import { type BatchJob, type JobOutcome, type JobProgress, jobSchema, type JobState } from './job.ts';
import type { Claim } from './queue.ts';

const BATCH_FILE = 'batch.json';
const CLAIMS = 'claims';
const OUTCOMES = 'outcomes';

const batchSchema = z.object({
	format: z.literal('sparsight-batch'),
	version: z.literal(1),
	/** Tells it from others in a queue of many batches. */
	id: z.string().regex(/^[0-9a-f]{16}$/),
	jobs: z.array(jobSchema),
});
type Batch = z.infer<typeof batchSchema>;

const outcomeSchema: z.ZodType<JobOutcome> = z.discriminatedUnion('state', [
	z.object({ state: z.literal('done'), framesStored: z.number() }),
	z.object({
		state: z.literal('failed'),
		error: z.object({
			code: z.string() as unknown as z.ZodType<Extract<JobOutcome, { state: 'failed' }>['error']['code']>,
			message: z.string(),
			remedy: z.string().nullable(),
			stack: z.string().nullable(),
		}),
	}),
]);

/**
 * The folder of a batch: `batch.json` says what is wanted, in which order; `claims/` who works at what; `outcomes/` how jobs ended.
 * Any number of processes may work on it, on any number of machines that see it.
 */
export class BatchFolder {
	readonly path: string;
	readonly #claims: Claims;
	/** The list, and the state of its file when it was read. */
	#known: { batch: Batch; state: string } | null = null;
	/** Outcomes that were read and will not change. */
	readonly #done = new Map<string, JobOutcome>();

	constructor(path: string, pulse: Pulse = USUAL_PULSE) {
		this.path = resolve(path);
		this.#claims = new Claims(join(this.path, CLAIMS), pulse);
	}

	/** What is wanted, in order. Throws `file-unreadable` for a damaged file; no jobs where there is none. */
	async jobs(): Promise<readonly BatchJob[]> {
		return (await this.#read())?.jobs ?? [];
	}

	/** The batch's id; null where there is no batch. */
	async id(): Promise<string | null> {
		return (await this.#read())?.id ?? null;
	}

	/** Adds the jobs that are not there yet, at the end. */
	async add(jobs: readonly BatchJob[]): Promise<void> {
		await this.change((known) => {
			const ids = new Set(known.map(({ id }) => id));
			return [...known, ...jobs.filter(({ id }) => !ids.has(id))];
		});
	}

	/** Replaces the list of what is wanted: another order, or fewer. One process at a time. */
	async change(change: (jobs: readonly BatchJob[]) => readonly BatchJob[]): Promise<void> {
		const batch = (await this.#read()) ?? { id: randomBytes(8).toString('hex'), jobs: [] };
		const changed = { format: 'sparsight-batch', version: 1, id: batch.id, jobs: change(batch.jobs) };
		await writeJsonFile(join(this.path, BATCH_FILE), changed);
		this.#known = null;
	}

	/** Takes jobs out of the list, with all that is known of them, once `settle` has ended who works at them. Finished runs stay. */
	async remove(
		ids: ReadonlySet<string>,
		settle: () => Promise<void> = () => Promise.resolve(),
	): Promise<void> {
		const removed = (await this.jobs()).filter(({ id }) => ids.has(id));
		await this.change((jobs) => jobs.filter(({ id }) => !ids.has(id)));
		await settle();
		for (const job of removed) {
			this.#done.delete(job.id);
			await rm(this.#outcomePath(job.id), { force: true });
			await removeAttempts(this.runFolder(job));
		}
	}

	/** Forgets failures, so that these jobs are tried again. */
	async retryFailed(): Promise<void> {
		for (const [id, outcome] of await this.outcomes())
			if (outcome.state === 'failed') await rm(this.#outcomePath(id), { force: true });
	}

	/** Where a job's finished run lies. */
	runFolder(job: BatchJob): string {
		return resolve(this.path, job.runFolder);
	}

	/** By the ids of jobs that have ended, how. */
	async outcomes(): Promise<Map<string, JobOutcome>> {
		const outcomes = new Map<string, JobOutcome>();
		for (const name of await readdir(join(this.path, OUTCOMES)).catch(() => [])) {
			const [, id] = /^([0-9a-f]{16})\.json$/.exec(name) ?? [];
			if (id === undefined) continue;
			const outcome = this.#done.get(id) ?? (await this.outcome(id));
			if (!outcome) continue;
			outcomes.set(id, outcome);
			if (outcome.state === 'done') this.#done.set(id, outcome);
		}
		return outcomes;
	}

	/** How a job ended; null if it has not. */
	outcome(id: string): Promise<JobOutcome | null> {
		return readJsonFile(this.#outcomePath(id), outcomeSchema);
	}

	/** Where every job stands, in order. */
	async states(): Promise<{ job: BatchJob; state: JobState }[]> {
		const [jobs, outcomes, claims] = [await this.jobs(), await this.outcomes(), await this.#claims.all()];
		return jobs.map((job) => ({ job, state: outcomes.get(job.id) ?? stateOf(claims.get(job.id)) }));
	}

	/** Where one job stands, without a look at the others; null for one that is not wanted any more. */
	async stateOf(id: string): Promise<JobState | null> {
		if (!(await this.jobs()).some((job) => job.id === id)) return null;
		return (await this.outcome(id)) ?? stateOf((await this.#claims.last(id)) ?? undefined);
	}

	/** The jobs that have not ended and that nobody alive works at, in order. */
	async open(): Promise<BatchJob[]> {
		return (await this.states()).filter(({ state }) => state.state === 'waiting').map(({ job }) => job);
	}

	/** Claims a job; null where it has ended or somebody works at it. */
	async claim(job: BatchJob): Promise<Claim | null> {
		if (await this.outcome(job.id)) return null;
		const last = await this.#claims.last(job.id);
		if (last?.state === 'alive') return null;
		const attempt = (last?.attempt ?? 0) + 1;
		if (!(await this.#claims.make(job.id, attempt))) return null;
		const claim = new HeldClaim(this, this.#claims, job, attempt, last?.state === 'released');
		if (!(await this.outcome(job.id))) return claim;
		await claim.release(); // it ended meanwhile
		return null;
	}

	async noteOutcome(job: BatchJob, outcome: JobOutcome): Promise<void> {
		await writeJsonFile(this.#outcomePath(job.id), outcome);
	}

	#outcomePath(id: string): string {
		return join(this.path, OUTCOMES, `${id}.json`);
	}

	async #read(): Promise<Batch | null> {
		const path = join(this.path, BATCH_FILE);
		const file = await stat(path).catch(() => null);
		if (!file) return null;
		const state = `${file.ino} ${file.size} ${file.mtimeMs}`;
		if (this.#known?.state === state) return this.#known.batch;
		try {
			const batch = batchSchema.parse(JSON.parse(await readFile(path, 'utf8')));
			this.#known = { batch, state };
			return batch;
		} catch (cause) {
			throw new UserFacingError('file-unreadable', `${path}: the list of a batch was expected.`, {
				remedy: 'Choose another folder for the batch.',
				cause,
			});
		}
	}
}

function stateOf(claim: LastClaim | undefined): JobState {
	if (!claim) return { state: 'waiting', progress: null };
	const { state, worker, progress } = claim;
	return state === 'alive' ? { state: 'running', worker, progress } : { state: 'waiting', progress };
}

class HeldClaim implements Claim {
	readonly job: BatchJob;
	readonly #folder: BatchFolder;
	readonly #claims: Claims;
	readonly #attempt: number;
	/** Whether the attempt before ended in order. */
	readonly #inOrder: boolean;
	readonly #lost = new AbortController();
	readonly #timer: NodeJS.Timeout;
	#progress: JobProgress = { framesDone: 0, framesEstimated: null, framesPerSecond: 0 };
	#beat: Promise<unknown> = Promise.resolve();

	constructor(folder: BatchFolder, claims: Claims, job: BatchJob, attempt: number, inOrder: boolean) {
		this.job = job;
		this.#folder = folder;
		this.#claims = claims;
		this.#attempt = attempt;
		this.#inOrder = inOrder;
		this.#timer = setInterval(
			() => void (this.#beat = this.#beat.then(() => this.#live())),
			claims.pulse.beatMilliseconds,
		);
	}

	get lost(): AbortSignal {
		return this.#lost.signal;
	}

	async begin(): Promise<string | null> {
		const runFolder = this.#folder.runFolder(this.job);
		if (isPublished(runFolder)) return null;
		return beginAttempt(runFolder, this.#attempt, this.#inOrder);
	}

	progressed(progress: JobProgress): void {
		this.#progress = progress;
	}

	async end(outcome: JobOutcome): Promise<void> {
		try {
			await this.#check();
			if (this.lost.aborted) return;
			const runFolder = this.#folder.runFolder(this.job);
			if (outcome.state === 'done') await publishAttempt(runFolder, this.#attempt);
			await this.#folder.noteOutcome(this.job, await this.#ofPublished(runFolder, outcome));
			if (outcome.state === 'done') await removeAttempts(runFolder);
		} finally {
			await this.release(); // also where the disk took no outcome: the job is open again
		}
	}

	async release(): Promise<void> {
		clearInterval(this.#timer);
		await this.#beat;
		if (!this.lost.aborted)
			await this.#claims.write(this.job.id, this.#attempt, 'released', this.#progress).catch(() => undefined);
	}

	/** What is in its place counts, whoever computed it. */
	async #ofPublished(runFolder: string, outcome: JobOutcome): Promise<JobOutcome> {
		if (!isPublished(runFolder)) return outcome;
		const status = await readStatus(runFolder).catch((error: unknown) => errorToData(error));
		if (status && 'framesStored' in status) return { state: 'done', framesStored: status.framesStored };
		return outcome;
	}

	/** One beat. A folder that can't be reached for a while is not a lost claim. */
	async #live(): Promise<void> {
		await this.#check();
		if (!this.lost.aborted)
			await this.#claims.write(this.job.id, this.#attempt, 'held', this.#progress).catch(() => undefined);
	}

	async #check(): Promise<void> {
		if (await this.#claims.isSucceeded(this.job.id, this.#attempt)) this.#lost.abort();
	}
}
