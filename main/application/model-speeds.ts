import { mkdtemp, rm } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { MeasuredSpeed, Preferences } from '../../preload/contract.ts';
import { startAnalysis } from '../analysis/client.ts';
import type { AnalysisExchange } from '../analysis/protocol.ts';
import { UserFacingError } from '../domain/errors.ts';
import type { CatalogEntry } from '../models/catalog.ts';
import { makeFolder } from '../process/make-folder.ts';
import type { WorkerProcess } from '../process/worker-process.ts';
import { openRun } from '../results/stored-run.ts';
import { readJsonFile, writeJsonFile } from '../process/json-file.ts';

/** Enough for a median, few enough for a slow network. */
const FRAMES = 20;

const speed = z.object({
	mode: z.string(),
	milliseconds: z.number(),
	frames: z.number(),
	size: z.object({ width: z.number(), height: z.number() }),
	measuredAt: z.string(),
}) satisfies z.ZodType<MeasuredSpeed>;
/** By processor and hash of the weights: a cache may travel to another machine. */
const speedsFile = z.record(z.string(), z.array(speed));

type SpeedsDependencies = {
	cacheFolder: string;
	preferences: () => Preferences;
	startWorker: () => WorkerProcess<AnalysisExchange>;
	/** Keeps runs from starting meanwhile. */
	alone: <T>(work: () => Promise<T>) => Promise<T>;
};

/** How fast models run on this machine: measured when a person asks, and remembered. */
export class ModelSpeeds {
	readonly #deps: SpeedsDependencies;
	readonly #path: string;

	constructor(dependencies: SpeedsDependencies) {
		this.#deps = dependencies;
		this.#path = join(dependencies.cacheFolder, 'model-speeds.json');
	}

	/** What was measured of the model with these weights, one entry a mode. */
	async of(sha256: string): Promise<MeasuredSpeed[]> {
		return (await this.#read())[keyOf(sha256)] ?? [];
	}

	/** Runs a model on the first frames of a video, in a process of its own. Throws what an analysis throws. */
	measure({ path }: CatalogEntry, mode: string, videoPath: string): Promise<MeasuredSpeed> {
		const { cacheFolder, preferences, startWorker, alone } = this.#deps;
		return alone(async () => {
			makeFolder(cacheFolder);
			const folder = await mkdtemp(join(cacheFolder, 'measure-'));
			try {
				const runFolder = join(folder, 'run');
				const { threads, maxSide } = preferences();
				const range = { from: { frame: 0 }, to: { frame: FRAMES - 1 }, every: 1 };
				const job = {
					videoPath,
					modelPath: path,
					mode,
					settings: {},
					range,
					runFolder,
					start: 'create',
				} as const;
				const more = {
					threads,
					execution: null,
					maxSide,
					scoreThreshold: null,
					wantsFrames: false,
					cacheFolder,
				};
				await startAnalysis({ ...job, ...more }, startWorker(), () => undefined).outcome;
				return await this.#store(runFolder);
			} finally {
				await rm(folder, { recursive: true, force: true });
			}
		});
	}

	async #store(runFolder: string): Promise<MeasuredSpeed> {
		const { header, ...run } = await openRun(runFolder).then((opened) => ({
			header: opened.header,
			summary: opened.summary(),
		}));
		const { frames, medianMsPerFrame } = run.summary;
		if (frames < 2) {
			throw new UserFacingError('no-frames', 'A video of at least two frames was expected to measure on.');
		}
		const measured: MeasuredSpeed = {
			mode: header.mode,
			milliseconds: medianMsPerFrame.total - medianMsPerFrame.decode,
			frames: frames - 1,
			size: header.letterbox.displaySize,
			measuredAt: new Date().toISOString(),
		};
		const known = await this.#read();
		const key = keyOf(header.model.sha256);
		known[key] = [...(known[key] ?? []).filter(({ mode }) => mode !== measured.mode), measured];
		await writeJsonFile(this.#path, known).catch(() => undefined); // it was measured all the same
		return measured;
	}

	async #read(): Promise<z.infer<typeof speedsFile>> {
		return (await readJsonFile(this.#path, speedsFile)) ?? {};
	}
}

function keyOf(sha256: string): string {
	return `${cpus()[0]?.model ?? 'unknown'} ${sha256}`;
}
