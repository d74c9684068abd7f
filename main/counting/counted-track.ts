import type { TrackPaths } from '../domain/track-paths.ts';
import type { Anchor } from '../domain/zones.ts';

/**
 * The path of one track as it is counted: where its anchor was at every sighting, and by how far its box makes that doubtful. One
 * object serves all tracks, one after another.
 */
export class CountedTrack {
	/** [sightings] In pixels of the video. */
	xs = new Float64Array(256);
	ys = new Float64Array(256);
	/** [sightings] Pixels beyond a line or an edge from which on a side is sure. */
	margins = new Float64Array(256);
	/** The lengths of the ways from the sighting before. */
	steps = new Float64Array(256);
	seconds: Float64Array = new Float64Array(0);
	/** Number of sightings. */
	count = 0;
	/** Index of the first sighting among those of all tracks. */
	first = 0;
	left = 0;
	top = 0;
	right = 0;
	bottom = 0;
	readonly #paths: TrackPaths;
	readonly #hysteresis: number;
	/** The weights of left, top, right and bottom in the anchor's x (of left and right) and y (of top and bottom). */
	readonly #leftShare: number;
	readonly #topShare: number;

	constructor(paths: TrackPaths, anchor: Anchor, hysteresis: number) {
		this.#paths = paths;
		this.#hysteresis = hysteresis;
		this.#leftShare = anchor === 'left' ? 1 : anchor === 'right' ? 0 : 0.5;
		this.#topShare = anchor === 'top' ? 1 : anchor === 'bottom' ? 0 : 0.5;
	}

	/** Takes the path of a track. */
	load(track: number): void {
		const { offsets, boxesXyxy, timesSeconds } = this.#paths;
		const first = offsets[track]!;
		const count = offsets[track + 1]! - first;
		if (count > this.xs.length) {
			this.xs = new Float64Array(2 * count);
			this.ys = new Float64Array(2 * count);
			this.steps = new Float64Array(2 * count);
			this.margins = new Float64Array(2 * count);
		}
		const { xs, ys, steps, margins } = this;
		const hysteresis = this.#hysteresis;
		const [leftShare, rightShare] = [this.#leftShare, 1 - this.#leftShare];
		const [topShare, bottomShare] = [this.#topShare, 1 - this.#topShare];
		let [beforeX, beforeY] = [Number.NaN, Number.NaN];
		let [minX, minY, maxX, maxY] = [Infinity, Infinity, -Infinity, -Infinity];
		for (let i = 0, at = 4 * first; i < count; i++, at += 4) {
			const top = boxesXyxy[at + 1]!;
			const bottom = boxesXyxy[at + 3]!;
			const x = leftShare * boxesXyxy[at]! + rightShare * boxesXyxy[at + 2]!;
			const y = topShare * top + bottomShare * bottom;
			xs[i] = x;
			ys[i] = y;
			steps[i] = Math.sqrt((x - beforeX) * (x - beforeX) + (y - beforeY) * (y - beforeY));
			beforeX = x;
			beforeY = y;
			margins[i] = hysteresis * (bottom - top);
			if (x < minX) minX = x;
			if (x > maxX) maxX = x;
			if (y < minY) minY = y;
			if (y > maxY) maxY = y;
		}
		[this.left, this.top, this.right, this.bottom] = [minX, minY, maxX, maxY];
		this.first = first;
		this.count = count;
		this.seconds = timesSeconds;
	}

	/** Whether any part of the path may lie in a rectangle. */
	mayMeet(left: number, top: number, right: number, bottom: number): boolean {
		return this.left <= right && this.right >= left && this.top <= bottom && this.bottom >= top;
	}

	/** The time at which the path has gone `share`, 0 to 1, of the way to sighting `i` from the one before it. */
	secondsAt(i: number, share: number): number {
		const after = this.seconds[this.first + i]!;
		return i === 0 ? after : after + (share - 1) * (after - this.seconds[this.first + i - 1]!);
	}
}
