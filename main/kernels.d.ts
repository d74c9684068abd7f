// Written by build/wasm-kernels.ts from what the kernels export.

declare module '*/registration.kernel.ts?wasm' {
	export type Kernel = {
		halve(parameters: {
			from: number;
			fromStride: number;
			rows: number;
			cols: number;
			to: number;
			toStride: number;
		}): void;
		shiftedDifferences(parameters: {
			frame: number;
			frameStride: number;
			reference: number;
			mask: number;
			stride: number;
			rows: number;
			reach: number;
			out: number;
		}): void;
		patchSums(parameters: {
			frame: number;
			reference: number;
			stride: number;
			size: number;
			gain: number;
			places: number;
			count: number;
			scratch: number;
			out: number;
		}): void;
		slopes(parameters: {
			reference: number;
			stride: number;
			places: number;
			count: number;
			out: number;
		}): void;
		putSquares(parameters: {
			squares: number;
			places: number;
			count: number;
			whole: number;
			wholeStride: number;
			half: number;
			halfStride: number;
			quarter: number;
			quarterStride: number;
			eighth: number;
			mask: number;
			eighthStride: number;
		}): void;
	};
	/** The functions over `memory`, in which all addresses are byte offsets. */
	export function instantiate(memory: WebAssembly.Memory): Kernel;
}

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
			rects: number;
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
			left: number;
			right: number;
			top: number;
			bottom: number;
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

declare module '*/scene-view.kernel.ts?wasm' {
	export type Kernel = {
		draw(parameters: {
			source: number;
			sourceStride: number;
			firstRow: number;
			endRow: number;
			left: number;
			top: number;
			groups: number;
			rows: number;
			x: number;
			xPerGroup: number;
			xPerRow: number;
			y: number;
			yPerGroup: number;
			yPerRow: number;
			weights: number;
			ring: number;
			ringStride: number;
			ringRows: number;
			view: number;
			viewStride: number;
		}): void;
		luma(parameters: {
			frame: number;
			frameStride: number;
			rows: number;
			cols: number;
			out: number;
			outStride: number;
		}): void;
		lumaSquares(parameters: {
			frame: number;
			frameStride: number;
			cols: number;
			tokens: number;
			count: number;
			out: number;
		}): void;
		squareMeans(parameters: {
			frame: number;
			frameStride: number;
			rows: number;
			cols: number;
			stride: number;
			out: number;
		}): void;
		adjust(parameters: {
			from: number;
			stride: number;
			rows: number;
			bytes: number;
			gain: number;
			offset: number;
			to: number;
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

declare module '*/rounded-memory.kernel.ts?wasm' {
	export type Kernel = {
		moveColumns(parameters: {
			first: number;
			lines: number;
			lineBytes: number;
			from: number;
			to: number;
			count: number;
		}): void;
		putColumns(parameters: {
			fresh: number;
			first: number;
			lines: number;
			lineBytes: number;
			count: number;
		}): void;
	};
	/** The functions over `memory`, in which all addresses are byte offsets. */
	export function instantiate(memory: WebAssembly.Memory): Kernel;
}

declare module '*/row-moves.kernel.ts?wasm' {
	export type Kernel = {
		moveRows(parameters: {
			first: number;
			heads: number;
			headBytes: number;
			rowBytes: number;
			from: number;
			to: number;
			count: number;
		}): void;
	};
	/** The functions over `memory`, in which all addresses are byte offsets. */
	export function instantiate(memory: WebAssembly.Memory): Kernel;
}
