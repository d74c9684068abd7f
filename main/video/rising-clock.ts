import type { ClockRestart } from '../domain/video.ts';

/** A time that lies further back than this is that of a clock that began again, not of one frame with a wrong time. */
export const RESTART_SECONDS = 0.25;

/**
 * One time line out of a file's own times: the same as long as these rise. Where the clock begins again (recordings that were
 * joined, a counter that overflowed), the frame follows the one before at the distance that this had to its own predecessor, and what
 * follows keeps its distance to it. A frame that lies a little before another is shown at the same time.
 */
export class RisingClock {
	/** In the order of frames. */
	readonly restarts: ClockRestart[] = [];
	#fileSeconds = Number.NaN;
	#seconds = Number.NaN;
	#offset = 0;
	#step = 0;

	/** The time of the next frame, `index`, in the time line. The arithmetic is that of `RISING_TIME`. */
	take(index: number, fileSeconds: number): number {
		const before = this.#fileSeconds;
		if (fileSeconds < before - RESTART_SECONDS) {
			this.#offset = this.#offset + before + this.#step - fileSeconds;
			this.restarts.push({ frame: index, fileSeconds, offsetSeconds: this.#offset });
		} else if (fileSeconds > before) this.#step = fileSeconds - before;
		const seconds = fileSeconds + this.#offset;
		this.#seconds = Number.isNaN(before) ? fileSeconds : Math.max(this.#seconds, seconds);
		this.#fileSeconds = fileSeconds;
		return this.#seconds;
	}
}

/**
 * The same in ffmpeg's `select` filter, call by call: `ld(4)` is the frame's time in the time line. Variables 2 and 3 hold offset and
 * step, 5 whether there was a frame. `prev_t` is no number at the first frame, so that nothing compares with it.
 */
export const RISING_TIME =
	`if(lt(t,prev_t-${RESTART_SECONDS}),st(2,ld(2)+prev_t+ld(3)-t),if(gt(t,prev_t),st(3,t-prev_t)));` +
	'st(4,if(ld(5),max(ld(4),t+ld(2)),t));st(5,1)';
