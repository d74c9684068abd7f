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
