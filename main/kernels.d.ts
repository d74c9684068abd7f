declare module '*.kernel.ts?wasm' {
	const bytes: Uint8Array<ArrayBuffer>;
	export default bytes;
}
