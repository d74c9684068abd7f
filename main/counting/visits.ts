import type { TrackPaths } from '../domain/track-paths.ts';
import { enlarged, filled } from './columns.ts';
import type { Stay } from './zone-gate.ts';

/** The stays of all tracks in all zones, in columns of equal length, ordered by track, then zone, then time. */
export type VisitTable = {
	count: number;
	/** Positions among the zones. */
	zones: Uint16Array;
	/** Positions of the tracks in `TrackPaths`. */
	tracks: Uint32Array;
	/** 1 where it came from outside; 0 where its track appeared within the zone. */
	hasEntered: Uint8Array;
	/** 1 where it went outside; 0 where its track ended within the zone. */
	hasLeft: Uint8Array;
	/** Positions of the first sighting in the zone among those of all tracks. */
	enterSightings: Uint32Array;
	/** The decoded frame with that sighting. */
	enterFrames: Int32Array;
	/** The one with the first sighting outside; where it has not left, the one with its last sighting. */
	leaveFrames: Int32Array;
	/** When the edge was crossed: between two sightings, as if the object had moved evenly. */
	enterSeconds: Float64Array;
	leaveSeconds: Float64Array;
};

/** Visits that there is room for at first. */
const ROOM = 256;

/** Gathers visits in the order of their table. */
export class VisitCollector {
	#count = 0;
	#columns = {
		zones: new Uint16Array(ROOM),
		tracks: new Uint32Array(ROOM),
		hasEntered: new Uint8Array(ROOM),
		hasLeft: new Uint8Array(ROOM),
		enterSightings: new Uint32Array(ROOM),
		enterFrames: new Int32Array(ROOM),
		leaveFrames: new Int32Array(ROOM),
		enterSeconds: new Float64Array(ROOM),
		leaveSeconds: new Float64Array(ROOM),
	};

	add({ offsets, frameIndices }: TrackPaths, zone: number, track: number, stay: Stay): void {
		const row = this.#count++;
		if (row === this.#columns.zones.length) this.#columns = enlarged(this.#columns);
		const columns = this.#columns;
		const first = offsets[track]!;
		columns.zones[row] = zone;
		columns.tracks[row] = track;
		columns.hasEntered[row] = stay.hasEntered ? 1 : 0;
		columns.hasLeft[row] = stay.hasLeft ? 1 : 0;
		columns.enterSightings[row] = first + stay.enters;
		columns.enterFrames[row] = frameIndices[first + stay.enters]!;
		columns.leaveFrames[row] = frameIndices[first + stay.leaves]!;
		columns.enterSeconds[row] = stay.enterSeconds;
		columns.leaveSeconds[row] = stay.leaveSeconds;
	}

	table(): VisitTable {
		return { count: this.#count, ...filled(this.#columns, this.#count) };
	}
}
