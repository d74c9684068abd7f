import type { VideoSample } from 'mediabunny';
import type { Rect } from '../../main/domain/overlay-geometry.ts';
import type { Size } from '../../main/domain/video.ts';
import type { FrameTable } from './frame-table.ts';

/** A piece of a frame that is wanted as a picture of its own. */
export type Cut = {
	frame: number;
	/** In displayed pixels of the video. */
	rect: Rect;
	/** Of the picture, in pixels. */
	size: Size;
};

/** Who takes it has to close its bitmap. */
export type CutPicture<C extends Cut = Cut> = { cut: C; bitmap: ImageBitmap };

type CutParts = {
	table: Pick<FrameTable, 'known' | 'seconds' | 'indexOf'>;
	/** The decoded frames of ascending times; null for one that there is not. */
	samplesAt(seconds: readonly number[]): AsyncGenerator<VideoSample | null, void, unknown>;
	/** Leaves the sample open. */
	make(sample: VideoSample, cut: Cut): ImageBitmap;
};

/**
 * Cuts pieces out of frames, in the order of the frames, each of which is decoded once. Left out is what the table does not know yet, and
 * what decoding gives another frame for. Ends early when `signal` is aborted; throws where decoding fails.
 */
export async function* cutFrames<C extends Cut>(
	cuts: readonly C[],
	{ table, samplesAt, make }: CutParts,
	signal: AbortSignal,
): AsyncGenerator<CutPicture<C>, void, void> {
	const ascending = cuts.filter(({ frame }) => frame < table.known).sort((a, b) => a.frame - b.frame);
	const frames = [...new Set(ascending.map(({ frame }) => frame))];
	if (frames.length === 0 || signal.aborted) return;
	const samples = samplesAt(frames.map((frame) => table.seconds(frame)));
	const stop = () => void samples.return().catch(() => undefined); // its result is not needed
	signal.addEventListener('abort', stop);
	try {
		for (const frame of frames) {
			const { value: sample, done } = await samples.next();
			if (done) return;
			if (!sample) continue;
			try {
				if (table.indexOf(sample.timestamp) !== frame) continue;
				for (const cut of ascending.filter((one) => one.frame === frame)) {
					if (signal.aborted) return;
					yield { cut, bitmap: make(sample, cut) };
				}
			} finally {
				sample.close();
			}
		}
	} finally {
		signal.removeEventListener('abort', stop);
		stop();
	}
}
