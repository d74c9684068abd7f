import type { RequestInput } from '../../preload/contract.ts';
import type { ListedEvents } from '../../preload/events-contract.ts';
import { COUNTING } from '../counting/count-tracks.ts';
import { presenceOf, type PresenceMap } from '../counting/presence.ts';
import { countAtZones } from './count-at-zones.ts';
import type { RunQueries } from './run-queries.ts';

/** What happened in runs: the page's questions about events. */
export class Events {
	readonly #queries: RunQueries;

	constructor(queries: RunQueries) {
		this.#queries = queries;
	}

	/** Throws `zones-unreadable` for zones that count nothing. */
	async list({ runId, zones, ...limits }: RequestInput<'events.list'>): Promise<ListedEvents> {
		const { events } = await countAtZones(this.#queries, runId, zones, { ...COUNTING, ...limits });
		const { sinceFrames, tracks, ...listed } = events;
		return listed;
	}

	/** Of the whole run, as far as it is stored. */
	async presence({ runId, anchor, classIndex }: RequestInput<'events.presence'>): Promise<PresenceMap> {
		const { displaySize } = (await this.#queries.run(runId)).header.video;
		return presenceOf(await this.#queries.paths(runId), displaySize, anchor, classIndex);
	}
}
