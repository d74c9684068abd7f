import type { Execution } from '../domain/execution.ts';
import type { TensorStore } from './tensor-store.ts';

/**
 * A tensor as it goes into or comes out of a graph. `data` may be a view; its length is the product of `shape`. Numbers of
 * float16 stand as their bits.
 */
export type GraphTensor =
	| { type: 'float32'; data: Float32Array; shape: readonly number[] }
	| { type: 'float16'; data: Uint16Array; shape: readonly number[] }
	| { type: 'int64'; data: BigInt64Array; shape: readonly number[] }
	| { type: 'int32'; data: Int32Array; shape: readonly number[] }
	| { type: 'uint8'; data: Uint8Array; shape: readonly number[] };

/** An input or output of a graph: sizes that vary from run to run stand as their names. */
export type GraphPort = { name: string; type: string; shape: readonly (number | string)[] };

export type GraphTensors = Readonly<Record<string, GraphTensor>>;

/** One loaded graph. */
export interface GraphSession {
	readonly inputs: readonly GraphPort[];
	readonly outputs: readonly GraphPort[];
	/**
	 * Runs the graph and gives the outputs that `wanted` names, in memory of their own. The outputs that `into` names
	 * are written into its tensors, at the moment when the graph computes them.
	 */
	run(
		feeds: GraphTensors,
		wanted: readonly string[],
		into?: GraphTensors,
	): Promise<Record<string, GraphTensor>>;
	release(): Promise<void>;
}

/** Turns ONNX bytes into sessions; the one implementation that knows a runtime is `onnx-runtime.ts`. */
export interface GraphRuntime {
	/** What is really active. */
	readonly execution: Execution;
	readonly threads: number;
	/** Where large tensors of graphs may lie, in files of their own. */
	readonly tensors?: TensorStore | null;
	/**
	 * `name` stands in errors; files that the graph names are looked for in `tensorFolder`. Throws `model-unreadable`.
	 */
	load(modelBytes: Uint8Array, name: string, options?: { tensorFolder?: string }): Promise<GraphSession>;
}
