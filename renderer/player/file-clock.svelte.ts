import type { FrameTable } from './frame-table.ts';

/**
 * When frames are shown in the clock of the file, which is the engine's. The demuxer's clock may be another one: how
 * far they are apart is guessed from where the stream is said to start, until the host or a run knows better. Reactive.
 */
export class FileClock {
	readonly #startSeconds: number;
	#offsetSeconds = $state(0);
	#hostTimes = $state.raw<Float64Array | null>(null);

	constructor(startSeconds: number) {
		this.#startSeconds = startSeconds;
	}

	/** How many frames the host has counted; null while it has not. */
	get hostFrames(): number | null {
		return this.#hostTimes?.length ?? null;
	}

	/** Makes a first guess; the table knows a frame. */
	guess(table: FrameTable): void {
		const difference = this.#startSeconds - table.seconds(0);
		this.#offsetSeconds = Math.abs(difference) < (table.interval ?? 0.04) ? 0 : difference;
	}

	/** Takes the times of all frames as the host decoded them, and by how much its clock is ahead. */
	settle(hostTimes: Float64Array, offsetSeconds: number): void {
		this.#hostTimes = hostTimes;
		this.#offsetSeconds = offsetSeconds;
	}

	/** Seconds; frames beyond those that are known count as the last one. */
	timeOf(frame: number, table: FrameTable): number {
		const known = this.#hostTimes?.[frame];
		if (known !== undefined) return known;
		if (table.known === 0) return this.#startSeconds;
		return table.seconds(Math.min(table.known - 1, Math.max(0, frame))) + this.#offsetSeconds;
	}

	/** Whether the engine's time of a frame is that of the same frame in the table. May correct the guess. */
	agrees(frame: number, seconds: number, table: FrameTable): boolean {
		const isHere = (own: number) => Math.abs(own - seconds) <= table.gapAround(frame) / 2;
		if (isHere(this.timeOf(frame, table))) return true;
		if (this.#hostTimes !== null || !isHere(table.seconds(frame))) return false;
		this.#offsetSeconds = 0;
		return true;
	}
}
