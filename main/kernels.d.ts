// Written by build/wasm-kernels.ts from what the kernels export.

declare module '*/frame-pixels.kernel.ts?wasm' {
	export type Kernel = {
		changeSince(parameters: {
			frame: number;
			frameStride: number;
			references: number;
			pitch: number;
			rows: number;
			cols: number;
			stride: number;
			side: number;
			out: number;
		}): void;
		remember(parameters: {
			frame: number;
			frameStride: number;
			references: number;
			pitch: number;
			cols: number;
			stride: number;
			side: number;
			tokens: number;
			count: number;
		}): void;
		gatherWindows(parameters: {
			frame: number;
			frameStride: number;
			cols: number;
			stride: number;
			side: number;
			pad: number;
			width: number;
			height: number;
			tokens: number;
			count: number;
			table: number;
			out: number;
		}): void;
		planar(parameters: {
			frame: number;
			frameStride: number;
			pad: number;
			width: number;
			height: number;
			table: number;
			out: number;
		}): void;
	};
	/** The functions over `memory`, in which all addresses are byte offsets. */
	export function instantiate(memory: WebAssembly.Memory): Kernel;
}

declare module '*/token-gates.kernel.ts?wasm' {
	export type Kernel = {
		gate(parameters: {
			x: number;
			added: number;
			out: number;
			reference: number;
			gamma: number;
			beta: number;
			epsilon: number;
			tokens: number;
			dim: number;
			norms: number;
			store: boolean;
		}): void;
		take(parameters: {
			x: number;
			reference: number;
			gamma: number;
			beta: number;
			epsilon: number;
			dim: number;
			indices: number;
			count: number;
			rows: number;
		}): void;
		gateHeads(parameters: {
			x: number;
			starts: number;
			headStride: number;
			heads: number;
			width: number;
			reference: number;
			tokens: number;
			dim: number;
			norms: number;
			store: boolean;
		}): void;
		takeHeads(parameters: {
			x: number;
			starts: number;
			headStride: number;
			heads: number;
			width: number;
			reference: number;
			dim: number;
			indices: number;
			count: number;
			rows: number;
		}): void;
		copyRows(parameters: {
			packed: number;
			packedRow: number;
			packedHead: number;
			sparse: number;
			sparseRow: number;
			sparseHead: number;
			width: number;
			heads: number;
			indices: number;
			count: number;
			scatter: boolean;
		}): void;
		poolCells(parameters: {
			x: number;
			dim: number;
			rows: number;
			cols: number;
			cellRows: number;
			cellCols: number;
			indices: number;
			count: number;
			out: number;
		}): void;
		add(parameters: {
			a: number;
			b: number;
			out: number;
			floats: number;
		}): void;
	};
	/** The functions over `memory`, in which all addresses are byte offsets. */
	export function instantiate(memory: WebAssembly.Memory): Kernel;
}
