/** Packets that H.264, HEVC, VP9 or AV1 may decode before one that is shown earlier: at most 16 by their standards. */
const DEEPEST_REORDER = 16;

/** Two clocks speak of the same frame when they differ by less; Matroska rounds to whole milliseconds. */
const SAME_SECONDS = 0.0006;

/**
 * The frames of a video in presentation order, while its packets are read in the order of decoding. Index i is
 * decoded frame i of the engine. Times are seconds in the demuxer's clock, ascending.
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

	/** How many frames, from 0 on, have their final index. */
	get known(): number {
		return this.#complete ? this.#seconds.length : Math.max(0, this.#seconds.length - DEEPEST_REORDER);
	}

	get complete(): boolean {
		return this.#complete;
	}

	/** The order of packets leaves doubt which frame is which: two share a time, or some were cut off. */
	get isDoubtful(): boolean {
		return this.#twins > 0 || this.#discarded > 0;
	}

	/** The next packet in the order of decoding. */
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

	/** No packet is left. */
	finish(): void {
		this.#complete = true;
	}

	/** `index` from 0 to `known - 1`. */
	seconds(index: number): number {
		return this.#seconds[index]!;
	}

	/** The last known frame that is due at `seconds`; the first one before its time; -1 while none is known. */
	indexAt(seconds: number): number {
		return Math.min(this.known - 1, Math.max(0, this.#countUpTo(seconds + SAME_SECONDS / 2) - 1));
	}

	/** The frame of exactly this time; -1 where there is none. */
	indexOf(seconds: number): number {
		const index = this.#countUpTo(seconds + SAME_SECONDS / 2) - 1;
		return index >= 0 && Math.abs(this.#seconds[index]! - seconds) < SAME_SECONDS / 2 ? index : -1;
	}

	/** The last frame up to `index` that decoding can start from. */
	keyBefore(index: number): number {
		let at = index;
		while (at > 0 && !this.#keys[at]) at--;
		return at;
	}

	/** Usual time between frames, seconds; null while fewer than two are known. */
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
	 * Holds the complete table against the host's times of all decoded frames, and drops frames at both ends that the
	 * host does not have. Returns by how much the host's clock is ahead, in seconds, or null where the two do not agree:
	 * then this table must not be trusted.
	 */
	agreeWith(hostSeconds: ArrayLike<number>): { offsetSeconds: number; dropped: number } | null {
		if (this.#twins > 0) return null;
		const spare = this.#seconds.length - hostSeconds.length;
		if (spare < 0 || hostSeconds.length === 0) return null;
		for (let first = 0; first <= spare; first++) {
			const offsetSeconds = hostSeconds[0]! - this.#seconds[first]!;
			// Frames of even rate fit anywhere: where some are to spare, only one clock for both tells which.
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
