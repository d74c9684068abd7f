import { OKABE_ITO, rgbOf, type Rgb } from './palette.ts';
import type { TokenGrid } from './tokens.ts';

/** Distinct in hue and lightness for every kind of colour vision; neighbours in this list differ most. */
const COLOURS: readonly Rgb[] = [
	OKABE_ITO.blue,
	OKABE_ITO.yellow,
	OKABE_ITO.vermillion,
	OKABE_ITO.skyBlue,
	OKABE_ITO.reddishPurple,
	OKABE_ITO.orange,
	OKABE_ITO.bluishGreen,
].map(rgbOf);
/** A map holds a byte per token, hence at most this many clusters. */
const NUMBERS = 256;

/** How many colours clusters share. */
export const CLUSTER_COLOUR_COUNT = COLOURS.length;

/** The colour of a level from `clusterLevels`; levels count from 1. */
export function clusterColour(level: number): Rgb {
	return COLOURS[(level - 1) % COLOURS.length]!;
}

/**
 * Gives every cluster of `values` [tokens] one of a few colours, as levels from 1 on, so that adjacent clusters differ
 * where possible: each, in the order of their numbers, takes the colour that the clusters around it use least. Tokens
 * in no cluster (0) keep level 0.
 */
export function clusterLevels(
	values: Uint8Array,
	{ rows, cols }: Pick<TokenGrid, 'rows' | 'cols'>,
): Uint8Array {
	const borders = new Uint32Array(NUMBERS * NUMBERS);
	const meet = (a: number, b: number) => {
		if (a === b) return;
		borders[a * NUMBERS + b]!++;
		borders[b * NUMBERS + a]!++;
	};
	const present = new Uint8Array(NUMBERS);
	for (let row = 0; row < rows; row++) {
		for (let col = 0; col < cols; col++) {
			const token = row * cols + col;
			const cluster = values[token]!;
			present[cluster] = 1;
			if (col > 0) meet(cluster, values[token - 1]!);
			if (row > 0) meet(cluster, values[token - cols]!);
		}
	}
	const levels = new Uint8Array(NUMBERS);
	for (let cluster = 1; cluster < NUMBERS; cluster++) {
		if (present[cluster] === 0) continue;
		const used = new Uint32Array(COLOURS.length);
		for (let other = 1; other < NUMBERS; other++) {
			if (levels[other]! > 0) used[levels[other]! - 1]! += borders[cluster * NUMBERS + other]!;
		}
		// Among equals, another colour than the cluster before: they tend to touch in the next frame.
		let best = cluster % COLOURS.length;
		for (let i = 1; i < COLOURS.length; i++) {
			const colour = (cluster + i) % COLOURS.length;
			if (used[colour]! < used[best]!) best = colour;
		}
		levels[cluster] = best + 1;
	}
	return values.map((cluster) => levels[cluster]!);
}
