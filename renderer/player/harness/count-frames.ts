/** Numbers of unclosed decoded frames and pictures. */
export type FrameCounts = {
	framesOpen: number;
	framesDecoded: number;
	picturesOpen: number;
	mostPictures: number;
};

/** Counts all decoded frames and pictures of this page from now on. */
export function countFrames(): FrameCounts {
	const counts: FrameCounts = { framesOpen: 0, framesDecoded: 0, picturesOpen: 0, mostPictures: 0 };
	const frames = new WeakSet<VideoFrame>();
	const pictures = new WeakSet<ImageBitmap>();

	window.VideoDecoder = class extends VideoDecoder {
		constructor(init: VideoDecoderInit) {
			super({
				...init,
				output(frame) {
					frames.add(frame);
					counts.framesOpen++;
					counts.framesDecoded++;
					init.output(frame);
				},
			});
		}
	};
	replace(VideoFrame.prototype, 'close', function (original) {
		if (frames.delete(this)) counts.framesOpen--;
		original();
	});
	replace(ImageBitmap.prototype, 'close', function (original) {
		if (pictures.delete(this)) counts.picturesOpen--;
		original();
	});
	replace(OffscreenCanvas.prototype, 'transferToImageBitmap', function (original) {
		const picture = original();
		pictures.add(picture);
		counts.picturesOpen++;
		counts.mostPictures = Math.max(counts.mostPictures, counts.picturesOpen);
		return picture;
	});
	return counts;
}

function replace<T, K extends keyof T>(
	target: T,
	name: K,
	by: (this: T, original: T[K] extends () => infer R ? () => R : never) => unknown,
): void {
	const original = target[name] as () => unknown;
	Object.assign(target as object, {
		[name](this: T) {
			return by.call(this, original.bind(this) as never);
		},
	});
}
