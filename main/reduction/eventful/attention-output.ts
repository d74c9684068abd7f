import { layoutOf } from '../../vit/grid-attention.ts';
import { type AttentionSizes, firstHeadRow, type HeadRange } from './attention-sizes.ts';
import type { BlockSource } from './block-graphs.ts';
import type { GateMemory } from './gate-memory.ts';

/**
 * The remembered output of attention, softmax(q · kᵀ) · v, before its projection: [windows, heads, slots, headDim], padding
 * included. The gate behind it reads this layout, since transposing it into rows of tokens would take as long as the
 * comparison.
 */
export class AttentionOutput {
	/** Address in the gates' memory. */
	readonly at: number;
	/** Address of int32 [tokens]: where a token's first head begins, in numbers behind `at`. */
	readonly starts: number;
	/** Numbers from a token's head to its next one. */
	readonly headStride: number;
	readonly heads: number;
	/** Numbers in a head. */
	readonly width: number;
	readonly #source: BlockSource;
	readonly #memory: GateMemory;
	readonly #floats: number;

	constructor(
		source: BlockSource,
		{ windows, slots, heads, width, tokens }: AttentionSizes,
		memory: GateMemory,
	) {
		this.#source = source;
		this.#memory = memory;
		this.#floats = windows * heads * slots * width;
		this.at = memory.reserve(this.#floats);
		this.starts = memory.reserve(tokens);
		this.headStride = slots * width;
		this.heads = heads;
		this.width = width;
	}

	/** Called once the memory has been made. */
	prepare(): void {
		const { slotOf, size } = layoutOf(this.#source.plan, this.#source.block);
		const starts = this.#memory.integers(this.starts, slotOf.length);
		slotOf.forEach((slot, token) => {
			starts[token] = firstHeadRow(slot, size, this.heads) * this.width;
		});
	}

	get data(): Float32Array {
		return this.#memory.array(this.at, this.#floats).data;
	}

	/** The output of some heads, [heads, tokens, width], where attention is over all tokens. */
	ofHeads({ first, count }: HeadRange): Float32Array {
		return this.data.subarray(first * this.headStride, (first + count) * this.headStride);
	}

	/** Copies the scratch rows [heads, tokens.length, width] over the output of `tokens`; −1 is skipped. */
	scatter(tokens: Int32Array, { first, count }: HeadRange): void {
		const { scratch, kernel } = this.#memory;
		scratch.indices.data.set(tokens);
		kernel.copyRows({
			packed: scratch.rows.at,
			packedRow: this.width,
			packedHead: tokens.length * this.width,
			sparse: this.at + 4 * first * this.headStride,
			sparseRow: this.width,
			sparseHead: this.headStride,
			width: this.width,
			heads: count,
			indices: scratch.indices.at,
			count: tokens.length,
			scatter: true,
		});
	}
}
