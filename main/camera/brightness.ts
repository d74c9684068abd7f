/** Brightness of a frame × gain + offset is that of what is remembered. */
export type Brightness = { gain: number; offset: number };

/** Grey levels up to which a square is as bright as it was. */
const SAME = 1.5;
/** Share of the squares as bright as they were, from which on nothing but them has changed. */
const MOST_SAME = 0.5;
/** Grey levels by which a square may miss the common change, and the share of the squares that must not miss it. */
const TOLERANCE = 2.5;
const LEAST_SHARE = 0.6;
/** A common change of fewer grey levels, in most squares, is left alone. */
const LEAST_CHANGE = 3;
const MOST_GAIN = 3;
const ROUNDS = 8;

/**
 * The common change of brightness of a picture's squares, from their means in the frame and in what is remembered of them (NaN where
 * nothing is): exposure or light, not motion. Null unless most squares agree and it is clearly visible, so that a scene in
 * steady light is left as it is. Least squares, weighted anew in every round (Geman and McClure).
 */
export function fitBrightness(now: Float32Array, remembered: Float32Array): Brightness | null {
	// Squares that are as bright as they were have no say: they are dark, or were remembered since the light changed.
	const known: number[] = [];
	let same = 0;
	for (let token = 0; token < now.length; token++) {
		const change = remembered[token]! - now[token]!;
		if (Number.isNaN(change)) continue;
		if (Math.abs(change) <= SAME) same++;
		else known.push(token);
	}
	if (known.length === 0 || same >= MOST_SAME * (known.length + same)) return null;
	const changes = Float64Array.from(known, (token) => remembered[token]! - now[token]!).sort();
	let fit: Brightness = { gain: 1, offset: changes[changes.length >> 1]! };
	for (let round = 0; round < ROUNDS; round++) {
		const misses = known.map((token) => Math.abs(fit.gain * now[token]! + fit.offset - remembered[token]!));
		const scale = Math.max(TOLERANCE, 1.5 * Float64Array.from(misses).sort()[misses.length >> 1]!);
		fit = weightedLine(now, remembered, known, misses, scale) ?? fit;
	}
	const { gain, offset } = fit;
	if (!(gain > 1 / MOST_GAIN && gain < MOST_GAIN)) return null;
	let agreeing = 0;
	let changed = 0;
	for (const token of known) {
		const adjusted = gain * now[token]! + offset;
		if (Math.abs(adjusted - remembered[token]!) > TOLERANCE) continue;
		agreeing++;
		if (Math.abs(adjusted - now[token]!) >= LEAST_CHANGE) changed++;
	}
	return agreeing >= LEAST_SHARE * known.length && 2 * changed >= agreeing ? fit : null;
}

function weightedLine(
	now: Float32Array,
	remembered: Float32Array,
	known: readonly number[],
	misses: readonly number[],
	scale: number,
): Brightness | null {
	let [w, x, y, xx, xy] = [0, 0, 0, 0, 0];
	known.forEach((token, i) => {
		const weight = 1 / (1 + (misses[i]! / scale) ** 2) ** 2;
		const [from, to] = [now[token]!, remembered[token]!];
		w += weight;
		x += weight * from;
		y += weight * to;
		xx += weight * from * from;
		xy += weight * from * to;
	});
	// A picture of one brightness tells no gain.
	const spread = xx - (x * x) / w;
	if (!(spread > w)) return { gain: 1, offset: (y - x) / w };
	const gain = (xy - (x * y) / w) / spread;
	return { gain, offset: (y - gain * x) / w };
}
