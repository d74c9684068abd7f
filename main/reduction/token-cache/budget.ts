/** How many tokens a frame may recompute for `macs` multiply-adds, when k tokens cost fixed + k · perToken. */
export function tokensWithinMacs(macs: number, fixed: number, perToken: number): number {
	return Math.max(0, Math.floor((macs - fixed) / perToken));
}

/** Weight of the newest frame in the running cost per token. */
const SMOOTHING = 0.2;
/** Below this many tokens the fixed cost of a run drowns the cost per token. */
const LEAST_TOKENS = 8;

/**
 * Holds a time per frame by limiting tokens: keeps a running mean of what a recomputed token costs and gives
 * as many as the time affords. A frame that took too long counts at once, a quick one only by and by.
 */
export class TimeController {
	#millisecondsPerToken = 0;

	/** Told what a frame took in which `tokens` were recomputed. */
	observe(tokens: number, milliseconds: number): void {
		if (tokens < LEAST_TOKENS) return;
		const cost = milliseconds / tokens;
		const known = this.#millisecondsPerToken;
		this.#millisecondsPerToken = known === 0 || cost > known ? cost : known + SMOOTHING * (cost - known);
	}

	/** Tokens that `milliseconds` afford; none before anything was observed. */
	limit(milliseconds: number): number {
		return this.#millisecondsPerToken === 0 ? 0 : Math.floor(milliseconds / this.#millisecondsPerToken);
	}

	get state(): number {
		return this.#millisecondsPerToken;
	}

	set state(millisecondsPerToken: number) {
		this.#millisecondsPerToken = millisecondsPerToken;
	}
}
