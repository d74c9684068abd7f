import { halvesToFloat32 } from './half.ts';

/** How numbers are stored in a file of weights, little-endian. */
export type ElementType = 'F64' | 'F32' | 'F16' | 'BF16' | 'I64' | 'I32' | 'I16' | 'I8' | 'U8' | 'BOOL';

export const ELEMENT_BYTES: Readonly<Record<ElementType, number>> = {
	F64: 8,
	F32: 4,
	F16: 2,
	BF16: 2,
	I64: 8,
	I32: 4,
	I16: 2,
	I8: 1,
	U8: 1,
	BOOL: 1,
};

export function isElementType(name: unknown): name is ElementType {
	return typeof name === 'string' && Object.hasOwn(ELEMENT_BYTES, name);
}

/** The numbers in `bytes` as float32: for F32 a view if `bytes` is aligned, otherwise a copy. */
export function toFloat32(bytes: Uint8Array, type: ElementType): Float32Array {
	const size = ELEMENT_BYTES[type];
	const { buffer, byteOffset } = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
	const length = bytes.length / size;
	switch (type) {
		case 'F32':
			return new Float32Array(buffer, byteOffset, length);
		case 'F64':
			return Float32Array.from(new Float64Array(buffer, byteOffset, length));
		case 'F16':
			return halvesToFloat32(new Uint16Array(buffer, byteOffset, length));
		case 'BF16':
			return new Float32Array(
				Uint32Array.from(new Uint16Array(buffer, byteOffset, length), (half) => half << 16).buffer,
			);
		case 'I64':
			return Float32Array.from(new BigInt64Array(buffer, byteOffset, length), Number);
		case 'I32':
			return Float32Array.from(new Int32Array(buffer, byteOffset, length));
		case 'I16':
			return Float32Array.from(new Int16Array(buffer, byteOffset, length));
		case 'I8':
			return Float32Array.from(new Int8Array(buffer, byteOffset, length));
		case 'U8':
		case 'BOOL':
			return Float32Array.from(bytes);
	}
}
