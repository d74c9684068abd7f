import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { startAnalysis } from '../analysis/client.ts';
import type { AnalysisExchange, AnalysisJob } from '../analysis/protocol.ts';
import { UserFacingError } from '../domain/errors.ts';
import { ATTENTIONS, type Execution, executionOf, PRECISIONS } from '../domain/execution.ts';
import type { MeasuredSpeed, SpeedConditions } from '../domain/speed.ts';
import { readJsonFile, writeJsonFile } from '../process/json-file.ts';
import { makeFolder } from '../process/make-folder.ts';
import type { WorkerProcess } from '../process/worker-process.ts';
import { openRun } from '../results/stored-run.ts';
import { machineFingerprint } from './fingerprint.ts';

/** Enough for a median, few enough for a slow network. */
const FRAMES = 20;
/** A slow network has run enough of them after this time. */
const ENOUGH_MILLISECONDS = 10_000;
const ENOUGH_FRAMES = 4;
/** Of a model, the latest: videos have many sizes. */
const MOST_REMEMBERED = 64;

/** What could not be measured, and why. */
export type FailedMeasurement = SpeedConditions & { failure: string };

const conditions = {
	mode: z.string(),
	provider: z.string(),
	attention: z.enum(ATTENTIONS),
	precision: z.enum(PRECISIONS),
	size: z.object({ width: z.number(), height: z.number() }),
	maxSide: z.number().nullable(),
	threads: z.number().nullable(),
};
const speed = z.object({
	...conditions,
	model: z.string(),
	milliseconds: z.number(),
	frames: z.number(),
	measuredAt: z.string(),
}) satisfies z.ZodType<MeasuredSpeed>;
const failed = z.object({ ...conditions, failure: z.string() }) satisfies z.ZodType<FailedMeasurement>;
/** By machine with its drivers, and hash of the weights, the latest last. */
const speedsFile = z.record(z.string(), z.array(z.union([speed, failed])));

/** What is measured: a model in a mode, on the first frames of a video. */
export type SpeedJob = Pick<AnalysisJob, 'videoPath' | 'modelPath' | 'mode' | 'maxSide' | 'threads'> & {
	execution: Execution;
};

type SpeedsDependencies = {
	cacheFolder: string;
	startWorker: () => WorkerProcess<AnalysisExchange>;
	fingerprint?: () => string;
};

/** How fast models run on this machine, each measured in a process of its own, and remembered in the cache folder. */
export class Speeds {
	readonly #cacheFolder: string;
	readonly #startWorker: () => WorkerProcess<AnalysisExchange>;
	readonly #fingerprint: () => string;
	readonly #path: string;

	constructor({ cacheFolder, startWorker, fingerprint = machineFingerprint }: SpeedsDependencies) {
		this.#cacheFolder = cacheFolder;
		this.#startWorker = startWorker;
		this.#fingerprint = fingerprint;
		this.#path = join(cacheFolder, 'model-speeds.json');
	}

