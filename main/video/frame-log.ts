import { isLostFrameLine, parseClockLine, parseDamageLine, parseFrameLine } from './progress.ts';

const KEPT_WARNINGS = 5;

/** Reads ffmpeg's log while it decodes: every frame with its index and time, and what was lost. */
export class FrameLog {
	/** Damage as the decoder words it, the first few different ones. */
	readonly warnings: string[] = [];
	framesDecoded = 0;
	readonly #onFrame: (index: number, timeSeconds: number) => void;
	#secondsPerTick = Number.NaN;
	/** By the container's claim; null where it makes none. */
	#interval: number | null = null;
	#lastSeconds: number | null = null;
	#refusedPackets = 0;
	#missedFrames = 0;
	#unevenIntervals = 0;
	#damaged = false;

	constructor(onFrame: (index: number, timeSeconds: number) => void) {
		this.#onFrame = onFrame;
	}

	/**
	 * The larger of two counts: packets that the decoder refused, and, where the log speaks of damage in a file with an
	 * otherwise even rate, the frames that fit into the holes between times (data that the demuxer threw away never
	 * reaches the decoder). Frames that were decoded with errors concealed are not lost.
	 */
	get framesLost(): number {
		const even = this.#unevenIntervals * 20 <= this.framesDecoded;
		return Math.max(this.#refusedPackets, this.#damaged && even ? this.#missedFrames : 0);
	}

	readLine(line: string): void {
		const frame = parseFrameLine(line);
		if (frame) this.#readFrame(frame.ticks);
		else this.#readRemark(line);
	}

	#readFrame(ticks: number | null): void {
		const timeSeconds = ticks === null ? this.#guessTime() : ticks * this.#secondsPerTick;
		if (this.#lastSeconds !== null && this.#interval !== null) {
			const missed = Math.round((timeSeconds - this.#lastSeconds) / this.#interval) - 1;
			if (missed > 0) this.#missedFrames += missed;
			if (missed !== 0) this.#unevenIntervals++;
		}
		this.#lastSeconds = timeSeconds;
		this.#onFrame(this.framesDecoded++, timeSeconds);
	}

	// Only bare streams without a container have frames without a time.
	#guessTime(): number {
		return this.#lastSeconds === null ? 0 : this.#lastSeconds + (this.#interval ?? 0);
	}

	#readRemark(line: string): void {
		const clock = parseClockLine(line);
		if (clock) {
			this.#secondsPerTick = clock.secondsPerTick;
			this.#interval = clock.framesPerSecond === null ? null : 1 / clock.framesPerSecond;
			return;
		}
		if (isLostFrameLine(line)) this.#refusedPackets++;
		const damage = parseDamageLine(line);
		if (damage === null) return;
		this.#damaged = true;
		if (this.warnings.length < KEPT_WARNINGS && !this.warnings.includes(damage)) this.warnings.push(damage);
	}
}
