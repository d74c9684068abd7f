import { z } from 'zod';
import { epsilon, headCount, layerCount, layerIndex, side, width, widthRatio } from '../config-numbers.ts';
import { UserFacingError } from '../../domain/errors.ts';
import { ACTIVATION_NAMES, activate } from '../../graph/activations.ts';
import type { Value } from '../../graph/graph-builder.ts';
import type { Layers, WeightLookup } from '../../graph/layers.ts';
import { compileFull } from '../../reduction/vit-graphs.ts';
import {
	type Extent,
	NO_EXTRA_TOKENS,
	PLAIN_BLOCK,
	type RelativePositions,
	USUAL_LAYER_NAMES,
	type VitBlock,
	type VitPlan,
} from '../../vit/plan.ts';
import { relativePairs, resizedTable, resizeLinear } from '../../vit/position-tables.ts';
import { windowLayout } from '../../vit/windows.ts';
import { TensorAudit } from '../../weights/tensor-audit.ts';
import { requireTensors } from '../../weights/weights.ts';
import { parseModelConfig } from '../model-config.ts';
import type { HuggingFaceFiles } from '../hugging-face/files.ts';
import { type FloatTensor, reshaped, rowsOf } from '../../domain/float-tensor.ts';

/** Of the norms in residual blocks, whatever a configuration says. */
const RESIDUAL_NORM_EPSILON = 1e-6;
/** Any size shows which tensors a network asks for. */
const SMALLEST = { rows: 1, cols: 1 };

const sides = z.union([
	side.transform((length): [number, number] => [length, length]),
	z.tuple([side, side]),
]);
const numbers = z.array(layerIndex).default([]);

/** Fields with what transformers takes where a file has none. */
const schema = z.object({
	hidden_size: width.default(768),
	num_hidden_layers: layerCount.default(12),
	num_attention_heads: headCount.default(12),
	mlp_ratio: widthRatio.default(4),
	hidden_act: z.enum(ACTIVATION_NAMES).default('gelu'),
	layer_norm_eps: epsilon.default(1e-6),
	image_size: sides.default([224, 224]),
	pretrain_image_size: sides.default([224, 224]),
	patch_size: sides.default([16, 16]),
	num_channels: z.literal(3).default(3),
	qkv_bias: z.boolean().default(true),
	window_block_indices: numbers,
	residual_block_indices: numbers,
	use_absolute_position_embeddings: z.boolean().default(true),
	use_relative_position_embeddings: z.boolean().default(false),
	window_size: z.int().nonnegative().max(16_384).default(0),
	out_features: z.array(z.string()).nullish(),
	out_indices: numbers.nullish(),
});

/** A ViTDet backbone as transformers' config.json describes it. */
export type VitDetBackboneConfig = Omit<
	z.infer<typeof schema>,
	'patch_size' | 'out_features' | 'out_indices'
> & {
	/** Side of a patch, in pixels. */
	patch: number;
	/** After how many blocks feature maps are taken. */
	features: number[];
};

/** Reads and checks a Hugging Face folder's files; throws `model-unreadable` or `tensor-mismatch`. */
export function readVitDetBackbone(files: HuggingFaceFiles): {
	config: VitDetBackboneConfig;
	weights: WeightLookup;
} {
	const config = readConfig(files.config);
	const { tensors, place } = files.weights;
	const audit = new TensorAudit(tensors, place, `ViTDet backbone of ${config.num_hidden_layers} blocks`);
	const plan = vitDetBackbonePlan(config, SMALLEST);
	compileFull(plan, audit.lookup, { keepKeysAndValues: false, withScores: false });
	audit.finish();
	return { config, weights: requireTensors(tensors, place) };
}

/** Reads a config.json; throws `model-unreadable`, naming the first field that is wrong. */
function readConfig(source: HuggingFaceFiles['config']): VitDetBackboneConfig {
	const given = parseModelConfig(schema, source, 'ViTDet');
	const refuse = (what: string): never => {
		throw new UserFacingError('model-unreadable', `${source.place}: ${what}.`);
	};
	const [patch, across] = given.patch_size;
	if (patch !== across) refuse(`patch_size must be square (got ${patch} and ${across})`);
	const { hidden_size: dim, num_attention_heads: heads, num_hidden_layers: depth } = given;
	if (dim % heads !== 0)
		refuse(`hidden_size must be a multiple of num_attention_heads (got ${dim} and ${heads})`);
	const positions = given.pretrain_image_size.reduce(
		(product, side) => product * Math.floor(side / patch),
		1,
	);
	if (given.use_absolute_position_embeddings && (positions === 0 || !Number.isInteger(Math.sqrt(positions))))
		refuse(`pretrain_image_size must hold a square number of patches (got ${positions})`);
	const stages = ['stem', ...Array.from({ length: depth }, (_, i) => `stage${i + 1}`)];
	const features = given.out_features
		? given.out_features.map((name) => stages.indexOf(name))
		: (given.out_indices ?? [depth]).map((index) => (index < 0 ? stages.length + index : index));
	if (features.some((blocks) => blocks < 0 || blocks > depth))
		refuse(`out_features and out_indices must be among the stages ${stages.join(', ')}`);
	return { ...given, patch, features };
}

/**
 * The backbone as a plan (Li et al., Exploring Plain Vision Transformer Backbones for Object Detection, ECCV 2022; weights as
 * transformers names them). Its answers are the tokens at every feature, side by side.
 */
