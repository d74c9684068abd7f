declare module '*.kernel.ts?wasm' {
	const bytes: Uint8Array<ArrayBuffer>;
	export default bytes;
}

/** The part of WebAssembly that kernels use; its full types come only with a browser's. */
declare namespace WebAssembly {
	class Module {
		constructor(bytes: Uint8Array<ArrayBuffer>);
	}
	class Memory {
		constructor(descriptor: { initial: number });
		readonly buffer: ArrayBuffer;
	}
	class Instance {
		constructor(module: Module, imports: { env: { memory: Memory } });
		readonly exports: Record<string, (...numbers: number[]) => void>;
	}
}
