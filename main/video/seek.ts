import { isBefore, type FrameRange, type KnownFrame, type VideoInfo } from '../domain/video.ts';
import type { SeekPlan } from './frame-range.ts';
import { readPackets, type PacketTable } from './packet-table.ts';

// Decoding an hour to reach its last minute takes minutes. A jump avoids that, if it is certain that it gives the same
// frames, with the same numbers, as decoding from the start.

/** Up to here, decoding from the start is as fast as finding out where to jump. */
const NEAR_FRAMES = 50;
const NEAR_SECONDS = 2;

/** ffmpeg's names of the containers whose index leads to key frames. */
const CONTAINERS = new Set(['mov,mp4,m4a,3gp,3g2,mj2', 'matroska,webm', 'avi']);

/** Codecs in which a packet is a picture and decoding can begin at any key frame. */
const CODECS = new Set(['h264', 'hevc', 'vp9', 'av1', 'mpeg4', 'mjpeg', 'prores', 'ffv1']);

/** The codecs among them whose packets reveal damage that loses frames; in the others it shows only when decoding. */
const TELLING_CODECS = new Set(['h264', 'hevc', 'vp9']);

export type SeekRequest = {
	range: FrameRange;
	/** Frames up to this index are not wanted; -1 for none. */
	startAfterFrame: number;
	/** Frames that decoding from the start gave earlier; the packets must agree with every one of them. */
	known: readonly KnownFrame[];
};

/**
 * How to reach the first wanted frame without decoding everything before it; null if it is near the start, or a
 * sentence that says why it is not possible. Frames are numbered by the times of the packets; if packets do not reveal
 * lost frames, a frame known from before must confirm the numbers. The jump goes back one more key frame than
 * necessary: pictures around the first one may refer to earlier ones. Throws `cancelled`.
 */
export async function planSeek(
	video: VideoInfo,
	{ range, startAfterFrame, known }: SeekRequest,
	signal: AbortSignal | undefined,
): Promise<SeekPlan | string | null> {
	const { from } = range;
	const isFar =
		startAfterFrame >= NEAR_FRAMES ||
		('frame' in from ? from.frame >= NEAR_FRAMES : from.seconds - video.startSeconds >= NEAR_SECONDS);
	if (!isFar) return null;
	if (!CONTAINERS.has(video.container)) return `no jumps in ${video.container}`;
	if (!CODECS.has(video.codec)) return `no jumps in ${video.codec}`;
	const tells = TELLING_CODECS.has(video.codec);
	if (!tells && known.length === 0) return `packets of ${video.codec} do not show what damage costs`;
	const isPast = (packetsBefore: number, seconds: number) =>
		packetsBefore > startAfterFrame + 1 && !isBefore(from, packetsBefore - 1, seconds);
	const packets = await readPackets(video, isPast, signal);
	return typeof packets === 'string' ? packets : planFrom(packets, { range, startAfterFrame, known }, tells);
}

function planFrom(
	packets: PacketTable,
	{ range, startAfterFrame, known }: SeekRequest,
	tells: boolean,
): SeekPlan | string {
	const { ticks, keyFrames, secondsPerTick } = packets;
	const secondsOf = (index: number) => ticks[index]! * secondsPerTick;
	const rangeStart = ticks.findIndex((_, index) => !isBefore(range.from, index, secondsOf(index)));
	const firstIndex = Math.max(rangeStart, startAfterFrame + 1);
	if (rangeStart < 0 || firstIndex >= ticks.length) return 'its packets end before the first wanted frame';
	const other = known.find(({ frame, seconds }) => frame <= firstIndex && secondsOf(frame) !== seconds);
	if (other) return `packet ${other.frame} has another time than the frame of that index`;
	const isMet = known.some(({ frame }) => frame === firstIndex || frame === firstIndex - 1);
	if (!tells && !isMet) return 'no known frame stands at the first wanted one';
	const keyFrame = keyFrames.filter((index) => index <= firstIndex).at(-2) ?? 0;
	if (keyFrame === 0) return 'no key frame between the start and the first wanted frame';
	return {
		seekSeconds: secondsOf(keyFrame),
		expectedSeconds: ticks.slice(keyFrame, firstIndex + 1).map((tick) => tick * secondsPerTick),
		firstIndex,
		firstTicks: ticks[firstIndex]!,
		framesBefore: firstIndex - rangeStart,
	};
}

/** Compares the frames decoded after a jump with the times of the packets. */
export class SeekCheck {
	readonly #expected: readonly number[];
	#place = 0;

	constructor(plan: SeekPlan) {
		this.#expected = plan.expectedSeconds;
	}

	/**
	 * Takes the time of the next decoded frame: whether it is before the first wanted one, is that one, or differs from
	 * what the packets say.
	 */
	take(timeSeconds: number): 'on-the-way' | 'arrived' | 'differs' {
		// ffmpeg may land further back, and pictures that refer to skipped ones may be put out or not.
		if (this.#place === 0 && timeSeconds < this.#expected[0]!) return 'on-the-way';
		if (timeSeconds !== this.#expected[this.#place++]) {
			this.#place = Number.POSITIVE_INFINITY; // from now on everything differs
			return 'differs';
		}
		return this.#place === this.#expected.length ? 'arrived' : 'on-the-way';
	}
}