	/** What was measured of the model with these weights, the latest last. */
	async of(sha256: string): Promise<MeasuredSpeed[]> {
		return ((await this.#read())[this.#keyOf(sha256)] ?? []).filter(isMeasured);
	}

	/** What was measured last on each execution provider. */
	async latest(): Promise<Map<string, MeasuredSpeed>> {
		const ofMachine = this.#keyOf('');
		const all = Object.entries(await this.#read())
			.filter(([key]) => key.startsWith(ofMachine))
			.flatMap(([, entries]) => entries.filter(isMeasured))
			.sort((a, b) => a.measuredAt.localeCompare(b.measuredAt));
		return new Map(all.map((one) => [one.provider, one]));
	}

	/** What is remembered of exactly these conditions; null for nothing. */
	async find(sha256: string, wanted: SpeedConditions): Promise<MeasuredSpeed | FailedMeasurement | null> {
		const known = (await this.#read())[this.#keyOf(sha256)] ?? [];
		return known.find((one) => isDeepStrictEqual(conditionsOf(one), conditionsOf(wanted))) ?? null;
	}

	/**
	 * Runs a model on the first frames of a video, in a process of its own, which is killed when it takes longer than `patience`
	 * milliseconds or `signal` is aborted. Throws what an analysis throws.
	 */
	async measure(
		job: SpeedJob,
		{ patience, signal }: { patience?: number; signal?: AbortSignal } = {},
	): Promise<MeasuredSpeed> {
		makeFolder(this.#cacheFolder);
		const folder = await mkdtemp(join(this.#cacheFolder, 'measure-'));
		try {
			const runFolder = join(folder, 'run');
			await this.#run({ ...job, ...this.#rest(), runFolder }, patience, signal);
			return await this.#store(runFolder, job);
		} finally {
			await rm(folder, { recursive: true, force: true });
		}
	}

	/** Remembers that something could not be measured, so that the next run need not find out again. */
	noteFailure(sha256: string, entry: FailedMeasurement): Promise<void> {
		return this.#put(sha256, entry);
	}

	/** Gives another chance to all that failed. */
	async forgetFailures(): Promise<void> {
		const known = Object.entries(await this.#read());
		const kept = known.map(([key, entries]) => [key, entries.filter(isMeasured)] as const);
		if (known.some(([, entries]) => !entries.every(isMeasured))) {
			await writeJsonFile(this.#path, Object.fromEntries(kept)).catch(() => undefined);
		}
	}

	#rest() {
		const range = { from: { frame: 0 }, to: { frame: FRAMES - 1 }, every: 1 };
		const usual = { settings: {}, scoreThreshold: null, wantsFrames: false, start: 'create' } as const;
		return { ...usual, range, cacheFolder: this.#cacheFolder };
	}

	async #run(job: AnalysisJob, patience = Infinity, signal?: AbortSignal): Promise<void> {
		const started = performance.now();
		const analysis = startAnalysis(job, this.#startWorker(), (news) => {
			const isSlow = performance.now() - started > ENOUGH_MILLISECONDS;
			if (news.type === 'progress' && isSlow && news.progress.framesDone >= ENOUGH_FRAMES) analysis.cancel();
		});
		let isLate = false;
		const timer =
			patience === Infinity
				? undefined
				: setTimeout(() => {
						isLate = true;
						analysis.kill();
					}, patience);
		const stop = () => analysis.kill();
		signal?.addEventListener('abort', stop);
		if (signal?.aborted) stop();
		try {
			await analysis.outcome;
		} catch (error) {
			if (!isLate) throw error;
			const seconds = Math.round(patience / 1000);
			throw new UserFacingError('worker-died', `It had not run ${FRAMES} frames after ${seconds} seconds.`);
		} finally {
			clearTimeout(timer);
			signal?.removeEventListener('abort', stop);
		}
	}

	async #store(runFolder: string, { maxSide, threads }: SpeedJob): Promise<MeasuredSpeed> {
		const run = await openRun(runFolder);
		const { header } = run;
		const { frames, medianMsPerFrame } = run.summary();
		if (frames < 2) {
			throw new UserFacingError('no-frames', 'A video of at least two frames was expected to measure on.');
		}
		const measured: MeasuredSpeed = {
			...executionOf(header),
			mode: header.mode,
			size: header.letterbox.displaySize,
			maxSide,
			threads,
			model: header.model.name,
			milliseconds: medianMsPerFrame.total - medianMsPerFrame.decode,
			frames: frames - 1,
			measuredAt: new Date().toISOString(),
		};
		await this.#put(header.model.sha256, measured);
		return measured;
	}

	/** If it can't be written, it was measured all the same. */
	async #put(sha256: string, entry: MeasuredSpeed | FailedMeasurement): Promise<void> {
		const known = await this.#read();
		const key = this.#keyOf(sha256);
		const others = (known[key] ?? []).filter(
			(one) => !isDeepStrictEqual(conditionsOf(one), conditionsOf(entry)),
		);
		known[key] = [...others.slice(1 - MOST_REMEMBERED), entry];
		await writeJsonFile(this.#path, known).catch(() => undefined);
	}

	#keyOf(sha256: string): string {
		return `${this.#fingerprint()} ${sha256}`;
	}

	async #read(): Promise<z.infer<typeof speedsFile>> {
		return (await readJsonFile(this.#path, speedsFile)) ?? {};
	}
}

function conditionsOf(entry: SpeedConditions): SpeedConditions {
	const { mode, size, maxSide, threads } = entry;
	return { ...executionOf(entry), mode, size, maxSide, threads };
}

function isMeasured(entry: MeasuredSpeed | FailedMeasurement): entry is MeasuredSpeed {
	return 'milliseconds' in entry;
}

/** How long the frames that are measured took in a run where each took so long. */
export function measuredMilliseconds(millisecondsPerFrame: number): number {
	return FRAMES * millisecondsPerFrame;
}
