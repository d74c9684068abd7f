import type { Checkpoint } from '../weights/checkpoint.ts';
import type { Weights } from '../weights/safetensors.ts';
import type { Model } from '../detector/detector.ts';

export type { Checkpoint };

/** The files of a model folder, read but not yet understood. */
export type ModelFiles = {
	configPath: string;
	configText: string;
	weightsPath: string;
	weightBytes: Uint8Array;
};

/** A kind of network that Sparsight builds from published weights. One folder each, one registry line. */
export type ModelFamily = {
	id: string;
	title: string;
	/** Whether tensors are named as this family's are. */
	recognizes(weights: Weights): boolean;
	/** Throws `tensor-mismatch`, naming the first few tensors that are missing, superfluous or misshapen. */
	open(checkpoint: Checkpoint): Model;
};
