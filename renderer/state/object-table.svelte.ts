import type { ErrorData } from '../../main/domain/errors.ts';
import { timesOfDay } from '../../main/domain/recording-clock.ts';
import type { BatchEntry, BatchObjects } from '../../preload/batch-contract.ts';
import type { HostApi } from '../../preload/contract.ts';
import { toErrorData } from '../api.ts';
import { lastUpTo } from './sorted.ts';

/** A job with its objects, their names, and the time of day of moments in its video. */
type Part = BatchObjects & {
	job: BatchEntry;
	names: ReadonlyMap<number, string>;
	timeOfDay: ((seconds: number) => string) | null;
};

/** What is shown; null for everything. */
export type ObjectWish = {
	videoId: string | null;
	className: string | null;
	zone: string | null;
	order: 'file' | 'time';
};

/** One object of one job. */
export type ShownObject = {
	job: BatchEntry;
	identity: number;
	names: ReadonlyMap<number, string>;
	className: string;
	frame: number;
	/** Of its first frame, in the rising time line of the video. */
	seconds: number;
	/** Of its first frame (ISO 8601); null where nobody knows. */
	timeOfDay: string | null;
	seenSeconds: number;
	/** 0 to 1. */
	bestScore: number;
	zones: string[];
};

/** The table is drawn anew at most this often while it is read. */
const MILLISECONDS_PER_DRAWING = 300;
const EVERYTHING: ObjectWish = { videoId: null, className: null, zone: null, order: 'file' };

/** The objects of all jobs that are done: read job by job, filtered and ordered here. */
export class ObjectTable {
	wish: ObjectWish = $state.raw(EVERYTHING);
	/** The row that keys move from, among those shown. */
	current = $state(0);
	/** Jobs read, of how many; null while none is being read. */
	progress: { done: number; total: number } | null = $state.raw(null);
	/** Why some jobs have no objects, by id. */
	refused: ReadonlyMap<string, ErrorData> = $state.raw(new Map());
	#parts: readonly Part[] = $state.raw([]);
	readonly #host: HostApi;
	readonly #known = new Map<string, Part>();
	/** Jobs that were read since the table was opened. */
	readonly #read = new Set<string>();
	#wanted: readonly BatchEntry[] = [];
	#isWorking = false;
	#isStopped = false;
	#drawnAt = 0;

