/** The part of WebAssembly that kernels use; its full types come only with a browser's. */
declare namespace WebAssembly {
	type Module = { readonly kind: 'module' };
	type Memory = { readonly buffer: ArrayBuffer };
	type Instance = { readonly exports: Record<string, (...numbers: number[]) => void> };
	const Module: new (bytes: Uint8Array<ArrayBuffer>) => Module;
	const Memory: new (descriptor: { initial: number }) => Memory;
	const Instance: new (module: Module, imports: { env: { memory: Memory } }) => Instance;
}
