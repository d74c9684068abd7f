import { assert } from '../../domain/errors.ts';
import type { NamedArrays } from '../../domain/named-arrays.ts';
import { rollGrid } from '../../domain/roll-grid.ts';
import { type TokenGrid, tokenCount } from '../../domain/tokens.ts';
import { hasItsTurn, markDue } from './refresh.ts';

/** Frames that a token can be counted to wait for: what its column holds. */
const MOST_WAITED = 0xffff;
/** A token that changed by so many grey levels and has waited for so many frames shows what is no longer there. */
const STALE_LEVEL = 8;
const STALE_FRAMES = 3;
/**
 * A token that answers with such a score, or a higher one, is computed once in so many frames. Where the score is near the one from
 * which on it shows, what is remembered would be wrong for as long as it stays; a few tokens keep that from lasting.
 */
const ANSWERS_FROM = 0.25;
const ANSWER_PERIOD = 4;

/** What waits in a frame. */
export type Waiting = {
	tokens: number;
	/** Frames that the one of them has waited that waits longest. */
	longest: number;
	/** Their staleness together. */
	staleness: number;
};

/** What is known of each token from frame to frame, in columns [tokens]. */
export class TokenColumns {
	/** Frames in a row in which the token had changed and was not computed. */
	readonly waited: Uint16Array;
	/** 1 where the token must be computed now. */
	readonly due: Uint8Array;
	/** 1 where what is remembered has been out of date for too long. */
	readonly stale: Uint8Array;
	/** 1 where nothing of the present scene was computed yet. */
	readonly unseen: Uint8Array;
	readonly #grid: TokenGrid;
	/** Frame, counted from the last reset, at which each token was last computed. */
	readonly #lastComputed: Int32Array;

	constructor(grid: TokenGrid) {
		const tokens = tokenCount(grid);
		this.#grid = grid;
		this.waited = new Uint16Array(tokens);
		this.due = new Uint8Array(tokens);
		this.stale = new Uint8Array(tokens);
		this.unseen = new Uint8Array(tokens);
		this.#lastComputed = new Int32Array(tokens);
	}

	/** Says which tokens are due in a frame: those that nothing was computed of, and one in `refresh` frames every one. */
	markDue(frame: number, refresh: number): void {
		markDue(this.#lastComputed, frame, refresh, this.due);
		for (let token = 0; token < this.due.length; token++) if (this.unseen[token]) this.due[token] = 1;
	}

	/** Says which of the tokens that answer are due as well; `scores`: the best of each, 0 to 1. */
	markAnsweringDue(frame: number, scores: Float32Array): void {
		for (let token = 0; token < scores.length; token++) {
			if (scores[token]! < ANSWERS_FROM) continue;
			if (hasItsTurn(token, this.#lastComputed[token]!, frame, ANSWER_PERIOD)) this.due[token] = 1;
		}
	}

	/** The first `count` of `tokens` are computed in this frame. */
	computed(tokens: Int32Array, count: number, frame: number): void {
		for (let i = 0; i < count; i++) {
			const token = tokens[i]!;
			this.#lastComputed[token] = frame;
			this.waited[token] = 0;
			this.unseen[token] = 0;
		}
	}

	/** Notes what waits when the first `count` of `picked` are computed: whatever else changed by more than `floor`. */
	wait(
		picked: Int32Array,
		count: number,
		{ change, floor, staleness }: { change: Float32Array; floor: number; staleness: Float64Array },
	): Waiting {
		const waiting = { tokens: 0, longest: 0, staleness: 0 };
		const isPicked = this.stale.fill(0); // its marks are made below
		for (let i = 0; i < count; i++) isPicked[picked[i]!] = 1;
		for (let token = 0; token < change.length; token++) {
			const left = isPicked[token] === 0;
			const changed = change[token]!;
			const waited = left && changed > floor ? Math.min(MOST_WAITED, this.waited[token]! + 1) : 0;
			this.waited[token] = waited;
			const old = waited >= STALE_FRAMES && changed >= STALE_LEVEL;
			this.stale[token] = left && (old || this.unseen[token]) ? 1 : 0;
			if (waited === 0) continue;
			waiting.tokens++;
			waiting.longest = Math.max(waiting.longest, waited);
			waiting.staleness += staleness[token]!;
		}
		return waiting;
	}

	/** The view moved over the scene by whole tokens: everything about a token goes with it. */
	roll(rows: number, cols: number, frame: number): void {
		rollGrid(this.#grid, this.waited, 1, rows, cols, 0);
		rollGrid(this.#grid, this.unseen, 1, rows, cols, 1);
		rollGrid(this.#grid, this.#lastComputed, 1, rows, cols, frame);
	}

	saveState(): NamedArrays {
		return {
			'cache.waited': Int32Array.from(this.waited),
			'cache.unseen': this.unseen.slice(),
			'cache.lastComputed': this.#lastComputed.slice(),
		};
	}

	restoreState(state: NamedArrays): void {
		const { 'cache.waited': waited, 'cache.unseen': unseen, 'cache.lastComputed': lastComputed } = state;
		assert(waited && unseen && lastComputed, 'a snapshot holds the token cache’s columns');
		this.waited.set(waited);
		this.unseen.set(unseen);
		this.#lastComputed.set(lastComputed);
	}
}
