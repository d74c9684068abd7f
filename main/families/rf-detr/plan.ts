import type { Layers, WeightLookup } from '../../graph/layers.ts';
import type { BlockWindow, Extent, LayerNames, VitPlan } from '../../vit/plan.ts';
import { resizedTable } from '../../vit/position-tables.ts';
import { layoutFrom } from '../../vit/windows.ts';
import {
	patchGrid,
	positionTable,
	VIT_PREFIX,
	windowedVitPlan,
	type WindowedTransformer,
	withoutBias,
} from '../lw-detr/windowed-vit.ts';
import type { WindowedVitConfig } from '../lw-detr/config.ts';
import type { WindowedDinoConfig } from './config.ts';
import { joinedTensors, rowsOf, type FloatTensor } from '../../domain/float-tensor.ts';

const LAYER_NAMES: LayerNames = {
	norm1: 'norm1',
	qkv: { query: 'attention.q_proj', key: 'attention.k_proj', value: 'attention.v_proj', biasless: [] },
	projection: 'attention.o_proj',
	norm2: 'norm2',
	fc1: 'mlp.fc1',
	gate: null,
	fc2: 'mlp.fc2',
	layerScale: { attention: 'layer_scale1.lambda1', mlp: 'layer_scale2.lambda1' },
};
const GATED_NAMES = { fc1: 'mlp.up_proj', gate: 'mlp.gate_proj', fc2: 'mlp.down_proj' };

/**
 * RF-DETR's transformer: DINOv2 with windows, each of which has a copy of the class token that goes its own way from the first
 * block on.
 */
export function rfDetrTransformer(vit: WindowedDinoConfig): WindowedTransformer {
	return {
		vit,
		plan: (size, whole = false) => rfDetrPlan(vit, size, whole),
		window: (size) => rfDetrWindow(vit, size),
		featureOrder: (size) => featureOrder(vit, size),
	};
}

function rfDetrPlan(config: WindowedDinoConfig, size: Extent, whole: boolean): VitPlan {
	const { windowsPerSide, dim, normEpsilon } = config;
	const copies = windowsPerSide ** 2;
	const qkv = config.qkvBias ? LAYER_NAMES.qkv : withoutBias(LAYER_NAMES.qkv);
	return windowedVitPlan({
		name: 'rf-detr',
		config,
		whole,
		grid: patchGrid(config, size),
		window: rfDetrWindow(config, size),
		extra: { before: copies, after: 0 },
		embedExtra: (layers) => ({ before: classTokens(layers, dim, copies), after: null }),
		patches: 'embeddings.patch_embeddings.projection',
		absolute: (weights) => absolutePositions(weights, config, size),
		layerNames: { ...LAYER_NAMES, ...(config.gated ? GATED_NAMES : {}), qkv },
		feature: (layers, tokens) =>
			config.normsFeatures ? layers.layerNorm(`${VIT_PREFIX}layernorm`, tokens, normEpsilon) : tokens,
	});
}

/**
 * The published code cuts a grid that is not square with its height and width exchanged, and joins the windows with them as they
 * are; in a square that changes nothing.
 */
function featureOrder({ windowsPerSide }: WindowedDinoConfig, { rows, cols }: Extent): Int32Array | null {
	if (rows === cols || windowsPerSide === 1) return null;
	const [down, across] = [rows / windowsPerSide, cols / windowsPerSide];
	const order = new Int32Array(rows * cols);
	windowsOf(windowsPerSide, { rows, cols }).forEach((tokens, window) => {
		const [top, left] = [Math.floor(window / windowsPerSide) * down, (window % windowsPerSide) * across];
		tokens.forEach((token, i) => {
			order[(top + Math.floor(i / across)) * cols + left + (i % across)] = token;
		});
	});
	return order;
}

/** Each window has its class token first. */
function rfDetrWindow({ windowsPerSide }: WindowedVitConfig, size: Extent): BlockWindow | null {
	if (windowsPerSide === 1) return null;
	const copies = windowsPerSide ** 2;
	const windows = windowsOf(windowsPerSide, size).map((tokens, window) => [
		window,
		...tokens.map((token) => copies + token),
	]);
	return {
		rows: size.rows / windowsPerSide,
		cols: size.cols / windowsPerSide,
		layout: layoutFrom(windows, copies + size.rows * size.cols),
	};
}

/** Tokens of each window in their order there, as places on the grid in raster order. */
function windowsOf(windowsPerSide: number, { rows, cols }: Extent): number[][] {
	// As published, with the window's height and width exchanged.
	const [down, across] = [cols / windowsPerSide, rows / windowsPerSide];
	return Array.from({ length: windowsPerSide ** 2 }, (_, window) => {
		const [i, j] = [Math.floor(window / windowsPerSide), window % windowsPerSide];
		return Array.from({ length: down * across }, (_place, place) => {
			const [row, col] = [Math.floor(place / across), place % across];
			return ((i * down + row) * windowsPerSide + j) * across + col;
		});
	});
}

function classTokens(layers: Layers, dim: number, copies: number) {
	const token = layers.tensor(`${VIT_PREFIX}embeddings.cls_token`, [1, 1, dim]).data;
	const data = new Float32Array(copies * dim);
	for (let copy = 0; copy < copies; copy++) data.set(token, copy * dim);
	return layers.graph.constant('class-tokens', { data, shape: [copies, dim] });
}

/** The class token's row for each of its copies, then the table resized to the grid: [tokens, dim]. */
function absolutePositions(
	weights: WeightLookup,
	{ positions: side, dim, windowsPerSide }: WindowedDinoConfig,
	size: Extent,
): FloatTensor {
	const table = positionTable(weights, side, dim);
	const square = { rows: side, cols: side };
	const ofGrid = resizedTable('bicubic, antialiased', rowsOf(table, 1, side * side), square, size);
	const ofClass = Array.from({ length: windowsPerSide ** 2 }, () => rowsOf(table, 0, 1));
	return joinedTensors([...ofClass, ofGrid], [ofClass.length + size.rows * size.cols, dim]);
}
