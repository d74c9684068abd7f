/** A well-mixed whole number, from 0 to 2³² − 1, of two whole numbers (a multiplicative hash, Knuth 6.4). */
export function scatter(a: number, b: number): number {
	const mixed = Math.imul(a ^ Math.imul(b, 0x9e3779b1), 0x85ebca6b);
	return (mixed ^ (mixed >>> 15)) >>> 0;
}
