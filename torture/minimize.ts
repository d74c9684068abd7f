/**
 * The smallest part of `bytes` found in `mostTries` tries of which `holds` is still true: parts are left out, halves first, then
 * smaller ones (delta debugging, Zeller and Hildebrandt 2002, without its complements).
 */
export async function minimize(
	bytes: Uint8Array,
	holds: (part: Uint8Array) => Promise<boolean>,
	mostTries: number,
): Promise<Uint8Array> {
	let kept = bytes;
	let tries = 0;
	for (let size = kept.length >> 1; size > 0; size >>= 1) {
		for (let at = 0; at < kept.length;) {
			if (tries++ >= mostTries) return kept;
			const rest = new Uint8Array(Buffer.concat([kept.subarray(0, at), kept.subarray(at + size)]));
			if (await holds(rest)) kept = rest;
			else at += size;
		}
	}
	return kept;
}
