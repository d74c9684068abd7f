import { noMilliseconds } from '../domain/cost.ts';
import type { Frame } from '../domain/frame.ts';
import type { FrameResult } from '../domain/frame-result.ts';
import { fullBitmap, packBitmap, tokenCount } from '../domain/tokens.ts';
import type { DecodeSummary } from '../domain/video.ts';
import type { Detector } from '../detector/detector.ts';

/**
 * The journey of every frame, from pixels to detections; nothing else drives the engine. Frames come in order; the
 * caller has reset or restored `detector` and owns it. Returns the reader's summary.
 */
export async function* analyze(
	frames: AsyncGenerator<Frame, DecodeSummary>,
	detector: Detector,
): AsyncGenerator<FrameResult, DecodeSummary> {
	const tokens = tokenCount(detector.grid);
	try {
		for (;;) {
			const milliseconds = noMilliseconds();
			const clock = stopwatch();
			const next = await frames.next();
			if (next.done) return next.value;
			const frame = next.value;
			milliseconds.decode = clock();

			const pixels = detector.prepare(frame);
			milliseconds.prepare = clock();

			const wanted = detector.select(pixels); // every token on the first frame
			milliseconds.select = clock();

			const { output, macs, selection, maps, camera, ...estimate } = await detector.run(pixels, wanted); // the rest comes from memory
			milliseconds.run = clock();

			const detections = detector.interpret(output, estimate.stale);
			milliseconds.interpret = clock();

			detector.observe(milliseconds.select + milliseconds.run, detections);
			yield {
				frameIndex: frame.index,
				timeSeconds: frame.timeSeconds,
				detections,
				kind: selection.kind,
				selectedTokens: selection.count,
				selection:
					selection.count === tokens
						? fullBitmap(tokens)
						: packBitmap(selection.tokens, selection.count, tokens),
				cost: { macs, milliseconds },
				budgetMacs: detector.budgetMacs,
				...(maps && maps.length > 0 && { maps }),
				...(estimate.drift && { drift: estimate.drift }),
				...(camera && { camera }),
			};
		}
	} finally {
		await frames.return?.(undefined as never);
	}
}

/** Each call gives the milliseconds since the call before. */
function stopwatch(): () => number {
	let last = performance.now();
	return () => {
		const now = performance.now();
		const elapsed = now - last;
		last = now;
		return elapsed;
	};
}
