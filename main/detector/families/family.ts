/** The files of a model, read but not yet understood. */
export type ModelFiles = {
	configPath: string;
	configText: string;
	weightsPath: string;
	weightBytes: Uint8Array;
};
