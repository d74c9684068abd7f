import type { Value } from '../../graph/graph-builder.ts';
import type { Layers } from '../../graph/layers.ts';
import type { Dim } from '../../graph/operation-count.ts';
import type { BlockLayers } from '../../vit/block-layers.ts';
import { attentionExtent, GridAttention } from '../../vit/grid-attention.ts';
import { headDim, tokenTotal, type VitBlock, type VitPlan } from '../../vit/plan.ts';
import type { WindowLayout } from '../../vit/windows.ts';
import { blockMemory, distinctLayouts, keyPositions, slotInWindow } from './memory-layout.ts';

/** The name of the number of tokens that are computed, the extra ones included. */
export const ROWS = 'rows';
/** Where the runtime's own operators are. */
const RUNTIME = 'com.microsoft';

/** Queries [rows, heads, width] with fresh keys and values, in the pieces that become outputs. */
type Fresh = { queries: Value; keys: readonly Value[]; values: readonly Value[] };

/**
 * Attention of the computed tokens over what is remembered of all, block by block.
 *
 * in: per block `keys.i` and `values.i` [1, heads, memory rows, width], the computed tokens' rows last; what `WindowIndices`
 * makes, its names behind `windows.<layout>.`.
 * out, with `inPlace`: per block and head the fresh `keys.i.h` and `values.i.h` [rows, 1, width]. These must be written into the
 * last rows during the run: whatever reads them runs after the node that writes them, and no memory is copied, which would take
 * a seventh of the run. Without: `keys.i.fresh` and `values.i.fresh` [heads, rows, width], for whoever owns the memories to put
 * there afterwards; the graph makes copies with the fresh rows in place of the last ones.
 */
export class PartialAttention {
	readonly #layers: Layers;
	readonly #plan: VitPlan;
	readonly #parts: BlockLayers;
	readonly #tokens: Value;
	readonly #inPlace: boolean;
	readonly #layouts: { layouts: WindowLayout[]; ofBlock: number[] };
	readonly #indices: Record<'queries' | 'memory' | 'back', Value>[];

	/** `tokens` [rows]: where each row stands in the plan's order. */
	constructor(layers: Layers, plan: VitPlan, parts: BlockLayers, tokens: Value, inPlace: boolean) {
		const { graph } = layers;
		this.#layers = layers;
		this.#plan = plan;
		this.#parts = parts;
		this.#tokens = tokens;
		this.#inPlace = inPlace;
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
		const fresh = this.#project(block, normed);
		const { keyWidth, valueWidth } = blockMemory(this.#plan, block);
		const keys = this.#renewed(`keys.${i}`, block, keyWidth, fresh.keys);
		const values = this.#renewed(`values.${i}`, block, valueWidth, fresh.values);
		const seen = block.window ? block.window.layout.size : tokenTotal(this.#plan);
		graph.count(ROWS, seen, dim); // query · key
		graph.count(ROWS, seen, dim); // weight · value
		if (block.window) return this.#attendInWindows(i, fresh.queries, keys, values);
		const queries = layers.reshape(fresh.queries, [1, ROWS, heads * keyWidth]);
		return layers.reshape(this.#attend(queries, keys, values), [ROWS, dim]);
	}

	/** One node gives queries and keys, so that no key is missing where queries are there. */
	#project(block: VitBlock, normed: Value): Fresh {
		const layers = this.#layers;
		const { heads, rotary } = this.#plan;
		const pieces = this.#inPlace ? Array<number>(heads).fill(1) : [heads];
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
			: this.#parts.rotateHeads(queriesAndKeys!, layers.reshape(this.#tokens, [1, ROWS]));
		const [queries, ...keys] = layers.split(placed, [heads, ...pieces], 1);
		return { queries: queries!, keys, values };
	}

	/** A memory [1, heads, memory rows, width] as it is with the fresh rows in it, which become outputs. */
	#renewed(name: string, block: VitBlock, width: number, fresh: readonly Value[]): Value {
		const layers = this.#layers;
		const { graph } = layers;
		const { heads } = this.#plan;
		const { rows } = blockMemory(this.#plan, block);
		const memory = graph.input(name, 'float32', [1, heads, rows, width]);
		if (this.#inPlace) {
			fresh.forEach((ofHead, head) => graph.output(`${name}.${head}`, ofHead));
			return memory;
		}
		const byHead = layers.transpose(fresh[0]!, [1, 0, 2]);
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
		// Made from the queries, so that nothing is gathered before the node that gives them has written the fresh rows.
		const count = layers.graph.cast(this.#countRows(queries), 'int32');
		const slots = layers.add(indices.memory, count);
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
		const logits = graph.op(
			'FusedMatMul',
			[byHead, keys],
			{ shape: [n, heads, k, m] },
			{ domain: RUNTIME, attributes: { transB: 1, alpha: { float: 1 / Math.sqrt(valueWidth) } } },
		);
		const shape = [n, heads, k, valueWidth];
		const attended = graph.op('MatMul', [layers.softmax(logits), values], { shape });
		return layers.reshape(layers.transpose(attended, [0, 2, 1, 3]), [n, k, heads * valueWidth]);
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
