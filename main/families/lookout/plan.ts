import type { TokenGrid } from '../../domain/tokens.ts';
import type { Size } from '../../domain/video.ts';
import type { Value } from '../../graph/graph-builder.ts';
import type { Layers } from '../../graph/layers.ts';
import { axialRotary } from '../../vit/positions.ts';
import {
	NO_EXTRA_TOKENS,
	PLAIN_BLOCK,
	USUAL_LAYER_NAMES,
	type VitBlock,
	type VitPlan,
} from '../../vit/plan.ts';
import { bestPointScore, pointHeadWidth } from '../../boxes/point-head.ts';
import type { LookoutConfig } from './config.ts';

/** The tokens of a picture of `inputSize`, whose sides are multiples of the patch. */
export function lookoutGrid(config: LookoutConfig, inputSize: Size): TokenGrid {
	return {
		rows: inputSize.height / config.patch,
		cols: inputSize.width / config.patch,
		stride: config.patch,
		windowSize: config.window,
		windowOffset: -config.stem.padding.left,
	};
}

/** Lookout as a plan: a strided stem, plain pre-norm attention blocks, a head that reads one token. */
export function lookoutPlan(config: LookoutConfig, inputSize: Size): VitPlan {
	const grid = lookoutGrid(config, inputSize);
	const { dim, heads } = config;
	const { after_blocks: afterBlocks, own_blocks_up_to: ownUpTo } = config.scorer;
	const width = pointHeadWidth(config.classes.length);
	const { top, left, bottom, right } = config.stem.padding;

	/** Four 3×3 convolutions of stride 2; only the first one pads, on all sides of the picture at once. */
	function stem(layers: Layers, pixels: Value, pads: readonly number[]): Value {
		return config.stem.widths.slice(1).reduce((x, width, i, widths) => {
			const y = layers.conv3x3(`stem.${i}`, x, width, config.stem.stride, i === 0 ? pads : [0, 0, 0, 0]);
			return i < widths.length - 1 ? layers.relu(y) : y;
		}, pixels);
	}

	/** Blocks from number `first` on, whose weights' names begin with `prefix`. */
	function blocks(prefix: string, first: number): VitBlock[] {
		return numbers(first).map((i) => ({
			...PLAIN_BLOCK,
			name: `${prefix}blocks.${i}`,
			hidden: dim * config.mlp_ratio,
		}));
	}

	/** The numbers of the blocks from `first` on. */
	function numbers(first: number): number[] {
		return Array.from({ length: config.depth - first }, (_, i) => first + i);
	}

	function answers(prefix: string): VitPlan['answers'] {
		return {
			grid: {
				width,
				emit(layers, [tokens]) {
					const normed = layers.layerNorm(`${prefix}norm`, tokens!, 1e-5);
					return layers.mlp(`${prefix}head.fc1`, `${prefix}head.fc2`, normed, 2 * dim, width);
				},
			},
			extra: null,
		};
	}

	return {
		name: 'lookout',
		grid,
		...NO_EXTRA_TOKENS,
		dim,
		heads,
		normEpsilon: 1e-5,
		activation: 'gelu',
		absolute: null,
		rotary: axialRotary(grid.rows, grid.cols, dim / heads, config.rope.max, config.rope.min),
		layerNames: USUAL_LAYER_NAMES,
		blocks: blocks('', 0),
		features: [config.depth],
		answers: answers(''),
		embedPicture(layers, picture) {
			const map = stem(layers, picture, [top, left, bottom, right]); // [1, dim, rows, cols]
			return layers.transpose(layers.reshape(map, [dim, grid.rows * grid.cols]), [1, 0]);
		},
		embedWindows(layers, windows) {
			return layers.reshape(stem(layers, windows, [0, 0, 0, 0]), [windows.shape[0]!, dim]);
		},
		bestScore: (answers, token) => bestPointScore(answers, token, config.classes.length),
		scorer: {
			afterBlocks,
			score: (layers, tokens) => layers.mlp('scorer.fc1', 'scorer.fc2', tokens, config.scorer.width, 1),
			own:
				ownUpTo > 0
					? {
							upTo: ownUpTo,
							blocks: blocks('sparse.', afterBlocks),
							rest: numbers(afterBlocks).map((i) => `sparse.rest.${i}`),
							answers: answers('sparse.'),
						}
					: null,
		},
		clusters: config.cluster && {
			sigma: config.cluster.sigma,
			logits: (layers, block, normed) => layers.linear(`${block.name}.attn.prob`, normed, 1),
		},
	};
}
