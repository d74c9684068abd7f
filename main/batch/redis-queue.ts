import { randomBytes } from 'node:crypto';
import { basename, isAbsolute, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Job, Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { z } from 'zod';
import { UserFacingError } from '../domain/errors.ts';
import { BatchFolder } from './batch-folder.ts';
import { type Pulse, USUAL_PULSE } from './claims.ts';
import type { BatchJob, JobOutcome, JobProgress } from './job.ts';
import type { Claim, JobQueue } from './queue.ts';

// Redis says whose turn is next, and which workers have died. What is wanted, who writes and what came of it lies in the batch's
// folder, which all see: Redis may lose everything, and nothing is done twice.

const PREFIX = 'sparsight';
const QUEUE = 'jobs';
/** How soon a worker that stays away is asked again, at most. */
const MOST_RETRY_MILLISECONDS = 2000;
/** Between two offers of jobs that nobody has begun: Redis may have been started anew, empty. */
const OFFER_MILLISECONDS = 10_000;
/** How long a job waits that can't be done here and now. */
const LATER_MILLISECONDS = 2000;
/** How long giving a job back may take when the worker ends; it would be found later, too. */
const GIVE_BACK_MILLISECONDS = 2000;

/** What travels through Redis. */
const ticketSchema = z.object({ folder: z.string().min(1), id: z.string().regex(/^[0-9a-f]{16}$/) });
type Ticket = z.infer<typeof ticketSchema>;

export type RedisQueueOptions = {
	/** Folder that holds the batches' folders on this machine; null: they lie where the batch says. */
	runs?: string | null;
	pulse?: Pulse;
	/** Hears a sentence when Redis goes and when it comes back, and of jobs that can't be done here. */
	note: (line: string) => void;
	/** When aborted, nothing waits for Redis any more. */
	signal: AbortSignal;
};

/** Where Redis is, for people: without its password. Throws `bad-argument` for what is no such address. */
export function nameOfRedis(address: string): string {
	const url = URL.canParse(address) ? new URL(address) : null;
	if (url && ['redis:', 'rediss:'].includes(url.protocol) && url.hostname !== '')
		return `${url.protocol}//${url.host}`;
	const got = url ? url.protocol.slice(0, -1) : 'something else';
	throw new UserFacingError(
		'bad-argument',
		`--queue must be an address of Redis such as redis://host:6379 (got ${got}).`,
	);
}

/** Jobs of many batches, for workers on many machines: BullMQ on Redis. */
export class RedisQueue implements JobQueue {
	readonly #connection: Redis;
	readonly #queue: Queue<Ticket>;
	readonly #options: RedisQueueOptions;
	/** Resolves when nothing waits for Redis any more. */
	readonly #aborted: Promise<null>;
	readonly #pulse: Pulse;
	readonly #offered = new Map<string, number>();
	readonly #folders = new Map<string, BatchFolder>();
	#worker: Worker<Ticket> | null = null;

	private constructor(connection: Redis, options: RedisQueueOptions, aborted: Promise<null>) {
		this.#connection = connection;
		this.#aborted = aborted;
		this.#options = options;
		this.#pulse = options.pulse ?? USUAL_PULSE;
		this.#queue = new Queue(QUEUE, { connection, prefix: PREFIX });
		this.#queue.on('error', () => undefined); // the connection tells
	}

	/** Waits for Redis, however long. Throws `bad-argument` where it refuses the password. */
	static async open(address: string, options: RedisQueueOptions): Promise<RedisQueue> {
		const name = nameOfRedis(address);
		const connection = new Redis(address, {
			maxRetriesPerRequest: null,
			retryStrategy: (times) => Math.min(100 * times, MOST_RETRY_MILLISECONDS),
		});
		let away = false;
		const aborted = abortOf(options.signal);
		const refused = new Promise<never>((_, reject) => {
			connection.on('error', (error) => isRefusal(error) && reject(error));
		});
		refused.catch(() => undefined);
		connection.on('close', () => {
			// By itself, not by `disconnect`.
			if (away || options.signal.aborted || connection.status === 'end') return;
			away = true;
			options.note(`${name} does not answer: waiting for it; what is being done goes on.`);
		});
		connection.on('ready', () => {
			if (away) options.note(`${name} is back.`);
			away = false;
		});
		try {
			if ((await Promise.race([connection.ping(), refused, aborted])) === null)
				throw new UserFacingError('cancelled', `${name} was not waited for any longer.`);
			return new RedisQueue(connection, options, aborted);
		} catch (error) {
			connection.disconnect();
			if (isRefusal(error)) {
				throw new UserFacingError('bad-argument', `${name} refuses the user or the password, or wants one.`, {
					remedy: 'They stand before the host: redis://user:password@host:port.',
				});
			}
			throw error;
		}
	}

	/** Offers the jobs of a batch that are not done and that nobody does. */
	async put(folder: BatchFolder): Promise<void> {
		const batch = await folder.id();
		const now = performance.now();
		const due = (await folder.open()).filter(
			({ id }) => now - (this.#offered.get(id) ?? Number.NEGATIVE_INFINITY) >= OFFER_MILLISECONDS,
		);
		if (due.length === 0) return;
		// One that is there already is not added a second time.
		const added = this.#queue.addBulk(
			due.map(({ id }) => ({
				name: 'job',
				data: { folder: folder.path, id },
				opts: { jobId: `${batch}-${id}`, removeOnComplete: true, removeOnFail: true },
			})),
		);
		if (await this.#orAborted(added)) for (const { id } of due) this.#offered.set(id, now);
	}

	async next(): Promise<Claim | null> {
		const worker = (this.#worker ??= await this.#openWorker());
		const token = randomBytes(16).toString('hex');
		const entry = await this.#orAborted(worker.getNextJob(token, { block: false }));
		if (!entry) return null;
		const held = new HeldEntry(entry, token, this.#pulse.patienceMilliseconds);
		try {
			return await this.#claim(held, entry.data);
		} catch (error) {
			await held.later();
			throw error;
		}
	}

	async #claim(held: HeldEntry, data: Ticket): Promise<Claim | null> {
		const ticket = ticketSchema.safeParse(data);
		const here = ticket.success ? this.#placeOf(ticket.data.folder) : null;
		if (!ticket.success || here === null) return held.finish().then(() => null);
		const folder = this.#folderAt(here);
		if ((await folder.id()) === null) {
			this.#options.note(
				`${folder.path}: the folder of a batch was expected here; its jobs are left to others.`,
			);
			return held.later().then(() => null);
		}
		const job = (await folder.jobs()).find(({ id }) => id === ticket.data.id);
		const isOver = !job || (await folder.outcome(job.id)) !== null;
		if (isOver) return held.finish().then(() => null);
		if (!isBelow(folder.runFolder(job), folder.path)) {
			this.#options.note(`${folder.path}: a run outside of the batch's folder was refused.`);
			return held.finish().then(() => null);
		}
		const claim = await folder.claim(job);
		if (claim) return new QueuedClaim(claim, held);
		// Redis has not heard of who does it; the folder has.
		return held.later().then(() => null);
	}

	upcoming(): Promise<null> {
		return Promise.resolve(null);
	}

	/** There may always come more. */
	isDone(): Promise<boolean> {
		return Promise.resolve(false);
	}

	async close(): Promise<void> {
		const closing = Promise.all([this.#worker?.close(true), this.#queue.close()]).catch(() => undefined);
		await Promise.race([closing, sleep(GIVE_BACK_MILLISECONDS, undefined, { ref: false })]);
		this.#connection.disconnect();
	}

	async #openWorker(): Promise<Worker<Ticket>> {
		const worker = new Worker<Ticket>(QUEUE, null, {
			connection: this.#connection,
			prefix: PREFIX,
			autorun: false,
			lockDuration: this.#pulse.patienceMilliseconds,
			stalledInterval: Math.ceil(this.#pulse.patienceMilliseconds / 2),
			maxStalledCount: Number.MAX_SAFE_INTEGER, // a job has not failed because its worker's machine was switched off
		});
		worker.on('error', () => undefined);
		await this.#orAborted(worker.startStalledCheckTimer());
		return worker;
	}

	/** Where a batch's folder that Redis names lies on this machine; null for what is none, and told. */
	#placeOf(named: string): string | null {
		const { runs = null } = this.#options;
		const name = basename(named);
		if (isAbsolute(named) && !['', '.', '..'].includes(name)) return runs === null ? named : join(runs, name);
		this.#options.note(
			`Redis names ${JSON.stringify(named)}: the whole path of a batch's folder was expected.`,
		);
		return null;
	}

	#folderAt(here: string): BatchFolder {
		const folder = this.#folders.get(here) ?? new BatchFolder(here, this.#pulse);
		this.#folders.set(here, folder);
		return folder;
	}

	/** What Redis answers; null where nobody waits for it any more. */
	#orAborted<T>(answer: Promise<T>): Promise<T | null> {
		return Promise.race([answer, this.#aborted]);
	}
}

function isBelow(path: string, folder: string): boolean {
	const way = relative(folder, path);
	return way !== '' && way.split(/[/\\]/)[0] !== '..' && !isAbsolute(way);
}

function isRefusal(error: unknown): boolean {
	return error instanceof Error && /^(NOAUTH|WRONGPASS|NOPERM|ERR invalid password)/.test(error.message);
}

/** Resolves when `signal` is aborted. */
function abortOf(signal: AbortSignal): Promise<null> {
	return new Promise((resolve) => {
		if (signal.aborted) resolve(null);
		signal.addEventListener('abort', () => resolve(null), { once: true });
	});
}

/** A job in Redis that is locked for this worker, and stays so while it lives. */
class HeldEntry {
	readonly #entry: Job<Ticket>;
	readonly #token: string;
	readonly #timer: NodeJS.Timeout;

	constructor(entry: Job<Ticket>, token: string, lockMilliseconds: number) {
		this.#entry = entry;
		this.#token = token;
		// A lock that was lost says nothing: whether another one has begun is seen in the folder.
		const renew = () => void entry.extendLock(token, lockMilliseconds).catch(() => undefined);
		this.#timer = setInterval(renew, lockMilliseconds / 3);
	}

	/** Takes it out of Redis, which is waited for. */
	async finish(): Promise<void> {
		clearInterval(this.#timer);
		await this.#entry.moveToCompleted(null, this.#token, false).catch(() => undefined);
	}

	async giveBack(): Promise<void> {
		clearInterval(this.#timer);
		const given = this.#entry.moveToWait(this.#token).catch(() => undefined);
		await Promise.race([given, sleep(GIVE_BACK_MILLISECONDS, undefined, { ref: false })]);
	}

	async later(): Promise<void> {
		clearInterval(this.#timer);
		await this.#entry.moveToDelayed(Date.now() + LATER_MILLISECONDS, this.#token).catch(() => undefined);
	}
}

/** A claim in the folder, with its entry in Redis. */
class QueuedClaim implements Claim {
	readonly #claim: Claim;
	readonly #held: HeldEntry;

	constructor(claim: Claim, held: HeldEntry) {
		this.#claim = claim;
		this.#held = held;
	}

	get job(): BatchJob {
		return this.#claim.job;
	}

	get lost(): AbortSignal {
		return this.#claim.lost;
	}

	begin(): Promise<string | null> {
		return this.#claim.begin();
	}

	progressed(progress: JobProgress): void {
		this.#claim.progressed(progress);
	}

	async end(outcome: JobOutcome): Promise<void> {
		await this.#claim.end(outcome);
		await this.#held.finish();
	}

	async release(): Promise<void> {
		await this.#claim.release();
		await this.#held.giveBack();
	}
}
