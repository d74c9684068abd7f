/** The part of a frame table that playback needs. */
export type Timeline = {
	readonly known: number;
	readonly complete: boolean;
	readonly interval: number | null;
	seconds(index: number): number;
	indexAt(seconds: number): number;
};

export type PlayPosition = {
	/** Playback position in seconds. */
	clockSeconds: number;
	/** The frame that is painted. */
	shown: number;
};

export type PlayPace = {
	/** Milliseconds since the last tick. */
	elapsedMs: number;
	/** Speed; negative plays backwards. */
	rate: number;
	/** First and last frame to play. */
	first: number;
	last: number;
	/** Starts over at the end instead of stopping. */
	loop: boolean;
};

export type PlayTick = {
	clockSeconds: number;
	/** The frame to paint now; may be the current one. */
	due: number;
	/** Whether the end is reached and playback stops. */
	ended: boolean;
};

/** Longest tick: time during which the page was blocked for longer does not count. */
const LONGEST_TICK_MS = 100;

/** Frames shown for longer than this can all be shown on any screen. */
const SHOWABLE_MS = 20;

/** Up to this delay, late frames that can all be shown are shown one by one. */
const FORGIVEN_SECONDS = 0.5;

/** If decoding cannot keep up, the clock waits once it is this far ahead. */
const LATEST_SECONDS = 1;

/**
 * Advances the clock and returns the frame that is due. At speeds where each frame can be seen, none is skipped unless
 * the picture is late by more than half a second; faster than that, frames are dropped rather than late.
 */
export function advanceClock(timeline: Timeline, at: PlayPosition, pace: PlayPace): PlayTick {
	const { rate, first, last } = pace;
	const direction = rate < 0 ? -1 : 1;
	const interval = timeline.interval ?? 0.04;
	const clock = at.clockSeconds + (Math.min(pace.elapsedMs, LONGEST_TICK_MS) / 1000) * rate;
	const start = timeline.seconds(first);
	const end = last + 1 < timeline.known ? timeline.seconds(last + 1) : timeline.seconds(last) + interval;

	// The clock may leave the range only after its last frame was painted.
	const outermost = direction > 0 ? last : first;
	if (direction > 0 ? clock >= end : clock < start) {
		if (at.shown !== outermost)
			return { clockSeconds: waitAt(start, end), due: next(outermost), ended: false };
		if (direction > 0 && !timeline.complete && last === timeline.known - 1) {
			return { clockSeconds: waitAt(start, end), due: at.shown, ended: false };
		}
		if (!pace.loop) return { clockSeconds: timeline.seconds(outermost), due: outermost, ended: true };
		const restart = direction > 0 ? first : last;
		return { clockSeconds: timeline.seconds(restart), due: restart, ended: false };
	}

	const due = Math.min(last, Math.max(first, timeline.indexAt(clock)));
	return { clockSeconds: held(clock), due: next(due), ended: false };

	function waitAt(start: number, end: number): number {
		return direction > 0 ? end : start;
	}

	function next(wanted: number): number {
		if ((wanted - at.shown) * direction <= 1) return wanted;
		const following = at.shown + direction;
		const late = ((clock - timeline.seconds(following)) * direction) / Math.abs(rate);
		const showable = (interval / Math.abs(rate)) * 1000 >= SHOWABLE_MS;
		return showable && late <= FORGIVEN_SECONDS ? following : wanted;
	}

	function held(clockSeconds: number): number {
		const furthest = timeline.seconds(at.shown) + LATEST_SECONDS * rate;
		if ((timeline.indexAt(clockSeconds) - at.shown) * direction <= 1) return clockSeconds;
		return direction > 0 ? Math.min(clockSeconds, furthest) : Math.max(clockSeconds, furthest);
	}
}
