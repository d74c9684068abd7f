import { bitmapHas, type TokenBitmap } from '../../main/domain/tokens.ts';

/** Frames between two checkpoints: at most this many bitmaps are added up per query. */
export const CHECKPOINT_FRAMES = 256;

/**
 * How often each token was recomputed, counted in checkpoints of a long run: 19 bytes a frame at 1,200 tokens,
 * where the bitmaps themselves would be 150.
 */
export class TokenHistory {
	/** Frames counted so far, from the first on. */
	known = 0;
	readonly #tokens: number;
	readonly #counts: Uint32Array;
	/** Entry c: the counts of frames `[0, c × CHECKPOINT_FRAMES)`. */
	readonly #checkpoints: Uint32Array[] = [];

	constructor(tokens: number) {
		this.#tokens = tokens;
		this.#counts = new Uint32Array(tokens);
	}

	/** Adds the run's next frame. */
	add(bitmap: TokenBitmap): void {
		if (this.known % CHECKPOINT_FRAMES === 0) this.#checkpoints.push(this.#counts.slice());
		addBits(this.#counts, bitmap, this.#tokens);
		this.known++;
	}

	/**
	 * Per token, the share of frames `[0, position]` in which it was recomputed, 0 to 1. `bitmapAt` gives the bitmaps
	 * since the last checkpoint; null if the position or one of the bitmaps is not known yet.
	 */
	sharesAt(position: number, bitmapAt: (position: number) => TokenBitmap | null): Float32Array | null {
		if (position < 0 || position >= this.known) return null;
		const checkpoint = Math.floor(position / CHECKPOINT_FRAMES);
		const counts = this.#checkpoints[checkpoint]!.slice();
		for (let p = checkpoint * CHECKPOINT_FRAMES; p <= position; p++) {
			const bitmap = bitmapAt(p);
			if (!bitmap) return null;
			addBits(counts, bitmap, this.#tokens);
		}
		return Float32Array.from(counts, (count) => count / (position + 1));
	}
}

function addBits(counts: Uint32Array, bitmap: TokenBitmap, tokens: number): void {
	for (let token = 0; token < tokens; token++) if (bitmapHas(bitmap, token)) counts[token]!++;
}
