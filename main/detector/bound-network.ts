import type { Detections } from '../domain/detections.ts';
import type { Letterbox } from '../domain/frame.ts';
import type { Host, NetworkOutput } from '../reduction/host.ts';

/** A network at the input size of one video: what modes run, with the family's own view of pixels and answers around it. */
export type BoundNetwork<Output extends NetworkOutput> = {
	host: Host<Output>;
	letterbox: Letterbox;
	normalisation: Normalisation;
	/**
	 * Detections in displayed video pixels. `inFrame`: takes boxes [n, 4] from the view, which the network saw, to the frame, where its camera
	 * is followed; of networks that modes follow a camera with.
	 */
	interpret(output: Output, inFrame: BoxesInFrame | null): Detections;
};

/** Boxes [n, 4], left, top, right and bottom in input pixels, of the view, as they are in the frame; not clipped. */
export type BoxesInFrame = (boxesXyxy: Float32Array) => Float32Array;

/** Per channel, of values in 0 to 1. */
export type Normalisation = {
	mean: readonly number[];
	std: readonly number[];
	/** What the network sees of the padding: the letterbox's grey like any pixel, or 0 after normalisation. */
	padding: 'grey' | 'zero';
};
