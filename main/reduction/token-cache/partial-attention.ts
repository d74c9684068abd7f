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
/** The name of ROWS for every head. */
const HEAD_ROWS = `heads·${ROWS}`;

/**
 * Attention of the computed tokens over what is remembered of all, block by block.
 *
 * in: per block `keys.i` and `values.i` [heads, 1, memory rows, width], the computed tokens' rows last; what
 * `WindowIndices` makes, its names behind `windows.<layout>.`.
 * out, with `inPlace`: per block and head the fresh `keys.i.h` and `values.i.h` [1, rows, width]. These must be written into the
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
		const { heads } = this.#plan;
		const block = this.#plan.blocks[i]!;
		const together = this.#parts.projectionsTogether(block, normed);
		const byHead = layers.transpose(together, [1, 0, 2]);
		const pieces = this.#inPlace ? Array<number>(heads).fill(1) : [heads];
		if (!this.#plan.rotary && !block.relative) {
			const [queries, ...rest] = layers.split(byHead, [heads, ...pieces, ...pieces], 0);
			return this.#attend(i, queries!, rest.slice(0, pieces.length), rest.slice(pieces.length));
		}
		const [queriesAndKeys, ...values] = layers.split(byHead, [2 * heads, ...pieces], 0);
		const placed = block.relative
			? this.#withPositions(block, together, queriesAndKeys!)
			: this.#parts.rotateByHead(queriesAndKeys!, layers.reshape(this.#tokens, [1, ROWS]));
		const [queries, ...keys] = layers.split(placed, [heads, ...pieces], 0);
		return this.#attend(i, queries!, keys, values);
	}

	/** Queries [heads, rows, width] with fresh keys and values in the pieces that become outputs -> [rows, dim]. */
	#attend(i: number, queries: Value, freshKeys: readonly Value[], freshValues: readonly Value[]): Value {
		const { graph } = this.#layers;
		const { dim, blocks } = this.#plan;
		const block = blocks[i]!;
		const { keyWidth, valueWidth } = blockMemory(this.#plan, block);
		const keys = this.#renewed(`keys.${i}`, block, keyWidth, freshKeys);
		const values = this.#renewed(`values.${i}`, block, valueWidth, freshValues);
		const seen = block.window ? block.window.layout.size : tokenTotal(this.#plan);
		graph.count(ROWS, seen, dim); // query · key
		graph.count(ROWS, seen, dim); // weight · value
		return block.window
			? this.#attendInWindows(i, queries, keys, values)
			: this.#attendToAll(queries, keys, values);
	}

	/** A memory [heads, 1, memory rows, width] as it is with the fresh rows in it, which become outputs. */
	#renewed(name: string, block: VitBlock, width: number, fresh: readonly Value[]): Value {
		const layers = this.#layers;
		const { graph } = layers;
		const { heads } = this.#plan;
		const { rows } = blockMemory(this.#plan, block);
		const memory = graph.input(name, 'float32', [heads, 1, rows, width]);
		if (this.#inPlace) {
			fresh.forEach((ofHead, head) => graph.output(`${name}.${head}`, ofHead));
			return memory;
		}
		graph.output(`${name}.fresh`, fresh[0]!);
		const end = graph.op('Neg', [this.#countRows(this.#tokens, 0)], { shape: [1] });
		const remembered = graph.op('Slice', [memory, graph.integers([0]), end, graph.integers([2])], {
			shape: [heads, 1, 'remembered', width],
		});
		const all = layers.concat([remembered, layers.reshape(fresh[0]!, [heads, 1, ROWS, width])], 2);
		return { ...all, shape: memory.shape };
	}

	#attendToAll(queries: Value, keys: Value, values: Value): Value {
		const layers = this.#layers;
		const attended = this.#attention(queries, keys, values);
		return layers.reshape(layers.transpose(attended, [1, 0, 2]), [ROWS, this.#plan.dim]);
	}

	#attendInWindows(i: number, queries: Value, keys: Value, values: Value): Value {
		const layers = this.#layers;
		const { graph } = layers;
		const { heads, dim } = this.#plan;
		const { size } = this.#plan.blocks[i]!.window!.layout;
		const indices = this.#indices[this.#layouts.ofBlock[i]!]!;
		const [batch, most] = indices.queries.shape;
		const keyWidth = keys.shape[3] as number;
		const valueWidth = values.shape[3] as number;
		// Made from the queries, so that nothing is gathered before the node that gives them has written the fresh rows.
		const count = graph.cast(this.#countRows(queries, 1), 'int32');
		const slots = layers.add(indices.memory, count);
		const ofWindows = (memory: Value, width: number): Value => {
			const rows = layers.reshape(memory, [heads * (memory.shape[2] as number), width]);
			return layers.reshape(layers.gatherRows(rows, slots), [batch!, 1, size, width]);
		};
		const ofQueries = layers.gatherRows(layers.reshape(queries, [HEAD_ROWS, keyWidth]), indices.queries);
		const attended = this.#attention(
			{ ...ofQueries, shape: [batch!, most!, keyWidth] },
			ofWindows(keys, keyWidth),
			ofWindows(values, valueWidth),
		);
		const attendedRows = layers.reshape(attended, [`attended.${i}`, valueWidth]);
		const back = layers.gatherRows(attendedRows, indices.back);
		return layers.reshape({ ...back, shape: [ROWS, heads, valueWidth] }, [ROWS, dim]);
	}

	/** Queries [n, k, key width] over keys and values [n, 1, m, width] -> [n, k, value width]. */
	#attention(queries: Value, keys: Value, values: Value): Value {
		const layers = this.#layers;
		const { graph } = layers;
		const [n, k, keyWidth] = queries.shape as [Dim, Dim, number];
		const valueWidth = headDim(this.#plan);
		const factor = { float: 1 / Math.sqrt(valueWidth) };
		if (keyWidth === valueWidth) {
			// To the runtime's attention every head is a picture of its own, with a single head.
			const attributes = { num_heads: 1, scale: factor };
			const shape = queries.shape;
			return graph.op(
				'MultiHeadAttention',
				[queries, keys, values],
				{ shape },
				{ domain: RUNTIME, attributes },
			);
		}
		// Head by head, the runtime's attention wants keys as wide as values.
		const axis = graph.integers([1]);
		const logits = graph.op(
			'FusedMatMul',
			[graph.op('Unsqueeze', [queries, axis], { shape: [n, 1, k, keyWidth] }), keys],
			{ shape: [n, 1, k, keys.shape[2]!] },
			{ domain: RUNTIME, attributes: { transB: 1, alpha: factor } },
		);
		const attended = graph.op('MatMul', [layers.softmax(logits), values], { shape: [n, 1, k, valueWidth] });
		return graph.op('Squeeze', [attended, axis], { shape: [n, k, valueWidth] });
	}

	/**
	 * Queries and keys [2 · heads, rows, headDim] with the terms of relative positions behind the queries, and behind the keys
	 * what picks from them: [2 · heads, rows, key width]. `together` [rows, 3 · heads, headDim] holds the queries as well.
	 */
	#withPositions(block: VitBlock, together: Value, queriesAndKeys: Value): Value {
		const layers = this.#layers;
		const { graph } = layers;
		const { heads } = this.#plan;
		const { keyWidth, valueWidth } = blockMemory(this.#plan, block);
		const width = keyWidth - valueWidth;
		const { cols } = attentionExtent(this.#plan, block);
		const slots = slotInWindow(this.#plan, block);
		const [queries] = layers.split(together, [heads, 2 * heads], 1);
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
			[layers.reshape(ofKeys, [1, ROWS, width]), graph.integers([heads, 1, 1])],
			{ shape: [heads, ROWS, width] },
		);
		const more = layers.concat([layers.transpose(layers.concat(terms, 2), [1, 0, 2]), repeated], 0);
		return layers.concat([queriesAndKeys, more], 2);
	}

	/** The numbers [tokens] of the rows' tokens. */
	#ofTokens(name: string, data: Int32Array): Value {
		return this.#layers.gatherRows(
			this.#layers.graph.constant(name, { data, shape: [data.length] }),
			this.#tokens,
		);
	}

	/** The size of x along an axis, as a value [1]. */
	#countRows(x: Value, axis: number): Value {
		const attributes = { start: axis, end: axis + 1 };
		return this.#layers.graph.op('Shape', [x], { shape: [1], type: 'int64' }, { attributes });
	}
}
