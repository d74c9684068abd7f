import { countingSteps } from '../counting/count-tracks.ts';
import type { TrackPaths } from '../domain/track-paths.ts';
import type { ZoneSet } from '../domain/zones.ts';
import { identitiesOfRun } from '../export/identities.ts';
import { inTurns } from '../results/in-turns.ts';
import type { StoredRun } from '../results/stored-run.ts';
import { pathsOfRun } from '../tracking/run-paths.ts';
import type { RunTracks } from '../tracking/run-tracks.ts';
import { positionOf } from '../tracking/track-edits.ts';

/** The objects of a run, after a person's edits, in columns in the order of `RunTracks`. */
export type RunObjects = {
	identities: Int32Array;
	classIndices: Uint16Array;
	firstFrames: Int32Array;
	/** When each was seen first, in the rising time line of the video. */
	firstSeconds: Float64Array;
	/** For how long it was seen: gaps are not counted. */
	seenSeconds: Float64Array;
	/** 0 to 1. */
	bestScores: Float32Array;
	/** [objects + 1] Where the zones of each begin. */
	zoneOffsets: Uint32Array;
	/** Positions in `zoneNames` of those that it was in, ascending. */
	zones: Uint16Array;
	zoneNames: readonly string[];
	classes: readonly string[];
	/** The names that a person gave to some. */
	names: RunTracks['names'];
};

/** Follows a run's objects through the zones that were drawn, while other work of the process goes on. */
export async function objectsOfRun(
	run: StoredRun,
	drawn: ZoneSet | null,
	signal?: AbortSignal,
): Promise<RunObjects> {
	const identities = await identitiesOfRun(run, signal);
	const { names, ...tracks } = identities.tracks();
	const paths = await inTurns(pathsOfRun(run, identities), signal);
	const { offsets } = paths;
	const firstSeconds = Float64Array.from(tracks.identities, (_, t) => paths.timesSeconds[offsets[t]!]!);
	return {
		identities: tracks.identities,
		classIndices: tracks.classIndices,
		firstFrames: tracks.firstFrames,
		firstSeconds,
		seenSeconds: secondsSeen(tracks, run.frames),
		bestScores: bestScores(paths),
		...(await zonesOfTracks(paths, drawn, signal)),
		classes: run.header.model.classes,
		names,
	};
}

/** A frame is seen until the next one. */
function secondsSeen(
	{ spanOffsets, spans }: Pick<RunTracks, 'spanOffsets' | 'spans'>,
	{ frameIndex, timeSeconds }: StoredRun['frames'],
): Float64Array {
	const last = timeSeconds.length - 1;
	const end = last < 1 ? timeSeconds[last]! : 2 * timeSeconds[last]! - timeSeconds[last - 1]!;
	const seconds = new Float64Array(spanOffsets.length - 1);
	for (let t = 0; t < seconds.length; t++) {
		for (let s = spanOffsets[t]!; s < spanOffsets[t + 1]!; s++) {
			const from = positionOf(frameIndex, spans[2 * s]!);
			const to = positionOf(frameIndex, spans[2 * s + 1]!) + 1;
			seconds[t]! += (timeSeconds[to] ?? end) - timeSeconds[from]!;
		}
	}
	return seconds;
}

function bestScores({ offsets, scores }: TrackPaths): Float32Array {
	const best = new Float32Array(offsets.length - 1);
	for (let t = 0; t < best.length; t++)
		for (let i = offsets[t]!; i < offsets[t + 1]!; i++) best[t] = Math.max(best[t]!, scores[i]!);
	return best;
}

/** As visits are counted, so that the table says what the panel of zones does. */
async function zonesOfTracks(
	paths: TrackPaths,
	drawn: ZoneSet | null,
	signal: AbortSignal | undefined,
): Promise<Pick<RunObjects, 'zoneOffsets' | 'zones' | 'zoneNames'>> {
	const zoneOffsets = new Uint32Array(paths.identities.length + 1);
	const zoneNames = (drawn?.zones ?? []).map(({ name }) => name);
	if (!drawn || zoneNames.length === 0) return { zoneOffsets, zones: new Uint16Array(), zoneNames };
	const { visits } = await inTurns(countingSteps(paths, drawn), signal);
	const zones: number[] = [];
	// Visits are ordered by track, then zone.
	for (let v = 0, t = 0; t < paths.identities.length; t++) {
		for (; v < visits.count && visits.tracks[v] === t; v++) {
			const zone = visits.zones[v]!;
			if (zones.length === zoneOffsets[t] || zones.at(-1) !== zone) zones.push(zone);
		}
		zoneOffsets[t + 1] = zones.length;
	}
	return { zoneOffsets, zones: Uint16Array.from(zones), zoneNames };
}
