import type { BackboneShape } from './backbone-plan.ts';
import type { Extent } from '../../vit/plan.ts';

/** A ViTDet as its published configurations and the shapes of its tensors describe it; sizes in input pixels. */
export type VitDetConfig = {
	name: string;
	classes: readonly string[];
	/** Per channel, for values in 0 to 1. */
	mean: readonly number[];
	std: readonly number[];
	patch: number;
	dim: number;
	heads: number;
	mlpRatio: number;
	/** The grid that the absolute positions were made for. */
	positionSize: Extent;
	blocks: BackboneShape['blocks'];
	pyramid: PyramidConfig;
	proposals: ProposalConfig;
	boxes: BoxConfig;
};

export type PyramidConfig = {
	/** Resolutions of the maps relative to that of the tokens: 4, 2, 1 or 0.5 each, finest first. */
	scales: readonly number[];
	channels: number;
};

/** The region proposal network, shared by all levels and one more that is half as fine as the last. */
export type ProposalConfig = {
	/** Channels of the 3×3 convolutions before the two outputs. */
	convs: readonly number[];
	/** Per level, finest first. */
	anchorSizes: readonly number[];
	/** Height over width. */
	aspectRatios: readonly number[];
	/** Offset of the first anchors' centres from the corner. */
	anchorOffset: number;
	weights: BoxWeights;
	/** Numbers of best anchors per level, and of best proposals after suppression. */
	perLevel: number;
	kept: number;
	iou: number;
};

export type BoxConfig = {
	/** One after another, each with its own head: one, or three in a cascade. */
	stages: readonly BoxWeights[];
	/** Whether the stages are numbered in the names of weights. */
	cascade: boolean;
	/** One box per proposal instead of one per class. */
	classAgnostic: boolean;
	/** Side of the grid that a proposal's features are pooled to. */
	pooled: number;
	/** A proposal of this size is pooled from the level of stride 2 ^ `canonicalLevel`. */
	canonicalSize: number;
	canonicalLevel: number;
	/** Channels of the 3×3 convolutions, then widths of the layers behind them. */
	convs: readonly number[];
	fullyConnected: readonly number[];
	/** Detections must score more than `score`; at most `max` are left by suppression at `iou`. */
	score: number;
	iou: number;
	max: number;
};

/** Divisors of deltas dx, dy, dw, dh. */
export type BoxWeights = readonly [dx: number, dy: number, dw: number, dh: number];
