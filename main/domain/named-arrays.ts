/** Typed arrays under names, flat: what a snapshot of an engine's memory is made of. */
export type NamedArray = Float32Array | Int32Array | Uint8Array | Float64Array;
export type NamedArrays = Record<string, NamedArray>;
