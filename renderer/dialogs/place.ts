import { secondsAt, type RecordingClock } from '../../main/domain/recording-clock.ts';
import type { VideoInfo } from '../../main/domain/video.ts';

/** A target to go to: a frame, or a time in the file's clock. Null for anything else. */
export type Place = { frame: number } | { seconds: number };

/**
 * Reads `124` as a frame, `12.4s`, `0:12.4` and `1:02:03` as times, and `2026-11-29 09:15` as a time of day where it is known when
 * the video was recorded. Accepts full-width digits.
 */
export function parsePlace(
	text: string,
	recording: { clock: RecordingClock | null; info: Pick<VideoInfo, 'startSeconds'> } | null = null,
): Place | null {
	const plain = text.trim().normalize('NFKC');
	if (recording?.clock && /^\d{4}-\d\d-\d\d/.test(plain)) {
		const seconds = secondsAt(recording.clock, recording.info, plain);
		return seconds === null ? null : { seconds };
	}
	if (/^\d+$/.test(plain)) return { frame: Number(plain) };
	const seconds = /^(-?(?:\d+(?:\.\d*)?|\.\d+))\s*s$/.exec(plain);
	if (seconds) return { seconds: Number(seconds[1]) };
	const clock = /^(-?)(?:(\d+):)?(\d{1,3}):(\d{1,2}(?:\.\d*)?)$/.exec(plain);
	if (!clock) return null;
	const [, sign, hours = 0, minutes, rest] = clock;
	const after = 3600 * Number(hours) + 60 * Number(minutes) + Number(rest);
	return { seconds: sign === '-' ? -after : after };
}
