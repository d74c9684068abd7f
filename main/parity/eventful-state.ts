import { firstHeadRow } from '../reduction/eventful/attention-sizes.ts';
import type { EventfulBlock } from '../reduction/eventful/eventful-block.ts';
import { layoutOf } from '../vit/grid-attention.ts';
import { headDim, tokenTotal, type VitBlock, type VitPlan } from '../vit/plan.ts';

type Numbers = ArrayLike<number>;

/**
 * A block's state in the names and layouts of the published modules. Where ours differ (queries scaled, heads first,
 * attention weights transposed) they are converted; the product of queries and keys, which is not remembered, is computed
 * from queries and keys.
 */
export function publishedState(
	plan: VitPlan,
	block: VitBlock,
	state: EventfulBlock,
): Record<string, () => Numbers> {
	const arrays = state.remembered();
	const isIncremental = state.method.product === 'delta';
	const views = isIncremental ? headViews(plan, arrays) : windowViews(plan, block, arrays);
	return {
		'qkv_gate.p': () => arrays['qkv.reference']!,
		'projection_gate.p': () => arrays['projection.reference']!,
		'mlp_gate.p': () => arrays['mlp.reference']!,
		'projection_accumulator.b': () => arrays['projection.buffer']!,
		'mlp_accumulator.b': () => arrays['mlp.buffer']!,
		'qkv_accumulator.b': () => tokenRows(plan, views),
		'matmul_accumulator_1.product': () => queryKeyProduct(plan, views),
		'v_gate.p': () => valuesByHead(plan, views),
		'matmul_gate.p': () => weightsByQuery(plan, views.keys, arrays['attention.weights']!),
		'matmul_accumulator_2.product': () => arrays['attention.output']!,
	};
}

/** Elements of a block's remembered queries, keys and values; `c` counts a head's dimensions. */
type Views = {
	/** Scaled; `token` in raster order. */
	query(token: number, head: number, c: number): number;
	/** Number of keys, after pooling. */
	keys: number;
	key(key: number, head: number, c: number): number;
	value(key: number, head: number, c: number): number;
	/** Before pooling. */
	tokenKey(token: number, head: number, c: number): number;
	tokenValue(token: number, head: number, c: number): number;
};

type Arrays = Record<string, Float32Array | Int32Array>;

/** The layout of IncrementalAttention: [heads, tokens or keys, width]. */
function headViews(plan: VitPlan, arrays: Arrays): Views {
	const { heads, dim } = plan;
	const [tokens, width] = [tokenTotal(plan), headDim(plan)];
	const [queries, allKeys, values] = [
		arrays['attention.queries']!,
		arrays['attention.keys']!,
		arrays['attention.values']!,
	];
	const row = queries.length / (heads * tokens);
	const keys = values.length / dim;
	const [rawKeys, rawValues] = [arrays['attention.unpooled.keys'], arrays['attention.unpooled.values']];
	const key = (j: number, head: number, c: number) => allKeys[(head * keys + j) * row + c]!;
	const value = (j: number, head: number, c: number) => values[(head * keys + j) * width + c]!;
	return {
		query: (token, head, c) => queries[(head * tokens + token) * row + c]!,
		keys,
		key,
		value,
		tokenKey: rawKeys ? (token, head, c) => rawKeys[token * dim + head * width + c]! : key,
		tokenValue: rawValues ? (token, head, c) => rawValues[token * dim + head * width + c]! : value,
	};
}

/** The layout of WholeAttention: [windows, heads, slots or keys, width]. */
function windowViews(plan: VitPlan, block: VitBlock, arrays: Arrays): Views {
	const { heads, dim } = plan;
	const width = headDim(plan);
	const { count, slotOf, tokenAt } = layoutOf(plan, block);
	const [queries, allKeys, values] = [
		arrays['attention.queries']!,
		arrays['attention.keys']!,
		arrays['attention.values']!,
	];
	const extended = queries.length / (heads * tokenAt.length);
	const keys = values.length / dim;
	const rowOf = (size: number) => (j: number, head: number) => firstHeadRow(j, size, heads) + head * size;
	const [row, queryRow] = [rowOf(keys / count), rowOf(tokenAt.length / count)];
	const [rawKeys, rawValues] = [arrays['attention.unpooled.keys'], arrays['attention.unpooled.values']];
	const key = (j: number, head: number, c: number) => allKeys[row(j, head) * extended + c]!;
	const value = (j: number, head: number, c: number) => values[row(j, head) * width + c]!;
	return {
		query: (token, head, c) => queries[queryRow(slotOf[token]!, head) * extended + c]!,
		keys,
		key,
		value,
		tokenKey: (token, head, c) =>
			rawKeys ? rawKeys[slotOf[token]! * dim + head * width + c]! : key(slotOf[token]!, head, c),
		tokenValue: (token, head, c) =>
			rawValues ? rawValues[slotOf[token]! * dim + head * width + c]! : value(slotOf[token]!, head, c),
	};
}

/** [tokens, 3 · dim]: queries before they are scaled, keys, values. */
function tokenRows(plan: VitPlan, views: Views): Numbers {
	const { dim } = plan;
	const width = headDim(plan);
	const out = new Float32Array(3 * dim * tokenTotal(plan));
	for (let token = 0; token < tokenTotal(plan); token++) {
		for (let i = 0; i < dim; i++) {
			const [head, c] = [Math.floor(i / width), i % width];
			out[3 * dim * token + i] = views.query(token, head, c) * Math.sqrt(width);
			out[3 * dim * token + dim + i] = views.tokenKey(token, head, c);
			out[3 * dim * token + 2 * dim + i] = views.tokenValue(token, head, c);
		}
	}
	return out;
}

/** [heads, tokens, keys] */
function queryKeyProduct(plan: VitPlan, views: Views): Numbers {
	const [tokens, width] = [tokenTotal(plan), headDim(plan)];
	const out = new Float32Array(plan.heads * tokens * views.keys);
	for (let i = 0; i < out.length; i++) {
		const [head, query, key] = [
			Math.floor(i / (tokens * views.keys)),
			Math.floor(i / views.keys) % tokens,
			i % views.keys,
		];
		for (let c = 0; c < width; c++) out[i]! += views.query(query, head, c) * views.key(key, head, c);
	}
	return out;
}

/** [heads, keys, headDim] */
function valuesByHead(plan: VitPlan, views: Views): Numbers {
	const width = headDim(plan);
	const size = views.keys * width;
	return Float32Array.from({ length: plan.heads * size }, (_, i) =>
		views.value(Math.floor((i % size) / width), Math.floor(i / size), i % width),
	);
}

/** Attention weights [heads, keys, tokens] -> [heads, tokens, keys] */
function weightsByQuery(plan: VitPlan, keys: number, weights: Numbers): Numbers {
	const tokens = tokenTotal(plan);
	return Float32Array.from({ length: weights.length }, (_, i) => {
		const [head, query, key] = [Math.floor(i / (tokens * keys)), Math.floor(i / keys) % tokens, i % keys];
		return weights[(head * keys + key) * tokens + query]!;
	});
}
