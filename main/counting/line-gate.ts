import type { CountingLine } from '../domain/zones.ts';
import type { CountedTrack } from './counted-track.ts';

export const FORWARDS = 1;
export const BACKWARDS = -1;

/** Told of every crossing: `i` is the first sighting beyond the line. */
export type OnCrossing = (direction: number, i: number) => void;

/**
 * Counts who goes over a line of two ends. A path is the polyline through its anchors, however far apart these are in time. Its
 * side has changed once an anchor is farther beyond the line than its margin; the change is a crossing if on the way there the
 * path passed between the ends of the line once more often in that direction than in the other. Who goes round an end, or
 * trembles on the line, crosses nothing. At both ends of a path, where nothing more is known, the side that its anchor is on
 * counts as it is, unless all of the path lies within the margins.
 */
export class LineGate {
	readonly #fromX: number;
	readonly #fromY: number;
	/** The direction of the line, of length 1. */
	readonly #alongX: number;
	readonly #alongY: number;
	readonly #length: number;
	readonly #left: number;
	readonly #top: number;
	readonly #right: number;
	readonly #bottom: number;

	constructor({ from, to }: CountingLine) {
		[this.#fromX, this.#fromY] = from;
		const length = Math.hypot(to[0] - from[0], to[1] - from[1]);
		this.#length = length;
		this.#alongX = (to[0] - from[0]) / length;
		this.#alongY = (to[1] - from[1]) / length;
		this.#left = Math.min(from[0], to[0]);
		this.#right = Math.max(from[0], to[0]);
		this.#top = Math.min(from[1], to[1]);
		this.#bottom = Math.max(from[1], to[1]);
	}

	/** Tells of all crossings of a track, in their order. */
	count(track: CountedTrack, onCrossing: OnCrossing): void {
		if (!track.mayMeet(this.#left, this.#top, this.#right, this.#bottom)) return;
		const { xs, ys, margins, count } = track;
		const [ax, ay, ux, uy] = [this.#fromX, this.#fromY, this.#alongX, this.#alongY];
		/** The side that is sure, 1 on the right; 0 as long as the path lies on the line. */
		let side = 0;
		/** The side of the last anchor off the line, and its distance from it, positive on the right. */
		let nearSide = 0;
		let nearDistance = 0;
		let isSure = false;
		/** Passages between the ends since the side was sure, less those backwards, and the last one of each direction. */
		let net = 0;
		let lastForwards = 0;
		let lastBackwards = 0;
		for (let i = 0; i < count; i++) {
			const dx = xs[i]! - ax;
			const dy = ys[i]! - ay;
			const distance = ux * dy - uy * dx;
			const now = distance > 0 ? FORWARDS : distance < 0 ? BACKWARDS : nearSide;
			if (side === 0) side = now;
			if (now !== nearSide && nearSide !== 0 && this.#passesBetweenEnds(track, i, nearDistance, distance)) {
				net += now;
				if (now === FORWARDS) lastForwards = i;
				else lastBackwards = i;
			}
			nearSide = now;
			nearDistance = distance;
			const isFar = Math.abs(distance) > margins[i]!;
			isSure ||= isFar;
			if (!isFar && !(i === count - 1 && isSure)) continue;
			if (now !== side) {
				if (Math.sign(net) === now) onCrossing(now, now === FORWARDS ? lastForwards : lastBackwards);
				side = now;
			}
			net = 0;
		}
	}

	/** Whether the way to sighting `i` goes between the ends; given the distances from the line before and after it. */
	#passesBetweenEnds(track: CountedTrack, i: number, before: number, after: number): boolean {
		const share = before / (before - after);
		const x = track.xs[i - 1]! + share * (track.xs[i]! - track.xs[i - 1]!);
		const y = track.ys[i - 1]! + share * (track.ys[i]! - track.ys[i - 1]!);
		const along = (x - this.#fromX) * this.#alongX + (y - this.#fromY) * this.#alongY;
		return along >= 0 && along <= this.#length;
	}
}
