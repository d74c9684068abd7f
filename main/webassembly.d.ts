/** The part of WebAssembly that kernels use; its full types come only with a browser's. */
declare namespace WebAssembly {
	type Memory = { readonly buffer: ArrayBuffer };
	const Memory: new (descriptor: { initial: number }) => Memory;
}
