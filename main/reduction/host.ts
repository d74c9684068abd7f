import type { Detections } from '../domain/detections.ts';
import type { LeastScores } from '../domain/least-scores.ts';
import type { NamedArrays } from '../domain/named-arrays.ts';
import type { TokenGrid, TokenMap } from '../domain/tokens.ts';
import type { WeightLookup } from '../graph/layers.ts';
import type { Size } from '../domain/video.ts';
import type { FramePixels } from '../pixels/frame-pixels.ts';
import type { GraphRuntime } from '../runtime/runtime.ts';
import type { VitPlan } from '../vit/plan.ts';
import type { Computed } from './selection.ts';
import type { Input } from './tiles/packing.ts';
import type { TileLayout } from './tiles/tile-layout.ts';

/** A network's answer for a frame as named arrays: keeping and restoring it needs no knowledge of the network. */
export type NetworkOutput = NamedArrays;

/**
 * What a network offers to the modes at one input size. Everything but `whole` is offered by some networks only, and each
 * opens more modes. Graphs are made when a mode loads them, not before.
 */
export type Host<Output extends NetworkOutput = NetworkOutput> = {
	/** What sentences call the network. */
	name: string;
	/** The tokens of a vision transformer; for other networks the cells in which change is measured. */
	grid: TokenGrid;
	whole: WholeOffer<Output>;
	/** A vision transformer whose tokens can be computed one by one, with something behind it. */
	vit: VitOffer<Output> | null;
	/** A network that ranks its tokens and updates only the best of them. */
	ranked: RankedOffer<Output> | null;
	/** A network whose attention can look at clusters of keys and values. */
	clustered: ClusteredOffer<Output> | null;
	/** The picture at its own size, in tiles of the network’s input; only for modes that cut it. */
	tiles?: TilesOffer;
};

/** A part of a host that modes can need. */
export type Offer = 'whole' | 'vit' | 'ranked' | 'clustered';

/** The network as it was published. */
export type WholeOffer<Output> = {
	/** Multiply-adds of a frame; the most that there may be where that varies. */
	macs(): number;
	load(runtime: GraphRuntime): Promise<WholeNetwork<Output>>;
};

/** What a network's run gave. `output` belongs to the caller. */
export type NetworkRun<Output> = { output: Output; macs: number; maps?: readonly TokenMap[] };

/** A loaded network that computes every frame whole. */
export interface WholeNetwork<Output> {
	run(pixels: FramePixels): Promise<NetworkRun<Output>>;
	release(): Promise<void>;
}

export type VitOffer<Output> = {
	plan: VitPlan;
	weights: WeightLookup;
	behind: BehindOffer<Output>;
};

/** What the tokens of a frame answer, fresh or remembered. The mode owns the arrays: they hold until its next frame. */
export type TokenAnswers = {
	/** Of the grid's tokens, [tokens, width]; empty where the plan asks them nothing. */
	grid: Float32Array;
	/** Of the extra tokens, [tokens, width]; empty where the plan asks them nothing. */
	extra: Float32Array;
	/** The tokens of the grid whose answers count; null = all. */
	emitting: Int32Array | null;
};

/** What stands behind the transformer: from what all tokens answer to the network's answer. */
export type BehindOffer<Output> = {
	/** Multiply-adds of a frame; the most that there may be where that varies. */
	macs(): number;
	load(runtime: GraphRuntime): Promise<Behind<Output>>;
};

export interface Behind<Output> {
	run(answers: TokenAnswers): Promise<{ output: Output; macs: number }>;
	release(): Promise<void>;
}

export type RankedOffer<Output> = { load(runtime: GraphRuntime): Promise<RankedNetwork<Output>> };

export interface RankedNetwork<Output> {
	/** Updates the best `keep` of the tokens, a share of them above 0 and up to 1. */
	run(pixels: FramePixels, keep: number): Promise<Computed<Output>>;
	release(): Promise<void>;
}

export type ClusteredOffer<Output> = { load(runtime: GraphRuntime): Promise<ClusteredNetwork<Output>> };

export interface ClusteredNetwork<Output> {
	/** `clusterLength`: tokens per cluster of keys and values; 0 = as long as the frame's data say. */
	run(pixels: FramePixels, clusterLength: number): Promise<NetworkRun<Output>>;
	release(): Promise<void>;
}

export type TilesOffer = {
	layout: TileLayout;
	/** Whether the whole frame is seen as well, shrunk to an input. */
	overview: boolean;
	/** The part of the grid that shows the video. */
	picture: Size;
	/** By class, the score from which on boxes are shown. */
	shown: LeastScores;
	/** Multiply-adds of an input of a tile's size; the most that there may be where that varies. */
	macs(): number;
	load(runtime: GraphRuntime): Promise<TileNetwork>;
};

export interface TileNetwork {
	/** What the network finds in an input that shows parts of the frame; boxes in pixels of the input, clipped to it. */
	run(pixels: FramePixels, input: Input): Promise<{ found: Detections; macs: number }>;
	/** What it finds in the whole frame, shrunk to an input; boxes in pixels of the frame. Only where there is an overview. */
	runOverview(pixels: FramePixels): Promise<{ found: Detections; macs: number }>;
	release(): Promise<void>;
}

/** What a network offers that only ever runs whole. */
export function staticHost<Output extends NetworkOutput>(
	name: string,
	grid: TokenGrid,
	whole: WholeOffer<Output>,
): Host<Output> {
	return { name, grid, whole, vit: null, ranked: null, clustered: null };
}
