import { setClockSentence } from '../domain/clock-words.ts';
import { UserFacingError } from '../domain/errors.ts';
import {
	clockOfFile,
	requireTimeZone,
	setClock,
	statedClock,
	type RecordingClock,
} from '../domain/recording-clock.ts';
import type { StoredRun } from '../results/stored-run.ts';

/**
 * The clock as `--recorded-at` and `--time-zone` have it; null for none, undefined where they leave it to the file. Throws `bad-clock`,
 * and `bad-argument` for a zone of a time that nobody knows.
 */
export function clockOfOptions(
	{ recordedAt, timeZone }: { recordedAt?: string; timeZone?: string },
	{ header: { video } }: Pick<StoredRun, 'header'>,
	onRemark: (remark: string) => void,
): RecordingClock | null | undefined {
	if (timeZone !== undefined) requireTimeZone(timeZone);
	if (recordedAt === 'none') {
		if (timeZone !== undefined) onRemark('--time-zone has no effect with --recorded-at none.');
		return null;
	}
	if (recordedAt !== undefined) {
		const zone = timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
		const clock = statedClock(recordedAt, zone);
		const set = setClock(recordedAt, zone);
		if (set) onRemark(`--recorded-at: ${setClockSentence(recordedAt, zone, set, 'en')}`);
		return clock;
	}
	if (timeZone === undefined) return undefined;
	const ofFile = clockOfFile(video);
	if (ofFile) return { ...statedClock(ofFile.startsAt, timeZone), source: 'file' };
	throw new UserFacingError(
		'bad-argument',
		`--time-zone: a video that tells when it was recorded was expected, and ${video.path} doesn't.`,
		{ remedy: 'State it: --recorded-at "2026-11-29 09:00:00".' },
	);
}
