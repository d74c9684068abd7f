import type { TrackPaths } from '../domain/track-paths.ts';
import { enlarged } from './columns.ts';
import { orderByFrame } from './frame-order.ts';

/**
 * What can happen. `appeared` and `disappeared` are the first and last sighting of a track: one event for each zone that it lies
 * in, or one without a place. `dwelt` is who stays in a zone longer than a limit, once for each stay, in the first frame with which it is
 * longer; `crowded` is who comes into a zone that then has more at once than a limit and had not before.
 */
export const EVENT_KINDS = [
	'appeared',
	'disappeared',
	'entered',
	'left',
	'crossed',
	'dwelt',
	'crowded',
] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

/** Events in columns of equal length, ordered by frame. */
export type EventTable = {
	count: number;
	/** Indices into `EVENT_KINDS`. */
	kinds: Uint8Array;
	/** The decoded frame with the first sighting after it happened. */
	frameIndices: Int32Array;
	/** The frame of the sighting before; the same where there is none. Where the two lie apart, it happened somewhere between them. */
	sinceFrames: Int32Array;
	/** Of `frameIndices`. */
	timesSeconds: Float64Array;
	/** Positions of the tracks in `TrackPaths`. */
	tracks: Uint32Array;
	identities: Int32Array;
	classIndices: Uint16Array;
	/** Position of its zone among the zones or, of a crossing, of its line among the lines behind them; -1 for none. */
	places: Int16Array;
	/** Of a crossing: 1 forwards, -1 backwards; else 0. */
	directions: Int8Array;
	/** Seconds of the stay that ended (`left`, `disappeared`) or was long (`dwelt`); objects at once (`crowded`); else NaN. */
	amounts: Float32Array;
	/** Of the sighting in that frame, 0 to 1. */
	scores: Float32Array;
	/** [events, 4] Of that sighting: left, top, right, bottom in displayed pixels of the video. */
	boxesXyxy: Float32Array;
};

/** Gathers events in any order. */
export class EventCollector {
	#count = 0;
	#columns = {
		kinds: new Uint8Array(ROOM),
		tracks: new Uint32Array(ROOM),
		sightings: new Uint32Array(ROOM),
		since: new Uint32Array(ROOM),
		places: new Int16Array(ROOM),
		directions: new Int8Array(ROOM),
		amounts: new Float32Array(ROOM),
	};

	/** `sighting` and `since`, of the sighting before, are positions in the columns of the paths; the others as in the table. */
	add(
		kind: EventKind,
		track: number,
		sighting: number,
		since: number,
		place: number,
		amount = Number.NaN,
		direction = 0,
	): void {
		const row = this.#count++;
		if (row === this.#columns.kinds.length) this.#columns = enlarged(this.#columns);
		const columns = this.#columns;
		columns.kinds[row] = EVENT_KINDS.indexOf(kind);
		columns.tracks[row] = track;
		columns.sightings[row] = sighting;
		columns.since[row] = since;
		columns.places[row] = place;
		columns.directions[row] = direction;
		columns.amounts[row] = amount;
	}

	/** The table; events of one frame stay in the order in which they were added. */
	table(paths: TrackPaths): EventTable {
		const count = this.#count;
		const { kinds, tracks, sightings, since, places, directions, amounts } = this.#columns;
		const { frameIndices, timesSeconds, identities, classIndices, scores, boxesXyxy } = paths;
		const frames = new Int32Array(count);
		for (let e = 0; e < count; e++) frames[e] = frameIndices[sightings[e]!]!;
		const order = orderByFrame(frames);
		const table = emptyTable(count);
		for (let row = 0; row < count; row++) {
			const e = order[row]!;
			const sighting = sightings[e]!;
			const track = tracks[e]!;
			table.kinds[row] = kinds[e]!;
			table.frameIndices[row] = frames[e]!;
			table.sinceFrames[row] = frameIndices[since[e]!]!;
			table.timesSeconds[row] = timesSeconds[sighting]!;
			table.tracks[row] = track;
			table.identities[row] = identities[track]!;
			table.classIndices[row] = classIndices[track]!;
			table.places[row] = places[e]!;
			table.directions[row] = directions[e]!;
			table.amounts[row] = amounts[e]!;
			table.scores[row] = scores[sighting]!;
			for (let side = 0; side < 4; side++) {
				table.boxesXyxy[4 * row + side] = boxesXyxy[4 * sighting + side]!;
			}
		}
		return table;
	}
}

/** Events that there is room for at first. */
const ROOM = 256;

function emptyTable(count: number): EventTable {
	return {
		count,
		kinds: new Uint8Array(count),
		frameIndices: new Int32Array(count),
		sinceFrames: new Int32Array(count),
		timesSeconds: new Float64Array(count),
		tracks: new Uint32Array(count),
		identities: new Int32Array(count),
		classIndices: new Uint16Array(count),
		places: new Int16Array(count),
		directions: new Int8Array(count),
		amounts: new Float32Array(count),
		scores: new Float32Array(count),
		boxesXyxy: new Float32Array(4 * count),
	};
}