	readonly #offsets = $derived.by(() => {
		const offsets = [0];
		for (const { objects } of this.#parts) offsets.push(offsets.at(-1)! + objects.identities.length);
		return offsets;
	});
	/** The rows shown, in their order. */
	readonly rows = $derived.by(() => this.#rowsShown());
	readonly count = $derived(this.#offsets.at(-1)!);
	/** Names of classes and of zones that objects have. */
	readonly classes = $derived.by(() => namesIn(this.#parts, classesOf));
	readonly zones = $derived.by(() => namesIn(this.#parts, ({ objects }) => objects.zoneNames));
	/** Files whose zones could not be read, with the reason. */
	readonly withoutZones = $derived.by(() =>
		this.#parts.flatMap(({ job, zonesProblem }) => (zonesProblem ? [{ job, error: zonesProblem }] : [])),
	);

	constructor(host: HostApi) {
		this.#host = host;
	}

	/** Has everything read anew: a person may have drawn other zones. What is known stays until then. */
	open(): void {
		this.#isStopped = false;
		this.#read.clear();
		this.refused = new Map();
	}

	/** Shows the jobs that are done, and reads those that are not read yet. */
	async want(jobs: readonly BatchEntry[]): Promise<void> {
		this.#wanted = jobs.filter(({ state }) => state === 'done');
		if (this.#isWorking) return;
		this.#isWorking = true;
		for (let job = this.#next(); job; job = this.#next()) {
			const done = this.#wanted.filter(({ jobId }) => this.#read.has(jobId)).length;
			this.progress = { done, total: this.#wanted.length };
			await this.#readOne(job);
			this.#draw(false);
		}
		this.progress = null;
		this.#isWorking = false;
		this.#draw(true);
	}

	/** Until it is opened again; what has been read stays. */
	stop(): void {
		this.#isStopped = true;
	}

	choose(change: Partial<ObjectWish>): void {
		this.wish = { ...this.wish, ...change };
		this.current = 0;
	}

	at(row: number): ShownObject | null {
		const p = lastUpTo(this.#offsets, row);
		const part = this.#parts[p];
		if (!part) return null;
		const i = row - this.#offsets[p]!;
		const { job, names, timeOfDay, objects } = part;
		const seconds = objects.firstSeconds[i]!;
		return {
			job,
			identity: objects.identities[i]!,
			names,
			className: objects.classes[objects.classIndices[i]!] ?? '',
			frame: objects.firstFrames[i]!,
			seconds,
			timeOfDay: timeOfDay?.(seconds) ?? null,
			seenSeconds: objects.seenSeconds[i]!,
			bestScore: objects.bestScores[i]!,
			zones: zonesOf(objects, i).map((zone) => objects.zoneNames[zone]!),
		};
	}

	#next(): BatchEntry | undefined {
		return this.#isStopped ? undefined : this.#wanted.find(({ jobId }) => !this.#read.has(jobId));
	}

	async #readOne(job: BatchEntry): Promise<void> {
		this.#read.add(job.jobId);
		try {
			const answer = await this.#host.request('batch.objects', { jobId: job.jobId });
			const names = new Map(answer.objects.names);
			const timeOfDay = answer.clock && timesOfDay(answer.clock, answer);
			this.#known.set(job.jobId, { ...answer, job, names, timeOfDay });
		} catch (reason) {
			this.#known.delete(job.jobId);
			this.refused = new Map([...this.refused, [job.jobId, toErrorData(reason)]]);
		}
	}

	#draw(isLast: boolean): void {
		if (!isLast && performance.now() - this.#drawnAt < MILLISECONDS_PER_DRAWING) return;
		this.#drawnAt = performance.now();
		const parts = this.#wanted.flatMap(({ jobId }) => this.#known.get(jobId) ?? []);
		const isSame = parts.length === this.#parts.length && parts.every((part, i) => part === this.#parts[i]);
		if (!isSame) this.#parts = parts;
	}

	#rowsShown(): Uint32Array {
		const { videoId, className, zone, order } = this.wish;
		const rows = new Uint32Array(this.count);
		let count = 0;
		for (const [p, { job, objects }] of this.#parts.entries()) {
			if (videoId !== null && job.video.videoId !== videoId) continue;
			const classIndex = className === null ? -1 : objects.classes.indexOf(className);
			const zoneIndex = zone === null ? -1 : objects.zoneNames.indexOf(zone);
			if ((className !== null && classIndex < 0) || (zone !== null && zoneIndex < 0)) continue;
			for (let i = 0; i < objects.identities.length; i++) {
				if (className !== null && objects.classIndices[i] !== classIndex) continue;
				if (zone !== null && !zonesOf(objects, i).includes(zoneIndex)) continue;
				rows[count++] = this.#offsets[p]! + i;
			}
		}
		const shown = rows.subarray(0, count);
		return order === 'file' ? shown : this.#byTime(shown);
	}

	/** Those whose time of day nobody knows come last, file by file. */
	#byTime(rows: Uint32Array): Uint32Array {
		const times = new Float64Array(this.count);
		for (const [p, { clock, startSeconds, objects }] of this.#parts.entries()) {
			const start = clock ? Date.parse(clock.startsAt) / 1000 - startSeconds : Number.POSITIVE_INFINITY;
			for (const [i, seconds] of objects.firstSeconds.entries())
				times[this.#offsets[p]! + i] = start + seconds;
		}
		return rows.sort((a, b) => (times[a] === times[b] ? a - b : times[a]! - times[b]!));
	}
}

function zonesOf({ zoneOffsets, zones }: BatchObjects['objects'], i: number): number[] {
	return [...zones.subarray(zoneOffsets[i], zoneOffsets[i + 1])];
}

function classesOf({ objects }: Part): string[] {
	return [...new Set(objects.classIndices)].map((index) => objects.classes[index] ?? '');
}

function namesIn(parts: readonly Part[], namesOf: (part: Part) => readonly string[]): string[] {
	return [...new Set(parts.flatMap(namesOf))].sort((a, b) => a.localeCompare(b));
}
