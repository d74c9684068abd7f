/** One of the samples that a resized sample is the sum of. */
export type Tap = { at: number; weight: number };

/** A resampling kernel: weights by distance in source samples, 0 from `support` on. */
export type ResamplingKernel = { support: number; weight(distance: number): number };

/** Linear interpolation. */
export const TRIANGLE: ResamplingKernel = { support: 1, weight: (d) => Math.max(0, 1 - d) };

/** Cubic convolution (Keys, 1981); `a` is its slope at distance 1. */
export function cubicKernel(a: number): ResamplingKernel {
	return {
		support: 2,
		weight(d) {
			if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
			return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
		},
	};
}

/** A sinc windowed by its own first `lobes` lobes (Lanczos; Duchon, 1979). */
export function lanczosKernel(lobes: number): ResamplingKernel {
	const sinc = (x: number) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));
	return { support: lobes, weight: (d) => (d < lobes ? sinc(d) * sinc(d / lobes) : 0) };
}

/** The taps of each of `to` samples, corners not aligned; samples beyond the edges repeat the edge. */
export function interpolationTaps(from: number, to: number, kernel: ResamplingKernel): Tap[][] {
	const { support } = kernel;
	return Array.from({ length: to }, (_, i) => {
		const centre = ((i + 0.5) * from) / to - 0.5;
		const first = Math.floor(centre) - support + 1;
		return Array.from({ length: 2 * support }, (_, j) => ({
			at: Math.min(Math.max(first + j, 0), from - 1),
			weight: kernel.weight(Math.abs(first + j - centre)),
		}));
	});
}

/**
 * Like `interpolationTaps`, antialiased: when downscaling, the kernel is widened by the same factor. Samples beyond the
 * edges are left out, and weights sum to 1.
 */
export function antialiasedTaps(from: number, to: number, kernel: ResamplingKernel): Tap[][] {
	const ratio = from / to;
	const widening = Math.max(1, ratio);
	const reach = kernel.support * widening;
	return Array.from({ length: to }, (_, i) => {
		const centre = ratio * (i + 0.5);
		const first = Math.max(0, Math.trunc(centre - reach + 0.5));
		const end = Math.min(from, Math.trunc(centre + reach + 0.5));
		const taps = Array.from({ length: end - first }, (_, j) => ({
			at: first + j,
			weight: kernel.weight(Math.abs(first + j + 0.5 - centre) / widening),
		}));
		const sum = taps.reduce((total, { weight }) => total + weight, 0);
		return taps.map(({ at, weight }) => ({ at, weight: weight / sum }));
	});
}
