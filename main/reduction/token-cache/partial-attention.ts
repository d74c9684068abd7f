import type { Value } from '../../graph/graph-builder.ts';
import type { Layers } from '../../graph/layers.ts';
import type { Dim } from '../../graph/operation-count.ts';
import type { BlockLayers } from '../../vit/block-layers.ts';
import { attentionExtent, GridAttention } from '../../vit/grid-attention.ts';
import { headDim, tokenTotal, type VitBlock, type VitPlan } from '../../vit/plan.ts';
import type { WindowLayout } from '../../vit/windows.ts';
import { blockMemory, distinctLayouts, keyPositions, ROWS, slotInWindow } from './memory-layout.ts';
import { RoundedAttention } from './rounded-attention.ts';

/** Where the runtime's own operators are. */
const RUNTIME = 'com.microsoft';

/**
 * How fresh keys and values get into the memories that attention reads:
 * `during-run`: per block and head `keys.i.h` and `values.i.h` [rows, 1, width] are outputs that must be written into the last rows
 * during the run: whatever reads them runs after the node that writes them, and no memory is copied, which would take a seventh
 * of the run.
 * `after-run`: outputs `keys.i.fresh` and `values.i.fresh` [heads, rows, width], for whoever owns the memories to put into the last
 * rows afterwards; the graph makes copies with the fresh rows in place of the last ones.
 * `scattered`: inputs `places.<padding>` [heads, rows, 3] say where in a memory with so much padding each row belongs, and outputs
 * `keys.i.renewed` and `values.i.renewed` are whole memories. Bound to the memory that is read, they are written where it lies; rows that
 * come twice must be the same.
 */
export type RowWrites = 'during-run' | 'after-run' | 'scattered';

/** Queries [rows, heads, width] with fresh keys and values, in the pieces that become outputs. */
type Fresh = { queries: Value; keys: readonly Value[]; values: readonly Value[] };

/**
 * Attention of the computed tokens over what is remembered of all, block by block.
 *
 * in: per block `keys.i` and `values.i` [1, heads, memory rows, width]; what `WindowIndices` makes, its names behind
 * `windows.<layout>.`; out, and more that goes in: as `RowWrites` says.
 */
export class PartialAttention {
	readonly #layers: Layers;
	readonly #plan: VitPlan;
	readonly #parts: BlockLayers;
	readonly #tokens: Value;
	readonly #writes: RowWrites;
	readonly #rounded: readonly number[];
	readonly #roundedAttention: RoundedAttention | null;
	readonly #layouts: { layouts: WindowLayout[]; ofBlock: number[] };
	#tokensAsPositions: Value | null = null;
	readonly #places = new Map<number, Value>();
	readonly #indices: Record<'queries' | 'memory' | 'back', Value>[];

