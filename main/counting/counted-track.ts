import type { TrackPaths } from '../domain/track-paths.ts';
import type { Anchor } from '../domain/zones.ts';

/**
 * The path of one track as it is counted: where its anchor was at every sighting, and by how far its box makes that doubtful. One
 * object serves all tracks, one after another.
 */
export class CountedTrack {
	/** [sightings] In pixels of the video. */
	xs = new Float64Array(0);
	ys = new Float64Array(0);
	/** The lengths of the ways from the sighting before; nothing of the first. */
	steps = new Float64Array(0);
	/** Pixels beyond a line or an edge from which on a side is sure. */
	margins = new Float64Array(0);
	/** Number of sightings. */
	count = 0;
	/** Index of the first sighting among those of all tracks. */
	first = 0;
	/** A rectangle that the path does not leave. */
	left = 0;
	top = 0;
	right = 0;
	bottom = 0;
	readonly #paths: TrackPaths;
	readonly #hysteresis: number;
	readonly #smoothSeconds: number;
	/** The weight of the box's left side, against its right one, and of its top, against its bottom. */
	readonly #leftShare: number;
	readonly #topShare: number;
	/** [sightings + 1] Sums of all coordinates before a sighting. */
	#sumsX = new Float64Array(1);
	#sumsY = new Float64Array(1);

	constructor(paths: TrackPaths, anchor: Anchor, hysteresis: number, smoothSeconds: number) {
		this.#paths = paths;
		this.#hysteresis = hysteresis;
		this.#smoothSeconds = smoothSeconds;
		this.#leftShare = anchor === 'left' ? 1 : anchor === 'right' ? 0 : 0.5;
		this.#topShare = anchor === 'top' ? 1 : anchor === 'bottom' ? 0 : 0.5;
	}

	/** Takes the path of a track. */
	load(track: number): void {
		const { offsets, boxesXyxy } = this.#paths;
		const first = offsets[track]!;
		const count = offsets[track + 1]! - first;
		if (count > this.xs.length) this.#makeRoom(2 * count);
		const { xs, ys, steps, margins } = this;
		const [hysteresis, leftShare, topShare] = [this.#hysteresis, this.#leftShare, this.#topShare];
		let [minX, minY, maxX, maxY] = [Infinity, Infinity, -Infinity, -Infinity];
		for (let i = 0, at = 4 * first; i < count; i++, at += 4) {
			const top = boxesXyxy[at + 1]!;
			const bottom = boxesXyxy[at + 3]!;
			const x = leftShare * boxesXyxy[at]! + (1 - leftShare) * boxesXyxy[at + 2]!;
			const y = topShare * top + (1 - topShare) * bottom;
			xs[i] = x;
			ys[i] = y;
			margins[i] = hysteresis * (bottom - top);
			if (x < minX) minX = x;
			if (x > maxX) maxX = x;
			if (y < minY) minY = y;
			if (y > maxY) maxY = y;
		}
		[this.left, this.top, this.right, this.bottom] = [minX, minY, maxX, maxY];
		this.first = first;
		this.count = count;
		if (this.#smoothSeconds > 0) this.#smooth();
		for (let i = 1; i < count; i++) {
			const dx = xs[i]! - xs[i - 1]!;
			const dy = ys[i]! - ys[i - 1]!;
			steps[i] = Math.sqrt(dx * dx + dy * dy);
		}
	}

	/** Whether any part of the path may lie in a rectangle. */
	mayMeet(left: number, top: number, right: number, bottom: number): boolean {
		return this.left <= right && this.right >= left && this.top <= bottom && this.bottom >= top;
	}

	/** The time at which the path has gone `share`, 0 to 1, of the way to sighting `i` from the one before it. */
	secondsAt(i: number, share: number): number {
		const seconds = this.#paths.timesSeconds;
		const after = seconds[this.first + i]!;
		return i === 0 ? after : after + (share - 1) * (after - seconds[this.first + i - 1]!);
	}

	/**
	 * Replaces anchors by the means of those around them, as many before as after, none farther off in time than `smoothSeconds`.
	 * Even motion, both ends, and what is seen less often stay as they are.
	 */
	#smooth(): void {
		const { xs, ys, first, count } = this;
		const [sumsX, sumsY, reach] = [this.#sumsX, this.#sumsY, this.#smoothSeconds];
		const seconds = this.#paths.timesSeconds;
		for (let i = 0; i < count; i++) {
			sumsX[i + 1] = sumsX[i]! + xs[i]!;
			sumsY[i + 1] = sumsY[i]! + ys[i]!;
		}
		let from = 0;
		let to = 0; // excluded
		for (let i = 0; i < count; i++) {
			const now = seconds[first + i]!;
			while (now - seconds[first + from]! > reach) from++;
			while (to < count && seconds[first + to]! - now <= reach) to++;
			const half = Math.min(i - from, to - 1 - i);
			if (half === 0) continue;
			xs[i] = (sumsX[i + half + 1]! - sumsX[i - half]!) / (2 * half + 1);
			ys[i] = (sumsY[i + half + 1]! - sumsY[i - half]!) / (2 * half + 1);
		}
	}

	#makeRoom(count: number): void {
		this.xs = new Float64Array(count);
		this.ys = new Float64Array(count);
		this.steps = new Float64Array(count);
		this.margins = new Float64Array(count);
		this.#sumsX = new Float64Array(count + 1);
		this.#sumsY = new Float64Array(count + 1);
	}
}
