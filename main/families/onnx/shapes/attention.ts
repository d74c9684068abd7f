import { elementsOf, type NodeView, type Rule, type Shape, type Size1d } from './node-view.ts';

// Attention in one operator: ONNX's own (operator set 23), and those of the runtime's contributed operators, which its optimizer
// and PyTorch's exporters write (onnxruntime, docs/ContribOperators.md).

/** What attends to what. Widths are those of all heads together. */
type AttentionSizes = {
	batch: Size1d;
	queries: Size1d;
	/** Of keys and values, those of earlier calls included. */
	keys: Size1d;
	heads: Size1d;
	/** Heads of keys and values: queries may share them. */
	keyHeads: Size1d;
	/** Of queries. */
	width: Size1d;
	/** Of what comes out. */
	valueWidth: Size1d;
	/** Multiply-adds that project inputs inside of the operator. */
	projection: Size1d;
};

function times(...factors: readonly (Size1d | undefined)[]): Size1d {
	return elementsOf(factors.map((factor) => factor ?? null));
}

function plus(a: Size1d, b: Size1d): Size1d {
	return a === null || b === null ? null : a + b;
}

function over(a: Size1d | undefined, b: Size1d): Size1d {
	return a === undefined || a === null || !b ? null : a / b;
}

/** Tokens of an earlier call, [batch, heads, tokens, width of a head]. */
function earlier(node: NodeView, i: number): Size1d {
	return node.has(i) ? (node.shape(i)?.at(-2) ?? null) : 0;
}

/** Queries, keys and values in one projection: [batch, tokens, features] and [features, all three widths]. */
function ofPacked(node: NodeView): AttentionSizes | null {
	const [input, weights] = [node.shape(0), node.shape(1)];
	if (!input || !weights) return null;
	const [batch = null, queries = null] = input;
	const [width = over(weights[1], 3), , valueWidth = width] = node.list('qkv_hidden_sizes') ?? [];
	const heads = node.number('num_heads', 0) || null;
	const keys = plus(queries, earlier(node, 4));
	const projection = times(batch, queries, ...weights);
	return { batch, queries, keys, heads, keyHeads: heads, width, valueWidth, projection };
}

/** Queries [batch, tokens, width], or all three [batch, tokens, heads, 3, width of a head]; keys and values apart or together. */
function ofMultiHead(node: NodeView): AttentionSizes | null {
	const [query, key, value] = [
		node.shape(0),
		node.has(1) ? node.shape(1) : null,
		node.has(2) ? node.shape(2) : null,
	];
	if (!query) return null;
	const [batch = null, queries = null] = query;
	const heads = node.number('num_heads', 0) || null;
	const width = query.length === 5 ? times(heads, query[4]) : (query[2] ?? null);
	const alone = query.length === 5 ? queries : key?.length === 4 ? (key[2] ?? null) : (key?.[1] ?? null);
	const valueWidth =
		value?.length === 4 ? times(heads, value[3]) : node.has(2) ? (value?.[2] ?? null) : width;
	const keys = plus(alone, earlier(node, 6));
	return { batch, queries, keys, heads, keyHeads: heads, width, valueWidth, projection: 0 };
}

/** Queries [batch, tokens, width], keys and values of fewer heads behind them or in the same tensor. */
function ofGroupedQueries(node: NodeView): AttentionSizes | null {
	const query = node.shape(0);
	if (!query) return null;
	const [batch = null, queries = null, all = null] = query;
	const [heads, keyHeads] = [node.number('num_heads', 0) || null, node.number('kv_num_heads', 0) || null];
	const width = node.has(1) ? all : times(heads, over(all, plus(heads, times(2, keyHeads))));
	// Past and present may share a buffer that is longer than what it holds.
	const keys = node.has(3) && earlier(node, 3) !== 0 ? null : queries;
	return { batch, queries, keys, heads, keyHeads, width, valueWidth: width, projection: 0 };
}

/** Three inputs, each [batch, heads, tokens, width of a head] or [batch, tokens, width]. */
function ofStandard(node: NodeView): AttentionSizes | null {
	const [query, key, value] = [node.shape(0), node.shape(1), node.shape(2)];
	if (!query || !key || !value) return null;
	const isApart = query.length === 4;
	const heads = isApart ? (query[1] ?? null) : node.number('q_num_heads', 0) || null;
	const keyHeads = isApart ? (key[1] ?? null) : node.number('kv_num_heads', 0) || null;
	return {
		batch: query[0] ?? null,
		queries: query.at(-2) ?? null,
		keys: plus(key.at(-2) ?? null, earlier(node, 4)),
		heads,
		keyHeads,
		width: isApart ? times(heads, query[3]) : (query[2] ?? null),
		valueWidth: times(heads, isApart ? value[3] : over(value[2], keyHeads)),
		projection: 0,
	};
}

/** By operator, how its sizes are found. */
const SIZES: Readonly<Record<string, (node: NodeView) => AttentionSizes | null>> = {
	Attention: ofStandard,
	'com.microsoft.Attention': ofPacked,
	'com.microsoft.QAttention': ofPacked,
	'com.microsoft.MultiHeadAttention': ofMultiHead,
	'com.microsoft.GroupQueryAttention': ofGroupedQueries,
};

export const ATTENTION_OPERATORS = Object.keys(SIZES);

/** What attends comes out first, then the keys and values that a later call would be given. */
export const attention: Rule = (view) => {
	const sizes = SIZES[view.node.operator]?.(view);
	if (!sizes) return [];
	const { batch, queries, keys, heads, keyHeads, width, valueWidth } = sizes;
	const isApart = view.node.operator === 'Attention' && view.shape()?.length === 4;
	const output: Shape = isApart
		? [batch, heads, queries, over(valueWidth, heads)]
		: [batch, queries, valueWidth];
	const presentKeys: Shape = [batch, keyHeads, keys, over(width, heads)];
	if (SIZES[view.node.operator] === ofPacked) return [{ shape: output }, { shape: [2, ...presentKeys] }];
	const logits: Shape = [batch, heads, queries, keys];
	return [
		{ shape: output },
		{ shape: presentKeys },
		{ shape: [batch, keyHeads, keys, over(valueWidth, heads)] },
		{ shape: logits },
	];
};

/** Multiply-adds: projections, logits and weighted values. Null where a size is unknown. */
export function attentionMacs(view: NodeView): number | null {
	const sizes = SIZES[view.node.operator]?.(view);
	if (!sizes) return null;
	const { batch, queries, keys, width, valueWidth, projection } = sizes;
	return plus(projection, times(batch, queries, keys, plus(width, valueWidth)));
}

/** The norm; its mean and deviation, which inference has not; and the sum that was normed. */
export const skipNorm: Rule = (node) => [
	{ shape: node.shape() },
	{ shape: null },
	{ shape: null },
	{ shape: node.shape() },
];
