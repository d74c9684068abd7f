import type { FrameResult } from '../domain/frame-result.ts';
import type { FrameRange, Position, VideoInfo } from '../domain/video.ts';
import type { AnalysisProgress } from './protocol.ts';

/** Most frequent reports: nobody reads faster, and each costs a message. */
const REPORT_MILLISECONDS = 100;

/** The rate is averaged over this much recent time, so that it follows live changes of a budget. */
const RATE_WINDOW_MILLISECONDS = 5000;

/** Progress as far as a clock tells. */
export type Pace = Omit<AnalysisProgress, 'shortfall'>;

/** Turns finished frames into progress reports, thinned out to ten a second. */
export class ProgressMeter {
	readonly #framesEstimated: number | null;
	readonly #now: () => number;
	#framesDone: number;
	#lastReport = Number.NEGATIVE_INFINITY;
	/** Moments of recent reports and the frames done then, oldest first. */
	#marks: { at: number; frames: number }[] = [];

	/** `framesDone` are those of earlier sittings; `now` gives milliseconds. */
	constructor(framesEstimated: number | null, framesDone: number, now = () => performance.now()) {
		this.#framesEstimated = framesEstimated;
		this.#framesDone = framesDone;
		this.#now = now;
		this.#marks.push({ at: now(), frames: framesDone });
	}

	/** Counts a frame; gives a report when one is due. */
	add(result: FrameResult): Pace | null {
		this.#framesDone++;
		const at = this.#now();
		if (at - this.#lastReport < REPORT_MILLISECONDS) return null;
		this.#lastReport = at;
		while (this.#marks.length > 1 && at - this.#marks[0]!.at > RATE_WINDOW_MILLISECONDS) this.#marks.shift();
		const { at: since, frames } = this.#marks[0]!;
		this.#marks.push({ at, frames: this.#framesDone });
		const framesPerSecond = at > since ? ((this.#framesDone - frames) * 1000) / (at - since) : 0;
		const left =
			this.#framesEstimated === null ? null : Math.max(0, this.#framesEstimated - this.#framesDone);
		return {
			framesDone: this.#framesDone,
			framesEstimated:
				this.#framesEstimated === null ? null : Math.max(this.#framesEstimated, this.#framesDone),
			framesPerSecond,
			secondsLeft: left === null || framesPerSecond === 0 ? null : left / framesPerSecond,
			macs: result.cost.macs,
			milliseconds: result.cost.milliseconds,
		};
	}
}

/** About how many frames a range holds, from the container's claims; null if it claims nothing. */
export function estimateFrames(video: VideoInfo, range: FrameRange): number | null {
	const { estimatedFrames } = video;
	const from = estimateIndex(video, range.from);
	const to = range.to ? estimateIndex(video, range.to) : null;
	if (from === null || (range.to && to === null)) return null;
	if (to === null && estimatedFrames === null) return null;
	const last = Math.min(to ?? Number.POSITIVE_INFINITY, (estimatedFrames ?? Number.POSITIVE_INFINITY) - 1);
	return Math.max(0, Math.floor((last - from) / range.every) + 1);
}

function estimateIndex(video: VideoInfo, position: Position): number | null {
	if ('frame' in position) return position.frame;
	if (video.nominalFramesPerSecond === null) return null;
	return Math.max(0, Math.round((position.seconds - video.startSeconds) * video.nominalFramesPerSecond));
}
