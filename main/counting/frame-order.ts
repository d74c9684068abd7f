const BITS = 16;
const BUCKETS = 1 << BITS;

/** The positions of `frames`, none of which is negative, ordered by frame; equal ones stay in their order. */
export function orderByFrame(frames: Int32Array): Uint32Array {
	const count = frames.length;
	let order = new Uint32Array(count);
	let most = 0;
	for (let i = 0; i < count; i++) {
		order[i] = i;
		if (frames[i]! > most) most = frames[i]!;
	}
	let other = new Uint32Array(count);
	for (let shift = 0; shift < 32 && most >>> shift > 0; shift += BITS) {
		const buckets = Math.min(BUCKETS, (most >>> shift) + 1);
		const starts = new Uint32Array(buckets + 1);
		for (let i = 0; i < count; i++) starts[((frames[i]! >>> shift) & (BUCKETS - 1)) + 1]!++;
		for (let b = 0; b < buckets; b++) starts[b + 1]! += starts[b]!;
		for (let i = 0; i < count; i++) {
			const at = order[i]!;
			other[starts[(frames[at]! >>> shift) & (BUCKETS - 1)]!++] = at;
		}
		[order, other] = [other, order];
	}
	return order;
}
