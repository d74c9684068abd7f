/** Typed arrays by name, without nesting: a snapshot of an engine's state consists of these. */
export type NamedArray = Float32Array | Int32Array | Uint8Array | Float64Array;
export type NamedArrays = Record<string, NamedArray>;
