import { UserFacingError } from '../domain/errors.ts';
import { RISING_TIME } from './rising-clock.ts';
import { isAfter, isBefore, TIME_SLACK, type FrameRange, type Position } from '../domain/video.ts';

// Which frames a range picks is decided twice: by ffmpeg, so that it neither scales nor sends the others, and here,
// where each frame that arrives gets its index. Both sides do the same arithmetic on the same doubles.

/** Throws `bad-range` unless the range can hold a frame. */
export function checkRange(range: FrameRange): void {
	if (!Number.isInteger(range.every) || range.every < 1) {
		throw badRange(`every must be a whole number from 1 on (got ${range.every})`);
	}
	checkPosition('from', range.from);
	if (range.to === null) return;
	checkPosition('to', range.to);
	const [from, to] = [range.from, range.to];
	if ('frame' in from && 'frame' in to && to.frame < from.frame) {
		throw badRange(`it ends at frame ${to.frame}, before its start at frame ${from.frame}`);
	}
	if ('seconds' in from && 'seconds' in to && to.seconds < from.seconds) {
		throw badRange(`it ends at ${to.seconds} s, before its start at ${from.seconds} s`);
	}
}

function checkPosition(name: string, position: Position): void {
	if ('frame' in position) {
		if (Number.isInteger(position.frame) && position.frame >= 0) return;
		throw badRange(`${name} must be a frame number from 0 on (got ${position.frame})`);
	}
	if (!Number.isFinite(position.seconds))
		throw badRange(`${name} must be a time in seconds (got ${position.seconds})`);
}

function badRange(what: string): UserFacingError {
	return new UserFacingError('bad-range', `The range of frames cannot be read: ${what}.`);
}

/** A jump into a file. Frames are numbered among all that decode from the file's start. */
export type SeekPlan = {
	/** Where ffmpeg is sent, in the file's own clock: a key frame. */
	seekSeconds: number;
	/** Times of all frames from that key frame to the first wanted one; the decoded frames must have exactly these. */
	expectedSeconds: number[];
	/** The first frame that matters: its index, and its time in ticks of the stream. */
	firstIndex: number;
	firstTicks: number;
	/** Frames of the range that lie before it: `every` counts them. */
	framesBefore: number;
};

/** Decides for each decoded frame in turn, from the start or from the target of a jump, whether the range picks it. */
export class FramePicker {
	readonly #range: FrameRange;
	readonly #startAfterFrame: number;
	/** Frames of the range so far. */
	#inRange: number;

	/** `startAfterFrame`: frames up to and including this index are not picked; -1 for none. */
	constructor(range: FrameRange, startAfterFrame: number, seek: SeekPlan | null) {
		this.#range = range;
		this.#startAfterFrame = startAfterFrame;
		this.#inRange = seek?.framesBefore ?? 0;
	}

	/** Call once for every decoded frame, in order; after a jump, from the first wanted one on. */
	pick(index: number, timeSeconds: number): 'pick' | 'skip' | 'past' {
		const { from, to, every } = this.#range;
		if (to !== null && isAfter(to, index, timeSeconds)) return 'past';
		if (isBefore(from, index, timeSeconds)) return 'skip';
		const place = this.#inRange++;
		return place % every === 0 && index > this.#startAfterFrame ? 'pick' : 'skip';
	}

	/** True once no later frame can be picked, so that reading can end without another frame. */
	endsAt(index: number): boolean {
		const { to } = this.#range;
		return to !== null && 'frame' in to && index >= to.frame;
	}
}

/**
 * The same choice as an expression for ffmpeg's `select` filter, or null where every frame is picked. Variable 0 counts
 * the frames inside the range, variable 1 those after a jump, others the time line; they live as long as the filter does.
 */
export function selectExpression(
	range: FrameRange,
	startAfterFrame: number,
	seek: SeekPlan | null,
): string | null {
	const index = seek === null ? 'n' : `ld(1)+${seek.firstIndex - 1}`;
	const asksForTimes = 'seconds' in range.from || (range.to !== null && 'seconds' in range.to);
	const chosen = choose(range, startAfterFrame, index, seek?.framesBefore ?? 0);
	const choice = asksForTimes && chosen !== null ? `${RISING_TIME};${chosen}` : chosen;
	if (seek === null) return choice;
	return `if(gte(pts,${seek.firstTicks}),st(1,ld(1)+1);${choice ?? '1'})`;
}

/**
 * `index`: an expression for the index of a frame among all frames of the file. Frames behind the range are let through, though nobody
 * takes them: ffmpeg holds a frame back until the next one comes, which else would be the end of the file.
 */
function choose(
	range: FrameRange,
	startAfterFrame: number,
	index: string,
	framesBefore: number,
): string | null {
	const inside: string[] = [];
	if ('seconds' in range.from) inside.push(`gte(ld(4),${range.from.seconds - TIME_SLACK})`);
	else if (range.from.frame > 0) inside.push(`gte(${index},${range.from.frame})`);
	if (range.to !== null) {
		if ('seconds' in range.to) inside.push(`lte(ld(4),${range.to.seconds + TIME_SLACK})`);
		else inside.push(`lte(${index},${range.to.frame})`);
	}
	const picked: string[] = [];
	if (range.every > 1)
		picked.push(`not(mod(st(0,ld(0)+1)-1${framesBefore > 0 ? `+${framesBefore}` : ''},${range.every}))`);
	if (startAfterFrame >= 0) picked.push(`gt(${index},${startAfterFrame})`);
	if (inside.length === 0 && picked.length === 0) return null;
	const chosen = `if(${inside.join('*') || '1'},${picked.join('*') || '1'}`;
	if (range.to === null) return `${chosen})`;
	const behind =
		'seconds' in range.to ? `gt(ld(4),${range.to.seconds + TIME_SLACK})` : `gt(${index},${range.to.frame})`;
	return `${chosen},${behind})`;
}
