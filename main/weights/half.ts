/** The float32 of each of the 65,536 half-precision numbers (IEEE 754 binary16), made when first needed. */
let table: Float32Array | null = null;

/** Widens half-precision numbers, given by their bits, exactly: by table lookup, since weights come in millions. */
export function halvesToFloat32(bits: Uint16Array): Float32Array {
	table ??= Float32Array.from({ length: 1 << 16 }, (_, half) => valueOfHalf(half));
	const values = new Float32Array(bits.length);
	for (let i = 0; i < bits.length; i++) values[i] = table[bits[i]!]!;
	return values;
}

/** 1 bit sign, 5 bits exponent (bias 15), 10 bits fraction; exponent 0 is subnormal, 31 is infinity or NaN. */
function valueOfHalf(half: number): number {
	const sign = half >> 15 ? -1 : 1;
	const exponent = (half >> 10) & 31;
	const fraction = half & 1023;
	if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
	return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const FLOAT = new Float32Array(1);
const FLOAT_BITS = new Uint32Array(FLOAT.buffer);

/** Rounds numbers to half precision, to nearest, and writes their bits; what is too large becomes infinite. */
export function writeHalves(values: Float32Array, bits: Uint16Array): void {
	const all = new Uint32Array(values.buffer, values.byteOffset, values.length);
	for (let i = 0; i < values.length; i++) {
		const word = all[i]!;
		const sign = (word >>> 16) & 0x8000;
		const exponent = ((word >>> 23) & 0xff) - 112;
		const fraction = word & 0x7fffff;
		if (exponent > 0 && exponent < 31) {
			// Rounding up may carry into the exponent, which is right.
			bits[i] = sign | (((exponent << 10) | (fraction >>> 13)) + ((fraction >>> 12) & 1));
		} else if (exponent >= 31) {
			bits[i] = sign | 0x7c00 | (exponent === 143 && fraction !== 0 ? 1 : 0);
		} else {
			FLOAT_BITS[0] = word & 0x7fffffff;
			bits[i] = sign | Math.round(FLOAT[0]! * 2 ** 24);
		}
	}
}
