import type { Weights } from '../../weights/safetensors.ts';
import type { Model } from '../detector.ts';

/** The files of a model folder, read but not yet understood. */
export type ModelFiles = {
	configPath: string;
	configText: string;
	weightsPath: string;
	weightBytes: Uint8Array;
};

/** A published file of weights, read: tensors under their published names. */
export type Checkpoint = {
	path: string;
	/** Of the file. */
	sha256: string;
	weights: Weights;
	/** What else the file holds as plain data, such as the arguments of the training; null where nothing is. */
	options: unknown;
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
