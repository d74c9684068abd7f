import { stat } from 'node:fs/promises';
import { RecentMap } from '../domain/recent-map.ts';
import type { GroundTruth, TruthOptions } from '../evaluation/ground-truth/ground-truth.ts';
import { readGroundTruth } from '../evaluation/ground-truth/index.ts';
import { TruthFrames, type TruthMarks, type TruthTimeline } from '../evaluation/truth-frames.ts';
import { inTurns } from '../results/in-turns.ts';
import type { RunQueries } from './run-queries.ts';

export type TruthFile = { path: string; options: TruthOptions };

/** Files of truth that are kept in memory: frames are asked for block by block. */
const MOST_FILES = 2;

/** Answers questions about runs beside ground truth. Throws `truth-unreadable`. */
export class TruthQueries {
	readonly #queries: RunQueries;
	readonly #files = new RecentMap<string, GroundTruth>(MOST_FILES);

	constructor(queries: RunQueries) {
		this.#queries = queries;
	}

	async marks(runId: string, file: TruthFile, from: number, count: number): Promise<TruthMarks> {
		return new TruthFrames(await this.#queries.run(runId), await this.#read(file)).marks(from, count);
	}

	async timeline(runId: string, file: TruthFile): Promise<TruthTimeline> {
		return inTurns(new TruthFrames(await this.#queries.run(runId), await this.#read(file)).timeline());
	}

	async #read({ path, options }: TruthFile): Promise<GroundTruth> {
		const changed = await stat(path).then(
			({ mtimeMs }) => mtimeMs,
			() => 0,
		);
		const key = JSON.stringify([path, options, changed]);
		const known = this.#files.get(key);
		if (known) return known;
		const truth = readGroundTruth(path, options);
		this.#files.set(key, truth);
		return truth;
	}
}