	/** `tokens` [rows]: where each row stands in the plan's order. Of `rounded` blocks, by their numbers, memories are `RoundedAttention`'s. */
	constructor(
		layers: Layers,
		plan: VitPlan,
		parts: BlockLayers,
		tokens: Value,
		{ writes, rounded }: { writes: RowWrites; rounded: readonly number[] },
	) {
		const { graph } = layers;
		this.#layers = layers;
		this.#plan = plan;
		this.#parts = parts;
		this.#tokens = tokens;
		this.#writes = writes;
		this.#rounded = rounded;
		this.#roundedAttention = rounded.length > 0 ? new RoundedAttention(layers, plan, tokens) : null;
		this.#layouts = distinctLayouts(plan);
		this.#indices = this.#layouts.layouts.map((_, i) => ({
			queries: graph.input(`windows.${i}.queries`, 'int32', [`heads·windows.${i}`, `queries.${i}`]),
			memory: graph.input(`windows.${i}.memory`, 'int32', [`heads·slots.${i}`]),
			back: graph.input(`windows.${i}.back`, 'int32', [ROWS, plan.heads]),
		}));
	}

	/** Attention of block i: normed [rows, dim] -> [rows, dim]. */
	of(i: number, normed: Value): Value {
		const layers = this.#layers;
		const { graph } = layers;
		const { dim, heads } = this.#plan;
		const block = this.#plan.blocks[i]!;
		const seen = block.window ? block.window.layout.size : tokenTotal(this.#plan);
		graph.count(ROWS, seen, dim); // query · key
		graph.count(ROWS, seen, dim); // weight · value
		if (this.#roundedAttention && this.#rounded.includes(i)) {
			const { queries, keysAndValues } = this.#projectTogether(block, normed);
			return this.#roundedAttention.of(i, queries, keysAndValues);
		}
		const fresh = this.#project(block, normed);
		const { keyWidth, valueWidth } = blockMemory(this.#plan, block);
		const keys = this.#renewed(`keys.${i}`, block, keyWidth, fresh.keys);
		const values = this.#renewed(`values.${i}`, block, valueWidth, fresh.values);
		if (block.window) return this.#attendInWindows(i, fresh.queries, keys, values);
		const queries = layers.reshape(fresh.queries, [1, ROWS, heads * keyWidth]);
		return layers.reshape(this.#attend(queries, keys, values), [ROWS, dim]);
	}

	/** One node gives queries and keys, so that no key is missing where queries are there. */
	#project(block: VitBlock, normed: Value): Fresh {
		const layers = this.#layers;
		const { heads, rotary } = this.#plan;
		const pieces = this.#writes === 'during-run' ? Array<number>(heads).fill(1) : [heads];
		const together = this.#parts.projectionsTogether(block, normed);
		if (!rotary && !block.relative) {
			const [queries, ...rest] = layers.split(together, [heads, ...pieces, ...pieces], 1);
			return {
				queries: queries!,
				keys: rest.slice(0, pieces.length),
				values: rest.slice(pieces.length),
			};
		}
		const [queriesAndKeys, ...values] = layers.split(together, [2 * heads, ...pieces], 1);
		const placed = block.relative
			? this.#withPositions(block, queriesAndKeys!)
			: this.#parts.rotateHeads(queriesAndKeys!, this.#positions());
		const [queries, ...keys] = layers.split(placed, [heads, ...pieces], 1);
		return { queries: queries!, keys, values };
	}

	/** Queries [rows, heads, width]; keys and behind them values [rows, 2 · heads, width]. */
	#projectTogether(block: VitBlock, normed: Value): { queries: Value; keysAndValues: Value } {
		const layers = this.#layers;
		const { heads, rotary } = this.#plan;
		const together = this.#parts.projectionsTogether(block, normed);
		if (!rotary) {
			const [queries, keysAndValues] = layers.split(together, [heads, 2 * heads], 1);
			return { queries: queries!, keysAndValues: keysAndValues! };
		}
		const [queriesAndKeys, values] = layers.split(together, [2 * heads, heads], 1);
		const placed = this.#parts.rotateHeads(queriesAndKeys!, this.#positions());
		const [queries, keys] = layers.split(placed, [heads, heads], 1);
		return { queries: queries!, keysAndValues: layers.concat([keys!, values!], 1) };
	}

	/** The computed tokens as positions [1, rows]; devices leave the reshaping of whole numbers to the processor. */
	#positions(): Value {
		this.#tokensAsPositions ??=
			this.#writes === 'scattered'
				? this.#layers.graph.input('tokens.positions', 'int64', [1, ROWS])
				: this.#layers.reshape(this.#tokens, [1, ROWS]);
		return this.#tokensAsPositions;
	}

	/** A memory [1, heads, memory rows, width] as it is with the fresh rows in it, which become outputs. */
	#renewed(name: string, block: VitBlock, width: number, fresh: readonly Value[]): Value {
		const layers = this.#layers;
		const { graph } = layers;
		const { heads } = this.#plan;
		const { rows, padding } = blockMemory(this.#plan, block);
		const memory = graph.input(name, 'float32', [1, heads, rows, width]);
		if (this.#writes === 'during-run') {
			fresh.forEach((ofHead, head) => graph.output(`${name}.${head}`, ofHead));
			return memory;
		}
		const byHead = layers.transpose(fresh[0]!, [1, 0, 2]);
		if (this.#writes === 'scattered') {
			const renewed = layers.scatter(memory, this.#placesBehind(padding), byHead);
			graph.output(`${name}.renewed`, renewed);
			return renewed;
		}
		graph.output(`${name}.fresh`, byHead);
		const end = graph.op('Neg', [this.#countRows(this.#tokens)], { shape: [1] });
		const remembered = graph.op('Slice', [memory, graph.integers([0]), end, graph.integers([2])], {
			shape: [1, heads, 'remembered', width],
		});
		const all = layers.concat([remembered, layers.reshape(byHead, [1, heads, ROWS, width])], 2);
		return { ...all, shape: memory.shape };
	}

	/** Queries [rows, heads, width], each within its token's window, over memories [1, heads, memory rows, width] -> [rows, dim]. */
	#attendInWindows(i: number, queries: Value, keys: Value, values: Value): Value {
		const layers = this.#layers;
		const { heads, dim } = this.#plan;
		const { size } = this.#plan.blocks[i]!.window!.layout;
		const indices = this.#indices[this.#layouts.ofBlock[i]!]!;
		const [batch] = indices.queries.shape;
		const slots = this.#slots(indices.memory, queries);
		const ofWindows = (memory: Value): Value => {
			const [, , rows, width] = memory.shape as [1, number, number, number];
			const gathered = layers.gatherRows(layers.reshape(memory, [heads * rows, width]), slots);
			return layers.reshape(gathered, [batch!, 1, size, width]);
		};
		const rows = layers.reshape(queries, [`${ROWS}·heads`, queries.shape[2]!]);
		// A head of a window is a picture of its own, with a single head.
		const attended = this.#attend(
			layers.gatherRows(rows, indices.queries),
			ofWindows(keys),
			ofWindows(values),
		);
		const attendedRows = layers.reshape(attended, [`attended.${i}`, headDim(this.#plan)]);
		return layers.reshape(layers.gatherRows(attendedRows, indices.back), [ROWS, dim]);
	}

	/** Where the keys and values of windows lie, from what `WindowIndices` says of it. */
	#slots(memory: Value, queries: Value): Value {
		if (this.#writes === 'scattered') return memory;
		// Made from the queries, so that nothing is gathered before the node that gives them has written the fresh rows.
		return this.#layers.add(memory, this.#layers.graph.cast(this.#countRows(queries), 'int32'));
	}

	/** The input that says where rows belong in memories whose tokens come behind `padding` rows. */
	#placesBehind(padding: number): Value {
		const places =
			this.#places.get(padding) ??
			this.#layers.graph.input(`places.${padding}`, 'int64', [this.#plan.heads, ROWS, 3]);
		this.#places.set(padding, places);
		return places;
	}

	/** Attention of queries [n, k, heads · key width] over keys and values [n, heads, m, width] -> [n, k, heads · value width]. */
	#attend(queries: Value, keys: Value, values: Value): Value {
		const layers = this.#layers;
		const { graph } = layers;
		const [n, k] = queries.shape as [Dim, Dim, number];
		const [, heads, m, keyWidth] = keys.shape as [Dim, number, Dim, number];
		const valueWidth = headDim(this.#plan);
		if (keyWidth === valueWidth) {
			return graph.op(
				'MultiHeadAttention',
				[queries, keys, values],
				{ shape: queries.shape },
				{ domain: RUNTIME, attributes: { num_heads: heads } },
			);
		}
		// The runtime's own attention wants keys as wide as values.
		const byHead = layers.transpose(layers.reshape(queries, [n, k, heads, keyWidth]), [0, 2, 1, 3]);
		const logits = this.#logits(byHead, keys, 1 / Math.sqrt(valueWidth), [n, heads, k, m]);
		const shape = [n, heads, k, valueWidth];
		const attended = graph.op('MatMul', [layers.softmax(logits), values], { shape });
		return layers.reshape(layers.transpose(attended, [0, 2, 1, 3]), [n, k, heads * valueWidth]);
	}

	/** Queries [n, heads, k, width] · keysᵀ · scale; devices have no operator that does all of it. */
	#logits(queries: Value, keys: Value, scale: number, shape: readonly Dim[]): Value {
		const { graph } = this.#layers;
		if (this.#writes === 'scattered') {
			const scaled = graph.op('Mul', [queries, graph.floats([scale])], { shape: queries.shape });
			return graph.op('MatMul', [scaled, this.#layers.transpose(keys, [0, 1, 3, 2])], { shape });
		}
		const attributes = { transB: 1, alpha: { float: scale } };
		return graph.op('FusedMatMul', [queries, keys], { shape }, { domain: RUNTIME, attributes });
	}

	/**
	 * Queries and keys [rows, 2 · heads, headDim] with the terms of relative positions behind the queries, and behind the keys what
	 * picks from them: [rows, 2 · heads, key width].
	 */
	#withPositions(block: VitBlock, queriesAndKeys: Value): Value {
		const layers = this.#layers;
		const { graph } = layers;
		const { heads } = this.#plan;
		const { keyWidth, valueWidth } = blockMemory(this.#plan, block);
		const width = keyWidth - valueWidth;
		const { cols } = attentionExtent(this.#plan, block);
		const slots = slotInWindow(this.#plan, block);
		const [queries] = layers.split(queriesAndKeys, [heads, heads], 1);
		const terms = new GridAttention(layers, this.#plan, block).queryTermsAt(
			queries!,
			this.#ofTokens(
				`${block.name}:down`,
				slots.map((slot) => Math.floor(slot / cols)),
			),
			this.#ofTokens(
				`${block.name}:across`,
				slots.map((slot) => slot % cols),
			),
		);
		const positions = keyPositions(this.#plan, block);
		const table = graph.constant(`${block.name}:positions:keys`, {
			data: positions,
			shape: [positions.length / width, width],
		});
		const ofKeys = layers.gatherRows(table, this.#ofTokens(`${block.name}:slots`, slots));
		const repeated = graph.op(
			'Expand',
			[layers.reshape(ofKeys, [ROWS, 1, width]), graph.integers([1, heads, 1])],
			{ shape: [ROWS, heads, width] },
		);
		return layers.concat([queriesAndKeys, layers.concat([layers.concat(terms, 2), repeated], 1)], 2);
	}

	/** The numbers [tokens] of the rows' tokens. */
	#ofTokens(name: string, data: Int32Array): Value {
		return this.#layers.gatherRows(
			this.#layers.graph.constant(name, { data, shape: [data.length] }),
			this.#tokens,
		);
	}

	/** The number of rows of x [rows, …], as a value [1]. */
	#countRows(x: Value): Value {
		const attributes = { start: 0, end: 1 };
		return this.#layers.graph.op('Shape', [x], { shape: [1], type: 'int64' }, { attributes });
	}
}
