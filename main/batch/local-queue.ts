import type { BatchFolder } from './batch-folder.ts';
import type { Claim, JobQueue } from './queue.ts';

/** The jobs of one batch in its own order, without a server: everything lies in the batch's folder. */
export class LocalQueue implements JobQueue {
	readonly #folder: BatchFolder;

	constructor(folder: BatchFolder) {
		this.#folder = folder;
	}

	async next(): Promise<Claim | null> {
		for (const job of await this.#folder.open()) {
			const claim = await this.#folder.claim(job);
			if (claim) return claim;
		}
		return null;
	}

	async upcoming(): Promise<string | null> {
		return (await this.#folder.open())[0]?.videoPath ?? null;
	}

	async isDone(): Promise<boolean> {
		const outcomes = await this.#folder.outcomes();
		return (await this.#folder.jobs()).every(({ id }) => outcomes.has(id));
	}

	async close(): Promise<void> {
		// Nothing is open between two calls.
	}
}
