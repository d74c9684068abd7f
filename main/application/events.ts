import type { RequestInput } from '../../preload/contract.ts';
import type { ListedEvents } from '../../preload/events-contract.ts';
import { COUNTING, countingSteps } from '../counting/count-tracks.ts';
import { presenceOf, type PresenceMap } from '../counting/presence.ts';
import { parseZones, zonesToText } from '../counting/zone-file.ts';
import { inTurns } from '../results/in-turns.ts';
import type { RunQueries } from './run-queries.ts';

/** What happened in runs: the page's questions about events. */
export class Events {
	readonly #queries: RunQueries;

	constructor(queries: RunQueries) {
		this.#queries = queries;
	}

	/** Throws `zones-unreadable` for zones that count nothing. */
	async list({ runId, zones, ...limits }: RequestInput<'events.list'>): Promise<ListedEvents> {
		const checked = parseZones(zonesToText(zones), 'zones');
		const paths = await this.#queries.paths(runId);
		const { events } = await inTurns(countingSteps(paths, checked, { ...COUNTING, ...limits }));
		const { sinceFrames, tracks, ...listed } = events;
		return listed;
	}

	/** Of the whole run, as far as it is stored. */
	async presence({ runId, anchor, classIndex }: RequestInput<'events.presence'>): Promise<PresenceMap> {
		const { displaySize } = (await this.#queries.run(runId)).header.video;
		return presenceOf(await this.#queries.paths(runId), displaySize, anchor, classIndex);
	}
}
