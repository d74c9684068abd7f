import { countingSteps, type Counting, type CountingOptions } from '../counting/count-tracks.ts';
import { parseZones, zonesToText } from '../counting/zone-file.ts';
import type { ZoneSet } from '../domain/zones.ts';
import { inTurns } from '../results/in-turns.ts';
import type { RunQueries } from './run-queries.ts';

/**
 * Counts a run, as far as it is stored, at zones that the page names; other work of the host goes on. Throws `zones-unreadable` for
 * zones that count nothing.
 */
export async function countAtZones(
	queries: RunQueries,
	runId: string,
	zones: ZoneSet,
	options?: CountingOptions,
): Promise<Counting> {
	const checked = parseZones(zonesToText(zones), 'zones');
	return inTurns(countingSteps(await queries.paths(runId), checked, options));
}
