import type { Answers, Preferences, RequestInput } from '../../preload/contract.ts';
import { UserFacingError } from '../domain/errors.ts';
import { startProbe } from '../probing/client.ts';
import type { ProbeExchange } from '../probing/protocol.ts';
import type { DataFolders } from '../process/data-folders.ts';
import type { WorkerProcess } from '../process/worker-process.ts';

type ModelCardsDependencies = {
	folders: Pick<DataFolders, 'cache' | 'cards'>;
	preferences: () => Preferences;
	startWorker: () => WorkerProcess<ProbeExchange>;
};

/** What the page asks to find out, and to store, how an ONNX file is read. One frame is looked at at a time. */
export class ModelCards {
	readonly #deps: ModelCardsDependencies;
	#worker: WorkerProcess<ProbeExchange> | null = null;

	constructor(dependencies: ModelCardsDependencies) {
		this.#deps = dependencies;
	}

	/** Rejects with `cancelled` when another look, or none, is wanted meanwhile. */
	async read(
		modelPath: string,
		videoPath: string,
		{ seconds, changes, unlessCertain }: RequestInput<'models.readings'>,
	): Promise<Answers['models.readings']> {
		const { folders, preferences, startWorker } = this.#deps;
		this.stop();
		const worker = (this.#worker = startWorker());
		const { cache: cacheFolder, cards: cardsFolder } = folders;
		const { threads } = preferences();
		const job = { modelPath, cacheFolder, cardsFolder, videoPath, seconds, changes, unlessCertain, threads };
		try {
			return await startProbe(job, worker);
		} catch (error) {
			if (this.#worker === worker) throw error;
			throw new UserFacingError('cancelled', 'The frame is not wanted any more.');
		} finally {
			if (this.#worker === worker) this.#worker = null;
		}
	}

	/** Ends the look that goes on, if one does. */
	stop(): void {
		const worker = this.#worker;
		this.#worker = null;
		worker?.kill();
	}

	/** Throws `output-not-writable`, or what is wrong with the changes. */
	async save(modelPath: string, { change, place }: RequestInput<'models.saveCard'>): Promise<void> {
		// Loads the engine's families, which the start of the application does without.
		const { cardOf, choiceOf, storeCard } = await import('../probing/readings.ts');
		const choice = await choiceOf(modelPath, this.#deps.folders);
		storeCard(choice, cardOf(choice, change.reading, [change]), place, this.#deps.folders);
	}
}
