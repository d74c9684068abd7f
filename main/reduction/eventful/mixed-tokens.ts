import { layoutOf } from '../../vit/grid-attention.ts';
import { type AttentionSizes, firstHeadRow } from './attention.ts';
import type { BlockSource } from './block-graphs.ts';
import type { GateMemory } from './gate-memory.ts';

/**
 * What attention makes of the tokens, as it leaves it: [windows, heads, places, headDim], places outside the grid included.
 * Bringing it into rows of tokens would take as long as comparing it does, so the gate behind it reads it like this.
 */
export class MixedTokens {
	/** Address in the gates' memory. */
	readonly at: number;
	/** Address of int32 [tokens]: where a token's piece of the first head begins, in numbers behind `at`. */
	readonly starts: number;
	/** Numbers from one head's pieces to the next one's. */
	readonly apart: number;
	readonly heads: number;
	/** Numbers in a piece. */
	readonly width: number;
	readonly #source: BlockSource;
	readonly #memory: GateMemory;
	readonly #floats: number;

	constructor(
		source: BlockSource,
		{ windows, places, heads, width, tokens }: AttentionSizes,
		memory: GateMemory,
	) {
		this.#source = source;
		this.#memory = memory;
		this.#floats = windows * heads * places * width;
		this.at = memory.reserve(this.#floats);
		this.starts = memory.reserve(tokens);
		this.apart = places * width;
		this.heads = heads;
		this.width = width;
	}

	/** Called once the memory has been made. */
	prepare(): void {
		const { placeOf, size } = layoutOf(this.#source.plan, this.#source.block);
		const starts = this.#memory.integers(this.starts, placeOf.length);
		placeOf.forEach((place, token) => {
			starts[token] = firstHeadRow(place, size, this.heads) * this.width;
		});
	}

	get data(): Float32Array {
		return this.#memory.array(this.at, this.#floats).data;
	}
}
