import { Worker } from 'node:worker_threads';
import { errorFromData, UserFacingError, type ErrorData } from '../domain/errors.ts';
import type { Frame } from '../domain/frame.ts';
import type { DecodeSummary, VideoInfo } from '../domain/video.ts';
import { cancelled, onAbort } from './cancellation.ts';
import { BYTES_PER_PIXEL, type ReadOptions } from './read-frames.ts';

/**
 * Frames in shared memory: one that the consumer holds, one that waits for it, one that is being filled. The slower
 * side sets the pace anyway, so more would only cost memory.
 */
const SLOTS = 3;

export type FrameThreadJob = { video: VideoInfo; options: Omit<ReadOptions, 'signal'>; slots: Uint8Array[] };
export type FrameThreadRequest = { type: 'release'; slot: number } | { type: 'stop' };
export type FrameThreadMessage =
	| { type: 'frame'; slot: number; index: number; timeSeconds: number }
	| { type: 'done'; summary: DecodeSummary }
	| { type: 'failed'; error: ErrorData };

/**
 * Like `readFrames`, in a thread of its own: inference blocks the thread that calls this, and ffmpeg would wait
 * whenever its pipe is full, which takes only part of a frame. `entry`: the built `frame-thread.js`.
 */
export async function* readFramesAhead(
	entry: string,
	video: VideoInfo,
	{ signal, ...options }: ReadOptions,
): AsyncGenerator<Frame, DecodeSummary> {
	if (signal?.aborted) throw cancelled(video.path);
	const { inputSize } = options.letterbox;
	const frameBytes = inputSize.width * inputSize.height * BYTES_PER_PIXEL[options.format];
	const slots = Array.from({ length: SLOTS }, () => new Uint8Array(new SharedArrayBuffer(frameBytes)));
	const workerData: FrameThreadJob = { video, options, slots };
	const thread = new Worker(entry, { workerData });
	const inbox = new Inbox(thread);
	const send = (request: FrameThreadRequest) => thread.postMessage(request);
	const release = onAbort(signal, () => send({ type: 'stop' }));
	try {
		for (;;) {
			const message = await inbox.next();
			if (signal?.aborted) throw cancelled(video.path);
			if (message.type === 'done') return message.summary;
			if (message.type === 'failed') throw errorFromData(message.error);
			const { slot, index, timeSeconds } = message;
			yield { index, timeSeconds, pixels: slots[slot]!, format: options.format, size: inputSize };
			send({ type: 'release', slot });
		}
	} finally {
		release();
		send({ type: 'stop' });
		await inbox.closed; // then ffmpeg is gone as well
	}
}

/** The messages of a thread, in order, for one reader. */
class Inbox {
	/** Settles when the thread has ended. */
	readonly closed: Promise<void>;
	readonly #messages: FrameThreadMessage[] = [];
	#failure: Error | null = null;
	#wake: (() => void) | null = null;

	constructor(thread: Worker) {
		thread.on('message', (message: FrameThreadMessage) => {
			this.#messages.push(message);
			this.#wake?.();
		});
		thread.on('error', (cause: Error) => this.#fail(cause));
		this.closed = new Promise((resolve) => {
			thread.once('exit', () => {
				this.#fail(undefined);
				resolve();
			});
		});
	}

	async next(): Promise<FrameThreadMessage> {
		for (;;) {
			const message = this.#messages.shift();
			if (message) return message;
			if (this.#failure) throw this.#failure;
			await new Promise<void>((resolve) => (this.#wake = resolve));
		}
	}

	#fail(cause: Error | undefined): void {
		const options = cause ? { cause } : {};
		this.#failure ??= new UserFacingError('ffmpeg-failed', 'The thread that reads the video died.', options);
		this.#wake?.();
	}
}
