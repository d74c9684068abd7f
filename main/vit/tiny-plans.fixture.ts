import type { Value } from '../graph/graph-builder.ts';
import type { Layers, WeightLookup } from '../graph/layers.ts';
import { NO_EXTRA_TOKENS, PLAIN_BLOCK, USUAL_LAYER_NAMES, type VitBlock, type VitPlan } from './plan.ts';
import { relativePairs } from './position-tables.ts';
import { layoutFrom, windowLayout } from './windows.ts';

const GRID = { rows: 4, cols: 6, stride: 4, windowSize: 4, windowOffset: 0 };
const TOKENS = GRID.rows * GRID.cols;
const DIM = 12;
const HEADS = 3;
const HIDDEN = 20;
const DEPTH = 3;
/** Class tokens of the plan that has one per window. */
const WINDOWS = 4;

const scaled = { ...USUAL_LAYER_NAMES, layerScale: { attention: 'gamma_1', mlp: 'gamma_2' } };

const plain = (i: number): VitBlock => ({ ...PLAIN_BLOCK, name: `blocks.${i}`, hidden: HIDDEN });

const base: Omit<VitPlan, 'name'> = {
	grid: GRID,
	...NO_EXTRA_TOKENS,
	dim: DIM,
	heads: HEADS,
	normEpsilon: 1e-6,
	activation: 'gelu',
	absolute: table('positions', TOKENS),
	rotary: null,
	layerNames: USUAL_LAYER_NAMES,
	blocks: [0, 1, 2].map(plain),
	features: [DEPTH],
	answers: {
		grid: { width: DIM, emit: (layers, [tokens]) => layers.layerNorm('norm', tokens!, 1e-6) },
		extra: null,
	},
	embedPicture: (layers, picture) => embed(layers, picture, TOKENS),
	embedWindows: (layers, windows) => embed(layers, windows, windows.shape[0]!),
	bestScore: null,
	scorer: null,
};

/** One small plan for each way in which published transformers differ from a plain one. Weights: `tinyWeights`. */
export const TINY_PLANS: readonly VitPlan[] = [
	{
		...base,
		name: 'class and detection tokens, positions after blocks',
		extra: { before: 1, after: 5 },
		embedExtra: (layers) => ({
			before: layers.weight('class_token', [1, DIM]),
			after: layers.weight('detection_tokens', [5, DIM]),
		}),
		absolute: table('positions', TOKENS + 6),
		layerNames: {
			...USUAL_LAYER_NAMES,
			qkv: { query: 'query', key: 'key', value: 'value', biasless: [] },
		},
		blocks: [0, 1, 2].map((i) => ({
			...plain(i),
			positionsAfter: i < DEPTH - 1 ? table(`blocks.${i}.positions`, TOKENS + 6) : null,
		})),
		answers: {
			grid: null,
			extra: { width: 7, emit: (layers, [tokens]) => layers.linear('head', tokens!, 7) },
		},
	},
	{
		...base,
		name: 'a class token in every window, layer scale, features of two blocks',
		extra: { before: WINDOWS, after: 0 },
		embedExtra: (layers) => ({ before: layers.weight('class_tokens', [WINDOWS, DIM]), after: null }),
		absolute: table('positions', TOKENS + WINDOWS),
		layerNames: { ...scaled, qkv: { query: 'query', key: 'key', value: 'value', biasless: [] } },
		blocks: [0, 1, 2].map((i) => ({ ...plain(i), window: i === 1 ? null : withClassTokens() })),
		features: [1, DEPTH],
		answers: { grid: { width: 2 * DIM, emit: sideBySide }, extra: null },
	},
	{
		...base,
		name: 'even windows, keys without bias, a gated MLP',
		layerNames: {
			...scaled,
			qkv: { query: 'query', key: 'key', value: 'value', biasless: ['key'] },
			gate: 'mlp.gate',
		},
		activation: 'silu',
		blocks: [0, 1, 2].map((i) => ({ ...plain(i), window: i === 1 ? null : tiling(2, 3) })),
		features: [0, 2],
		answers: { grid: { width: 2 * DIM, emit: sideBySide }, extra: null },
	},
	...[true, false].map((bias): VitPlan => ({
		...base,
		name: `padded windows, relative positions, convolutions, projections ${bias ? 'with' : 'without'} bias`,
		layerNames: { ...USUAL_LAYER_NAMES, qkv: { fused: 'qkv', bias } },
		activation: 'relu',
		blocks: [0, 1, 2].map((i) => ({
			...plain(i),
			window: i === 1 ? null : tiling(3, 4),
			relative: {
				pairs(weights, axis, extent) {
					const rows = 2 * extent[axis] - 1;
					const name = `blocks.${i}.relative.${axis}`;
					return relativePairs(weights(name, [rows, DIM / HEADS]).data, extent[axis]);
				},
			},
			residual: i === 1 ? convolution : null,
		})),
	})),
];

/** Random weights under whatever name and shape is asked for; the same for the same name. */
export function tinyWeights(): WeightLookup {
	return (name, shape) => {
		let state = [...name].reduce((hash, char) => (Math.imul(hash, 31) + char.charCodeAt(0)) >>> 0, 7);
		const length = shape.reduce((size, dim) => size * dim, 1);
		const data = Float32Array.from({ length }, () => {
			state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
			return state / 2 ** 32 - 0.5;
		});
		return { data, shape };
	};
}

function table(name: string, tokens: number) {
	return (weights: WeightLookup) => weights(name, [tokens, DIM]);
}

function embed(layers: Layers, pixels: Value, tokens: Value['shape'][number]): Value {
	const map = layers.conv('embedding', pixels, DIM, { kernel: 4, stride: 4 });
	return layers.reshape(layers.transpose(map, [0, 2, 3, 1]), [tokens, DIM]);
}

function sideBySide(layers: Layers, features: readonly Value[]): Value {
	return layers.concat(
		features.map((tokens) => layers.layerNorm('norm', tokens, 1e-6)),
		1,
	);
}

function tiling(rows: number, cols: number) {
	return { rows, cols, layout: windowLayout(GRID, { rows, cols }) };
}

/** Four windows of two rows and three columns, each behind a class token of its own. */
function withClassTokens() {
	const windows = Array.from({ length: WINDOWS }, (_, i) => [
		i,
		...Array.from({ length: 6 }, (_, place) => {
			const [row, col] = [2 * Math.floor(i / 2) + Math.floor(place / 3), 3 * (i % 2) + (place % 3)];
			return WINDOWS + row * GRID.cols + col;
		}),
	]);
	return { rows: 2, cols: 3, layout: layoutFrom(windows, WINDOWS + TOKENS) };
}

function convolution(layers: Layers, tokens: Value): Value {
	const map = layers.reshape(layers.transpose(tokens, [1, 0]), [1, DIM, GRID.rows, GRID.cols]);
	const seen = layers.relu(layers.conv('residual', map, DIM, { kernel: 3, pads: 1 }));
	return layers.transpose(layers.reshape(seen, [DIM, TOKENS]), [1, 0]);
}
