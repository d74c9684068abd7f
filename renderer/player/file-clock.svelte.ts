import type { FrameTable } from './frame-table.ts';

/**
 * The times of frames in the file's clock, which the engine uses. The demuxer's clock may differ: the offset is guessed
 * from the stated start of the stream until the host or a run gives exact times. Reactive.
 */
export class FileClock {
	readonly #startSeconds: number;
	#offsetSeconds = $state(0);
	#hostTimes = $state.raw<Float64Array | null>(null);

	constructor(startSeconds: number) {
		this.#startSeconds = startSeconds;
	}

	/** The number of frames according to the host; null if not known yet. */
	get hostFrames(): number | null {
		return this.#hostTimes?.length ?? null;
	}

	/** Makes a first guess; the table must know a frame. */
	guess(table: FrameTable): void {
		const difference = this.#startSeconds - table.seconds(0);
		this.#offsetSeconds = Math.abs(difference) < (table.interval ?? 0.04) ? 0 : difference;
	}

	/** Takes the times of all frames from the host, and how far its clock is ahead. */
	settle(hostTimes: Float64Array, offsetSeconds: number): void {
		this.#hostTimes = hostTimes;
		this.#offsetSeconds = offsetSeconds;
	}

	/** In seconds; frames beyond the known ones get the time of the last one. */
	timeOf(frame: number, table: FrameTable): number {
		const known = this.#hostTimes?.[frame];
		if (known !== undefined) return known;
		if (table.known === 0) return this.#startSeconds;
		return table.seconds(Math.min(table.known - 1, Math.max(0, frame))) + this.#offsetSeconds;
	}

	/** A time of the file's clock in the demuxer's. */
	inDemuxer(seconds: number): number {
		return seconds - this.#offsetSeconds;
	}

	/** Whether the engine's time of a frame belongs to the same frame in the table. May correct the guess. */
	agrees(frame: number, seconds: number, table: FrameTable): boolean {
		const isHere = (own: number) => Math.abs(own - seconds) <= table.gapAround(frame) / 2;
		if (isHere(this.timeOf(frame, table))) return true;
		if (this.#hostTimes !== null || !isHere(table.seconds(frame))) return false;
		this.#offsetSeconds = 0;
		return true;
	}
}
