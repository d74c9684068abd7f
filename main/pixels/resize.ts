import {
	antialiasedTaps,
	cubicKernel,
	interpolationTaps,
	lanczosKernel,
	type ResamplingKernel,
	type Tap,
	TRIANGLE,
} from '../domain/resampling.ts';
import type { Size } from '../domain/video.ts';

/** A picture of three channels in rows of pixels, [height, width, 3]. */
export type Picture<Numbers extends Uint8Array | Float32Array> = { data: Numbers; size: Size };

export const RESIZE_FILTERS = ['nearest', 'bilinear', 'bicubic', 'lanczos'] as const;
export type ResizeFilter = (typeof RESIZE_FILTERS)[number];

const CHANNELS = 3;
/** Weights of bytes are whole numbers of at most so many bits, the sign included. */
const WEIGHT_BITS = 16;
/** Binary places of such weights, at most. */
const MOST_PLACES = 22;
/** Slopes of PyTorch's cubic without and with antialiasing. */
const PLAIN_CUBIC = -0.75;
const ANTIALIASED_CUBIC = -0.5;
/** Of the windowed sinc. */
const LANCZOS_LOBES = 3;

/**
 * The picture in another size, antialiased except by `nearest`, as PyTorch and Pillow resize bytes: columns first, then rows, with
 * weights of 16 bits, rounded to bytes after each.
 */
export function resizeBytes(
	picture: Picture<Uint8Array>,
	to: Size,
	filter: ResizeFilter,
): Picture<Uint8Array> {
	const along = (from: number, size: number) =>
		filter === 'nearest' ? nearestTaps(from, size) : antialiasedTaps(from, size, antialiasedKernel(filter));
	let { data, size } = picture;
	if (to.width !== size.width) {
		data = resample(data, size, wholeTaps(along(size.width, to.width)), 'columns', Uint8Array);
		size = { width: to.width, height: size.height };
	}
	if (to.height !== size.height) {
		data = resample(data, size, wholeTaps(along(size.height, to.height)), 'rows', Uint8Array);
	}
	return { data, size: to };
}

/** The picture in another size by interpolation between neighbouring pixels, without antialiasing and unrounded. */
export function interpolate(
	picture: Picture<Float32Array>,
	to: Size,
	filter: Exclude<ResizeFilter, 'lanczos'>,
): Picture<Float32Array> {
	const kernel = filter === 'bicubic' ? cubicKernel(PLAIN_CUBIC) : TRIANGLE;
	const along = (from: number, size: number): Taps => ({
		taps: filter === 'nearest' ? nearestTaps(from, size) : interpolationTaps(from, size, kernel),
		places: null,
	});
	const { data, size } = picture;
	const columns = resample(data, size, along(size.width, to.width), 'columns', Float32Array);
	const between = { width: to.width, height: size.height };
	return { data: resample(columns, between, along(size.height, to.height), 'rows', Float32Array), size: to };
}

function antialiasedKernel(filter: Exclude<ResizeFilter, 'nearest'>): ResamplingKernel {
	if (filter === 'bilinear') return TRIANGLE;
	return filter === 'bicubic' ? cubicKernel(ANTIALIASED_CUBIC) : lanczosKernel(LANCZOS_LOBES);
}

/** The sample nearest to each centre, found in single precision as PyTorch does. */
function nearestTaps(from: number, to: number): Tap[][] {
	const ratio = Math.fround(from / to);
	return Array.from({ length: to }, (_, i) => [
		{ at: Math.min(from - 1, Math.floor(Math.fround((i + 0.5) * ratio))), weight: 1 },
	]);
}

/** Taps; where `places` is given, weights are whole numbers of so many binary places. */
type Taps = { taps: Tap[][]; places: number | null };

/** Weights as whole numbers, with as many binary places as the largest of them leaves. */
function wholeTaps(taps: Tap[][]): Taps {
	const largest = Math.max(...taps.flat().map(({ weight }) => weight));
	let places = 0;
	while (places < MOST_PLACES && Math.trunc(0.5 + largest * 2 ** (places + 1)) < 2 ** (WEIGHT_BITS - 1))
		places++;
	const whole = (weight: number) => Math.trunc(weight * 2 ** places + Math.sign(weight) / 2);
	return {
		taps: taps.map((ofOne) => ofOne.map(({ at, weight }) => ({ at, weight: whole(weight) }))),
		places,
	};
}

/** Resamples a picture's columns, or its rows: as many as there are entries of `taps`. */
function resample<Numbers extends Uint8Array | Float32Array>(
	data: Numbers,
	{ width, height }: Size,
	{ taps, places }: Taps,
	axis: 'columns' | 'rows',
	Numbers: new (length: number) => Numbers,
): Numbers {
	const alongColumns = axis === 'columns';
	const lineNumbers = CHANNELS * (alongColumns ? taps.length : width);
	const out = new Numbers(lineNumbers * (alongColumns ? height : taps.length));
	// From one sample to the next along the axis, and what lies across it: rows of single pixels, or one row of whole lines.
	const step = alongColumns ? CHANNELS : CHANNELS * width;
	const across = alongColumns ? CHANNELS : lineNumbers;
	const lines = alongColumns ? height : 1;
	const half = places === null ? 0 : 2 ** places / 2;
	for (let line = 0; line < lines; line++) {
		const from = line * CHANNELS * width;
		for (const [i, ofOne] of taps.entries()) {
			const to = line * lineNumbers + i * across;
			for (let c = 0; c < across; c++) {
				let sum = half;
				for (const { at, weight } of ofOne) sum += weight * data[from + at * step + c]!;
				out[to + c] = places === null ? sum : Math.min(255, Math.max(0, Math.floor(sum / 2 ** places)));
			}
		}
	}
	return out;
}
