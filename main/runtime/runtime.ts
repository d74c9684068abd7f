import type { Execution } from '../domain/execution.ts';
import type { TensorStore } from './tensor-store.ts';

/**
 * A tensor as it goes into or comes out of a graph. `data` may be a view; its length is the product of `shape`. Numbers of
 * float16 stand as their bits.
 */
export type GraphTensor =
	| { readonly type: 'float32'; readonly data: Float32Array; readonly shape: readonly number[] }
	| { readonly type: 'float16'; readonly data: Uint16Array; readonly shape: readonly number[] }
	| { readonly type: 'int64'; readonly data: BigInt64Array; readonly shape: readonly number[] }
	| { readonly type: 'int32'; readonly data: Int32Array; readonly shape: readonly number[] }
	| { readonly type: 'uint8'; readonly data: Uint8Array; readonly shape: readonly number[] }
	| { readonly type: 'int8'; readonly data: Int8Array; readonly shape: readonly number[] };

/** An input or output of a graph: sizes that vary from run to run stand as their names. */
export type GraphPort = { name: string; type: string; shape: readonly (number | string)[] };

export type GraphTensors = Readonly<Record<string, GraphTensor>>;

/** Float32 numbers that lie in a device's memory until they are disposed of. */
export interface DeviceTensor {
	readonly location: 'device';
	readonly shape: readonly number[];
	dispose(): void;
}

/** What graphs read, or write where it lies. */
export type GraphFeeds = Readonly<Record<string, GraphTensor | DeviceTensor>>;

/** The memory of a device, from which sessions of one runtime read and to which they write. */
export interface DeviceMemory {
	/** A copy of its own on the device. */
	upload(data: Float32Array, shape: readonly number[]): Promise<DeviceTensor>;
	/** A copy of its own in the processor's memory. */
	download(tensor: DeviceTensor): Promise<Float32Array>;
}

/** One loaded graph. */
export interface GraphSession {
	readonly inputs: readonly GraphPort[];
	readonly outputs: readonly GraphPort[];
	/**
	 * Runs the graph and gives the outputs that `wanted` names, in memory of their own. The outputs that `into` names
	 * are written into its tensors, at the moment when the graph computes them; on a device also into those that it reads.
	 */
	run(feeds: GraphFeeds, wanted: readonly string[], into?: GraphFeeds): Promise<Record<string, GraphTensor>>;
	release(): Promise<void>;
}

/** Turns ONNX bytes into sessions; the one implementation that knows a runtime is `onnx-runtime.ts`. */
export interface GraphRuntime {
	/** What is really active. */
	readonly execution: Execution;
	readonly threads: number;
	/** By graph that the provider could not take whole, the operators that the processor computes; empty until it has run. */
	readonly leftToCpu: ReadonlyMap<string, readonly string[]>;
	/** Null where graphs run on the processor, or with copies of everything. */
	readonly device: DeviceMemory | null;
	/** Where large tensors of graphs may lie, in files of their own. */
	readonly tensors?: TensorStore | null;
	/**
	 * `name` stands in errors; files that the graph names are looked for in `tensorFolder`. Throws `model-unreadable`.
	 */
	load(modelBytes: Uint8Array, name: string, options?: { tensorFolder?: string }): Promise<GraphSession>;
}
