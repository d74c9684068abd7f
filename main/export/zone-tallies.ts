import { countingSteps } from '../counting/count-tracks.ts';
import { EVENT_KINDS } from '../counting/events.ts';
import type { ZoneSet } from '../domain/zones.ts';
import type { StoredRun } from '../results/stored-run.ts';
import { pathsOfRun } from '../tracking/run-paths.ts';
import { identitiesOfRun, inTurnsUnlessCancelled } from './identities.ts';

/** What zones and lines of a run have counted up to a frame; frames are asked for in ascending order. */
export type Tally = (frameIndex: number) => readonly string[];

/**
 * Counts a run once, for any number of passes through its frames. A zone tells how many it holds and how many have entered, a line how many crossed it along its arrow and
 * against it. Rejects with `cancelled`.
 */
export async function tallyOf(run: StoredRun, zones: ZoneSet, signal?: AbortSignal): Promise<() => Tally> {
	const identities = await identitiesOfRun(run, signal);
	const paths = await inTurnsUnlessCancelled(pathsOfRun(run, identities), signal);
	const { events, occupancy } = await inTurnsUnlessCancelled(countingSteps(paths, zones), signal);
	const places = zones.zones.length + zones.lines.length;
	return () => {
		const entered = new Uint32Array(zones.zones.length);
		const forwards = new Uint32Array(places);
		const backwards = new Uint32Array(places);
		const steps = new Uint32Array(zones.zones.length);
		let row = 0;

		return (frameIndex) => {
			for (; row < events.count && events.frameIndices[row]! <= frameIndex; row++) {
				const place = events.places[row]!;
				if (place < 0) continue;
				const kind = EVENT_KINDS[events.kinds[row]!]!;
				if (kind === 'entered') entered[place]!++;
				else if (kind === 'crossed') (events.directions[row]! > 0 ? forwards : backwards)[place]!++;
			}
			const ofZones = occupancy.map(({ frameIndices, counts }, zone) => {
				while (steps[zone]! < frameIndices.length && frameIndices[steps[zone]!]! <= frameIndex)
					steps[zone]!++;
				const inside = steps[zone] === 0 ? 0 : counts[steps[zone]! - 1]!;
				return `${inside} inside, ${entered[zone]!} entered`;
			});
			const ofLines = zones.lines.map((_, i) => {
				const place = zones.zones.length + i;
				return `${forwards[place]!} with the arrow, ${backwards[place]!} against`;
			});
			return [...ofZones, ...ofLines];
		};
	};
}
