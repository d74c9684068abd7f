import { Writable } from 'node:stream';

/**
 * Frames kept ready besides the one that the consumer holds: one to hand out at once, one being filled. ffmpeg holds
 * another at its end of the pipe, so that it decodes while the consumer computes. More would only cost memory: the
 * slower side sets the pace anyway.
 */
const READ_AHEAD_FRAMES = 2;

type FrameRecord = { index: number; timeSeconds: number };

/**
 * Where pixels from ffmpeg's output meet the records from its log: the n-th whole frame belongs to the n-th record. A
 * fixed set of buffers is reused; while all are taken, the pipe is not read and ffmpeg waits.
 */
export class FrameQueue {
	/** The pixel end of the queue. Never emits `close` (see `FfmpegStreams`). */
	readonly sink: Writable;
	readonly #frameBytes: number;
	readonly #free: Uint8Array[];
	readonly #filled: Uint8Array[] = [];
	readonly #records: FrameRecord[] = [];
	#filling: Uint8Array | null = null;
	#fillBytes = 0;
	/** A chunk that did not fit, and how to ask for the next one. */
	#rest: { chunk: Uint8Array; offset: number; done: () => void } | null = null;
	#ended = false;
	#discarding = false;
	#wake: (() => void) | null = null;

	constructor(frameBytes: number) {
		this.#frameBytes = frameBytes;
		this.#free = Array.from({ length: READ_AHEAD_FRAMES + 1 }, () => new Uint8Array(frameBytes));
		this.sink = new Writable({
			highWaterMark: 1 << 16,
			emitClose: false,
			autoDestroy: false,
			write: (chunk: Uint8Array, _, done) => this.#take({ chunk, offset: 0, done }),
		});
	}

	addRecord(index: number, timeSeconds: number): void {
		this.#records.push({ index, timeSeconds });
		this.#notify();
	}

	/** Records without pixels yet, or pixels not asked for yet. */
	get waitingRecords(): number {
		return this.#records.length;
	}

	/** Whole frames without a record; if any are left after the end, pixels and log disagree. */
	get unclaimedFrames(): number {
		return Math.max(0, this.#filled.length - this.#records.length);
	}

	/** Nothing more will come: `next` gives what is there, then null. */
	end(): void {
		this.#ended = true;
		this.#notify();
	}

	/** Drops everything, including what still arrives, so that the pipe drains. */
	discard(): void {
		this.#discarding = true;
		this.#rest?.done();
		this.#rest = null;
		this.end();
	}

	/** The next frame, or null at the end. `release` gives its buffer back for reuse. */
	async next(): Promise<(FrameRecord & { pixels: Uint8Array }) | null> {
		for (;;) {
			const pixels = this.#filled[0];
			const record = this.#records[0];
			if (pixels && record) {
				this.#filled.shift();
				this.#records.shift();
				return { ...record, pixels };
			}
			if (this.#ended) return null;
			await new Promise<void>((resolve) => (this.#wake = resolve));
		}
	}

	release(pixels: Uint8Array): void {
		this.#free.push(pixels);
		const rest = this.#rest;
		this.#rest = null;
		if (rest) this.#take(rest);
	}

	#notify(): void {
		this.#wake?.();
		this.#wake = null;
	}

	#take(piece: { chunk: Uint8Array; offset: number; done: () => void }): void {
		const { chunk } = piece;
		while (piece.offset < chunk.length && !this.#discarding) {
			this.#filling ??= this.#free.pop() ?? null;
			if (this.#filling === null) {
				this.#rest = piece;
				return;
			}
			const bytes = Math.min(chunk.length - piece.offset, this.#frameBytes - this.#fillBytes);
			this.#filling.set(chunk.subarray(piece.offset, piece.offset + bytes), this.#fillBytes);
			piece.offset += bytes;
			this.#fillBytes += bytes;
			if (this.#fillBytes === this.#frameBytes) {
				this.#filled.push(this.#filling);
				this.#filling = null;
				this.#fillBytes = 0;
				this.#notify();
			}
		}
		piece.done();
	}
}
