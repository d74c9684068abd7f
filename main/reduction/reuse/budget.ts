/**
 * How many of `tokens` a frame may recompute for `budget` multiply-adds, when k of them cost `macs(k)`, which never falls: it may
 * rise in steps.
 */
export function tokensWithinMacs(budget: number, macs: (count: number) => number, tokens: number): number {
	let [within, beyond] = [0, tokens + 1];
	while (beyond - within > 1) {
		const count = (within + beyond) >> 1;
		if (macs(count) <= budget) within = count;
		else beyond = count;
	}
	return within;
}

/** Share of the time between two frames that a real-time run may take for selecting and running; the rest is for other stages. */
export const REAL_TIME_SHARE = 0.85;

/** Weight of the newest frame in the running cost per token. */
const SMOOTHING = 0.2;
/** Below this many tokens the fixed cost of a run drowns the cost per token. */
const LEAST_TOKENS = 8;

/**
 * Holds a time per frame by limiting tokens: keeps a running mean of what a recomputed token costs and gives
 * as many as the time affords. A frame that took too long counts at once, a quick one only by and by.
 */
export class TimeController {
	readonly #least: number;
	#millisecondsPerToken = 0;

	/** `least`: frames of fewer tokens, or of whatever is counted, tell nothing. */
	constructor(least = LEAST_TOKENS) {
		this.#least = least;
	}

	/** Told what a frame took in which `tokens` were recomputed. */
	observe(tokens: number, milliseconds: number): void {
		if (tokens < this.#least) return;
		const cost = milliseconds / tokens;
		const known = this.#millisecondsPerToken;
		this.#millisecondsPerToken = known === 0 || cost > known ? cost : known + SMOOTHING * (cost - known);
	}

	/** Tokens that `milliseconds` afford; none before anything was observed. */
	limit(milliseconds: number): number {
		return Math.floor(this.affords(milliseconds));
	}

	/** As `limit`, with fractions. */
	affords(milliseconds: number): number {
		return this.#millisecondsPerToken === 0 ? 0 : milliseconds / this.#millisecondsPerToken;
	}

	get state(): number {
		return this.#millisecondsPerToken;
	}

	set state(millisecondsPerToken: number) {
		this.#millisecondsPerToken = millisecondsPerToken;
	}
}

/** Where the full graph is thought to be as quick as the partial one, before that was measured: a share of the tokens. */
const USUAL_BREAK_EVEN = 0.5;
/** Flushes that are not measured: the first one fetches memory. */
const WARM_UP = 1;
/** Tokens of a frame tell where the break-even is if they are this near to it. */
const NEAR = 0.7;
const STEP = 0.05;

/**
 * The share of the tokens above which the whole frame is computed sooner than they are: learned from the times of both, in steps, so
 * that noise does not move it.
 */
export class BreakEven {
	#share = USUAL_BREAK_EVEN;
	#flushes = 0;
	#flushMilliseconds = 0;

	get share(): number {
		return this.#share;
	}

	/** Milliseconds of a whole frame; null before one was measured. */
	get flushMilliseconds(): number | null {
		return this.#flushes > WARM_UP ? this.#flushMilliseconds : null;
	}

	/** Told what a frame took in which this share of the tokens was computed; 1 = the whole frame. */
	observe(share: number, milliseconds: number): void {
		if (share === 1) {
			if (this.#flushes++ < WARM_UP) return;
			const known = this.#flushMilliseconds;
			this.#flushMilliseconds = known === 0 ? milliseconds : known + SMOOTHING * (milliseconds - known);
		} else if (this.#flushMilliseconds > 0 && share > NEAR * this.#share) {
			const dearer = milliseconds > this.#flushMilliseconds;
			if (dearer && share < this.#share + STEP) this.#share = Math.max(0.1, this.#share - STEP);
			if (!dearer && share > this.#share - STEP) this.#share = Math.min(1, this.#share + STEP);
		}
	}

	get state(): Float64Array {
		return Float64Array.of(this.#share, this.#flushes, this.#flushMilliseconds);
	}

	set state(state: Float64Array) {
		[this.#share, this.#flushes, this.#flushMilliseconds] = state as unknown as [number, number, number];
	}
}
