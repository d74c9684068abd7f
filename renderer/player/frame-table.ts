/** Packets that may precede one that is shown earlier: at most 16 by the standards of H.264, HEVC, VP9 and AV1. */
const DEEPEST_REORDER = 16;

/** Times that differ by less belong to the same frame; Matroska rounds to milliseconds. */
const SAME_SECONDS = 0.0006;

/** Whether two times, in seconds, are of the same frame. */
export function isSameTime(a: number, b: number): boolean {
	return Math.abs(a - b) < SAME_SECONDS / 2;
}

/**
 * The frames of a video in presentation order, built while its packets are read in decoding order. Index i is decoded
 * frame i of the engine. Times are seconds in the demuxer's clock, ascending.
 */
export class FrameTable {
	readonly #seconds: number[] = [];
	readonly #keys: boolean[] = [];
	readonly #discardBefore: number;
	#complete = false;
	#discarded = 0;
	#twins = 0;

	/** Frames before `discardBefore` are decoded but never shown: an edit list cut them off. */
	constructor(discardBefore = Number.NEGATIVE_INFINITY) {
		this.#discardBefore = discardBefore;
	}

	/** Number of frames, from 0 on, with their final index. */
	get known(): number {
		return this.#complete ? this.#seconds.length : Math.max(0, this.#seconds.length - DEEPEST_REORDER);
	}

	get complete(): boolean {
		return this.#complete;
	}

	/** Whether packets do not clearly determine the frames: two share a time, or some were cut off. */
	get isDoubtful(): boolean {
		return this.#twins > 0 || this.#discarded > 0;
	}

	/** Adds the next packet in decoding order. */
	add(seconds: number, isKey: boolean): void {
		if (seconds < this.#discardBefore) {
			this.#discarded++;
			return;
		}
		let at = this.#seconds.length;
		while (at > 0 && this.#seconds[at - 1]! > seconds) at--;
		if (at > 0 && this.#seconds[at - 1] === seconds) this.#twins++;
		if (at === this.#seconds.length) {
			this.#seconds.push(seconds);
			this.#keys.push(isKey);
		} else {
			this.#seconds.splice(at, 0, seconds);
			this.#keys.splice(at, 0, isKey);
		}
	}

	/** All packets have been added. */
	finish(): void {
		this.#complete = true;
	}

	/** `index` from 0 to `known - 1`. */
	seconds(index: number): number {
		return this.#seconds[index]!;
	}

	/** The last known frame due at `seconds`; before its time, the first one; -1 while none is known. */
	indexAt(seconds: number): number {
		return Math.min(this.known - 1, Math.max(0, this.#countUpTo(seconds + SAME_SECONDS / 2) - 1));
	}

	/** The frame with exactly this time; -1 if there is none. */
	indexOf(seconds: number): number {
		const index = this.#countUpTo(seconds + SAME_SECONDS / 2) - 1;
		return index >= 0 && isSameTime(this.#seconds[index]!, seconds) ? index : -1;
	}

	/** The last frame up to `index` at which decoding can start. */
	keyBefore(index: number): number {
		let at = index;
		while (at > 0 && !this.#keys[at]) at--;
		return at;
	}

	/** Usual time between frames, in seconds; null while fewer than two are known. */
	get interval(): number | null {
		const last = Math.min(this.known, 1000) - 1;
		return last < 1 ? null : (this.#seconds[last]! - this.#seconds[0]!) / last;
	}

	/** Seconds between a frame and the nearer of its neighbours. */
	gapAround(index: number): number {
		const usual = this.interval ?? 0.04;
		const before = index > 0 ? this.#seconds[index]! - this.#seconds[index - 1]! : usual;
		const after = index + 1 < this.known ? this.#seconds[index + 1]! - this.#seconds[index]! : usual;
		return Math.min(before, after);
	}

	/**
	 * Compares the complete table with the host's times of all decoded frames, and drops frames at both ends that the
	 * host does not have. Returns how far the host's clock is ahead, in seconds, or null if the two do not agree: then
	 * this table is wrong.
	 */
	agreeWith(hostSeconds: ArrayLike<number>): { offsetSeconds: number; dropped: number } | null {
		if (this.#twins > 0) return null;
		const spare = this.#seconds.length - hostSeconds.length;
		if (spare < 0 || hostSeconds.length === 0) return null;
		for (let first = 0; first <= spare; first++) {
			const offsetSeconds = hostSeconds[0]! - this.#seconds[first]!;
			// Frames of even rate match at any offset: if there are surplus frames, only a common clock tells which.
			if (spare > 0 && Math.abs(offsetSeconds) >= SAME_SECONDS) continue;
			if (!this.#fits(hostSeconds, first, offsetSeconds)) continue;
			this.#seconds.splice(0, first);
			this.#keys.splice(0, first);
			this.#seconds.length = hostSeconds.length;
			this.#keys.length = hostSeconds.length;
			return { offsetSeconds, dropped: spare };
		}
		return null;
	}

	#fits(hostSeconds: ArrayLike<number>, first: number, offsetSeconds: number): boolean {
		for (let i = 0; i < hostSeconds.length; i++) {
			const difference = hostSeconds[i]! - this.#seconds[first + i]! - offsetSeconds;
			if (Math.abs(difference) >= SAME_SECONDS) return false;
		}
		return true;
	}

	#countUpTo(seconds: number): number {
		let low = 0;
		let high = this.#seconds.length;
		while (low < high) {
			const middle = (low + high) >> 1;
			if (this.#seconds[middle]! <= seconds) low = middle + 1;
			else high = middle;
		}
		return low;
	}
}
