import type { Zone } from '../domain/zones.ts';
import type { CountedTrack } from './counted-track.ts';
import { distanceToEdge, isInside } from './geometry.ts';

/** One stay of a track in a zone. Sightings are counted within the track. */
export type Stay = {
	/** Whether it began outside: otherwise the track began within the zone. */
	hasEntered: boolean;
	/** The first sighting within the zone, or the one after the zone where it was passed between two sightings. */
	enters: number;
	enterSeconds: number;
	/** Whether it ended outside: otherwise the track ended within the zone. */
	hasLeft: boolean;
	/** The first sighting after it, where the track has left; else the last one. */
	leaves: number;
	leaveSeconds: number;
};

export type OnStay = (stay: Stay) => void;

/**
 * Finds the stays of tracks in a zone. A path is the polyline through its anchors: what it does between two sightings counts, so
 * that a zone can be entered and left between two of them. Who is inside has left once farther outside than the margin, and the other
 * way round; the change happened where the edge was crossed last before that. At both ends of a path, where nothing more is
 * known, an anchor counts as it lies, unless all of the path lies within the margins. Who is within the zone at first has appeared
 * there and has not entered it; who is there at last has disappeared, and has not left it.
 */
export class ZoneGate {
	/** x0, y0, x1, y1, ... */
	readonly #corners: Float64Array;
	readonly #left: number;
	readonly #top: number;
	readonly #right: number;
	readonly #bottom: number;
	/** Where the way between two sightings crosses edges, as shares of it, in order. */
	readonly #shares: number[] = [];

	constructor({ points }: Zone) {
		this.#corners = Float64Array.from(points.flat());
		const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
		this.#left = Math.min(...xs);
		this.#right = Math.max(...xs);
		this.#top = Math.min(...ys);
		this.#bottom = Math.max(...ys);
	}

	/** Tells of all stays of a track, in their order. */
	count(track: CountedTrack, onStay: OnStay): void {
		if (!track.mayMeet(this.#left, this.#top, this.#right, this.#bottom)) return;
		const { xs, ys, steps, margins, count } = track;
		/** Where the path is surely, and where its last point was; and the last crossing between them, on the way to sighting `crossedAt`. */
		let within = this.#holds(xs[0]!, ys[0]!);
		let nearWithin = within;
		let crossedAt = 0;
		let crossedShare = 0;
		let hasChanged = false; // and so has been beyond the margins
		let stay: Stay | null = within ? beginning(false, 0, track.secondsAt(0, 1)) : null;
		const change = () => {
			within = !within;
			const seconds = track.secondsAt(crossedAt, crossedShare);
			if (stay) onStay({ ...stay, hasLeft: true, leaves: crossedAt, leaveSeconds: seconds });
			stay = within ? beginning(true, crossedAt, seconds) : null;
		};
		const visit = (i: number, depth: number, nowWithin: boolean, share: number) => {
			if (nowWithin !== nearWithin) {
				crossedAt = i;
				crossedShare = share;
			}
			nearWithin = nowWithin;
			if (nowWithin === within || depth <= margins[i]!) return;
			hasChanged = true;
			change();
		};
		let free = this.#depth(xs[0]!, ys[0]!); // the path may go on as far as this without meeting the edge
		for (let i = 1; i < count; i++) {
			free -= steps[i]!;
			if (free > 0) continue;
			const x = xs[i]!;
			const y = ys[i]!;
			const nowWithin = this.#holds(x, y);
			const depth = this.#depth(x, y);
			// A way from side to side is at least as long as both its ends lie deep; and where both are on one side, no point between them
			// lies deeper on the other one than half of the way.
			const meetsEdge = nowWithin !== nearWithin || (free + depth <= 0 && steps[i]! > 2 * margins[i]!);
			free = nowWithin === within ? depth : 0; // else it may move beyond the margin without meeting the edge
			if (!meetsEdge) {
				visit(i, depth, nowWithin, 0);
				continue;
			}
			const beforeX = xs[i - 1]!;
			const beforeY = ys[i - 1]!;
			const shares = this.#crossings(beforeX, beforeY, x, y);
			for (let s = 1; s < shares.length; s++) {
				const middle = (shares[s - 1]! + shares[s]!) / 2;
				const [midX, midY] = [beforeX + middle * (x - beforeX), beforeY + middle * (y - beforeY)];
				visit(i, this.#depth(midX, midY), this.#holds(midX, midY), shares[s - 1]!);
			}
			visit(i, depth, nowWithin, shares.at(-1) ?? 1);
		}
		if (nearWithin !== within && (hasChanged || this.#isEverSure(track))) change();
		const last = count - 1;
		if (stay) onStay({ ...stay, leaves: last, leaveSeconds: track.secondsAt(last, 1) });
	}

	#holds(x: number, y: number): boolean {
		if (x < this.#left || x > this.#right || y < this.#top || y > this.#bottom) return false;
		return isInside(this.#corners, x, y);
	}

	#depth(x: number, y: number): number {
		return distanceToEdge(this.#corners, x, y);
	}

	#isEverSure({ xs, ys, margins, count }: CountedTrack): boolean {
		for (let i = 0; i < count; i++) if (this.#depth(xs[i]!, ys[i]!) > margins[i]!) return true;
		return false;
	}

	/** Where the way from a to b crosses edges, as shares of it, in order. */
	#crossings(ax: number, ay: number, bx: number, by: number): readonly number[] {
		const [corners, shares] = [this.#corners, this.#shares];
		shares.length = 0;
		const [dx, dy] = [bx - ax, by - ay];
		for (let i = 0, j = corners.length - 2; i < corners.length; j = i, i += 2) {
			const [cx, cy] = [corners[j]!, corners[j + 1]!];
			const [ex, ey] = [corners[i]! - cx, corners[i + 1]! - cy];
			const across = dx * ey - dy * ex;
			if (across === 0) continue; // along the edge
			const share = ((cx - ax) * ey - (cy - ay) * ex) / across;
			const onEdge = ((cx - ax) * dy - (cy - ay) * dx) / across;
			if (share >= 0 && share <= 1 && onEdge >= 0 && onEdge <= 1) shares.push(share);
		}
		return shares.length > 1 ? shares.sort((a, b) => a - b) : shares;
	}
}

function beginning(hasEntered: boolean, enters: number, enterSeconds: number): Stay {
	return { hasEntered, enters, enterSeconds, hasLeft: false, leaves: enters, leaveSeconds: enterSeconds };
}
