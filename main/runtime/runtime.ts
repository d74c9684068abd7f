/** A tensor as it goes into or comes out of a graph. `data` may be a view; its length is the product of `shape`. */
export type GraphTensor =
	| { type: 'float32'; data: Float32Array; shape: readonly number[] }
	| { type: 'int64'; data: BigInt64Array; shape: readonly number[] }
	| { type: 'int32'; data: Int32Array; shape: readonly number[] };

/** One loaded graph. */
export interface GraphSession {
	/**
	 * Runs the graph and gives the outputs that `wanted` names, in memory of their own. The outputs that `into` names
	 * are written into its tensors, at the moment when the graph computes them.
	 */
	run(
		feeds: Readonly<Record<string, GraphTensor>>,
		wanted: readonly string[],
		into?: Readonly<Record<string, GraphTensor>>,
	): Promise<Record<string, GraphTensor>>;
	release(): Promise<void>;
}

/** Turns ONNX bytes into sessions; the one implementation that knows a runtime is `runtime/onnx-runtime.ts`. */
export interface GraphRuntime {
	/** The execution provider that is really active, such as `cpu`. */
	readonly provider: string;
	readonly threads: number;
	load(modelBytes: Uint8Array, name: string): Promise<GraphSession>;
}