export function vitDetBackbonePlan(config: VitDetBackboneConfig, grid: Extent): VitPlan {
	const { hidden_size: dim, patch, features, num_attention_heads: heads, window_size: windowSize } = config;
	/** [k, 3, h, w] -> [tokens, dim], `tokens` being all patches of all k pictures. */
	function embed(layers: Layers, pixels: Value, tokens: Value['shape'][number]): Value {
		const map = layers.conv('embeddings.projection', pixels, dim, { kernel: patch, stride: patch });
		return layers.reshape(layers.transpose(map, [0, 2, 3, 1]), [tokens, dim]);
	}
	const size = { rows: windowSize, cols: windowSize };
	const window = windowSize > 0 ? { ...size, layout: windowLayout(grid, size) } : null;
	const [height, width] = config.image_size;
	const whole = { rows: Math.floor(height / patch), cols: Math.floor(width / patch) };
	return {
		name: 'vitdet',
		grid: { ...grid, stride: patch, windowSize: patch, windowOffset: 0 },
		...NO_EXTRA_TOKENS,
		dim,
		heads,
		normEpsilon: config.layer_norm_eps,
		activation: config.hidden_act,
		absolute: config.use_absolute_position_embeddings
			? (weights) => absolutePositions(config, grid, weights)
			: null,
		rotary: null,
		layerNames: {
			...USUAL_LAYER_NAMES,
			qkv: { fused: 'attention.qkv', bias: config.qkv_bias },
			projection: 'attention.proj',
		},
		blocks: Array.from({ length: config.num_hidden_layers }, (_, i): VitBlock => {
			const name = `encoder.layer.${i}`;
			const own = config.window_block_indices.includes(i) ? window : null;
			const tables = { name: `${name}.attention`, size: own ?? whole, headDim: dim / heads };
			return {
				...PLAIN_BLOCK,
				name,
				hidden: Math.trunc(dim * config.mlp_ratio),
				window: own,
				relative: config.use_relative_position_embeddings ? relativePositions(tables) : null,
				residual: config.residual_block_indices.includes(i)
					? (layers, tokens) => residualBlock(layers, `${name}.residual`, tokens, { config, grid })
					: null,
			};
		}),
		features,
		answers: {
			grid: { width: features.length * dim, emit: (layers, states) => sideBySide(layers, states) },
			extra: null,
		},
		embedPicture: (layers, picture) => embed(layers, picture, grid.rows * grid.cols),
		embedWindows: (layers, windows) => embed(layers, windows, windows.shape[0]!),
		bestScore: null,
		scorer: null,
	};
}

function sideBySide(layers: Layers, states: readonly Value[]): Value {
	if (states.length > 1) return layers.concat(states, 1);
	return layers.graph.op('Identity', [states[0]!], { shape: states[0]!.shape });
}

/** The table of pretraining without its class token's row, resized to the grid. */
function absolutePositions(config: VitDetBackboneConfig, grid: Extent, weights: WeightLookup): FloatTensor {
	const { pretrain_image_size, patch, hidden_size: dim } = config;
	const [rows, cols] = pretrain_image_size.map((pixels) => Math.floor(pixels / patch)) as [number, number];
	const shape = [rows * cols + 1, dim];
	const table = reshaped(weights('embeddings.position_embeddings', [1, ...shape]), shape);
	// The published code takes the table for a square, whatever it was made for.
	const side = Math.trunc(Math.sqrt(rows * cols));
	const size = { rows: side, cols: side };
	return resizedTable('bicubic', rowsOf(table, 1, side * side), size, grid);
}

/** Tables made for attention over `size`, resized as lines of vectors where it runs over another extent. */
function relativePositions({
	name,
	size,
	headDim,
}: {
	name: string;
	size: Extent;
	headDim: number;
}): RelativePositions {
	return {
		pairs(weights, axis, extent) {
			const [made, asked] = [2 * size[axis] - 1, 2 * extent[axis] - 1];
			const published = `${name}.rel_pos_${axis === 'rows' ? 'h' : 'w'}`;
			const table = weights(published, [made, headDim]).data;
			return relativePairs(made === asked ? table : resizeLinear(table, made, asked), extent[axis]);
		},
	};
}

/** What a bottleneck of three convolutions (1×1, 3×3, 1×1) makes of the grid's tokens [tokens, dim], to be added to them. */
function residualBlock(
	layers: Layers,
	name: string,
	tokens: Value,
	{ config, grid }: { config: VitDetBackboneConfig; grid: Extent },
): Value {
	const { hidden_size: dim, hidden_act: activation } = config;
	const narrow = Math.floor(dim / 2);
	const map = layers.reshape(layers.transpose(tokens, [1, 0]), [1, dim, grid.rows, grid.cols]);
	const conv = (x: Value, i: number, channels: number) => {
		const kernel = i === 2 ? 3 : 1;
		const y = layers.conv(`${name}.conv${i}`, x, channels, { kernel, pads: (kernel - 1) / 2, bias: false });
		return layers.channelNorm(`${name}.norm${i}`, y, RESIDUAL_NORM_EPSILON);
	};
	const first = activate(layers, activation, conv(map, 1, narrow));
	const second = activate(layers, activation, conv(first, 2, narrow));
	const added = conv(second, 3, dim);
	return layers.transpose(layers.reshape(added, [dim, grid.rows * grid.cols]), [1, 0]);
}
