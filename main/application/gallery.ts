import type { RequestInput } from '../../preload/contract.ts';
import { bestSightings, seenInside, type BestSightings } from '../counting/best-sightings.ts';
import type { TrackPaths } from '../domain/track-paths.ts';
import { inTurns } from '../results/in-turns.ts';
import type { RunQueries } from './run-queries.ts';

/** The best sighting of every object: the page's question for its gallery. */
export class Gallery {
	readonly #queries: Pick<RunQueries, 'run' | 'paths'>;
	/** By the paths, which are others as soon as a run has grown or its tracks were edited. */
	readonly #known = new WeakMap<TrackPaths, Promise<BestSightings>>();

	constructor(queries: Pick<RunQueries, 'run' | 'paths'>) {
		this.#queries = queries;
	}

	/** Of the whole run, as far as it is stored. */
	async best({ runId }: RequestInput<'tracks.best'>): Promise<BestSightings> {
		const { displaySize } = (await this.#queries.run(runId)).header.video;
		const paths = await this.#queries.paths(runId);
		const best = this.#known.get(paths) ?? inTurns(bestSightings(paths, displaySize));
		this.#known.set(paths, best);
		return best;
	}

	/** Who was in a zone, in order of their first sightings. */
	async inZone({ runId, points, anchor }: RequestInput<'tracks.inZone'>): Promise<Int32Array> {
		return seenInside(await this.#queries.paths(runId), points, anchor);
	}
}
