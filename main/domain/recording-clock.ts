import { fromAbsolute, parseDateTime, toZoned } from '@internationalized/date';
import { UserFacingError } from './errors.ts';
import type { VideoInfo } from './video.ts';

/** The time of day at which a video was recorded. */
export type RecordingClock = {
	/** When its first moment, `startSeconds` in the file's own clock, was recorded: in UTC, as ISO 8601. */
	startsAt: string;
	/** In which times are told: a name of the IANA's list (`Asia/Tokyo`), or a distance from UTC (`+09:00`). */
	timeZone: string;
	/**
	 * Whether the file says so or a person. Files are less reliable: many cameras write their local time as if it were UTC, and some the
	 * end of the recording.
	 */
	source: 'file' | 'stated';
};

/** Offsets change at full quarters of an hour only. */
const QUARTER_MILLISECONDS = 900_000;
const FIXED_OFFSET = /^([+-])(\d\d):(\d\d)$/;

/** The clock as the file states it; null where it doesn't. Where it says no zone, times are told in UTC. */
export function clockOfFile({ recordedAt }: Pick<VideoInfo, 'recordedAt'>): RecordingClock | null {
	if (recordedAt === null) return null;
	const offset = /([+-]\d\d:\d\d)$/.exec(recordedAt)?.[1];
	return { startsAt: new Date(recordedAt).toISOString(), timeZone: offset ?? 'UTC', source: 'file' };
}

/**
 * A stated start, such as `2026-11-29 09:00:00` or `2026-11-29T09:00:00.250`, in the local time of `timeZone`; or with its own
 * distance from UTC (`…+09:00`, `…Z`), which then only decides which moment it is. Throws `bad-clock` for what is no time, for
 * unknown zones, and for times that the zone skipped or had twice as its clocks were set.
 */
export function statedClock(start: string, timeZone: string): RecordingClock {
	if (!isTimeZone(timeZone)) {
		throw new UserFacingError(
			'bad-clock',
			`time zone: a name such as Asia/Tokyo, or a distance from UTC such as +09:00, was expected (got "${timeZone}").`,
		);
	}
	const text = start.trim().replace(' ', 'T');
	const clock = (milliseconds: number): RecordingClock => ({
		startsAt: new Date(milliseconds).toISOString(),
		timeZone,
		source: 'stated',
	});
	if (/T.*(?:Z|[+-]\d\d:?\d\d)$/.test(text)) {
		const milliseconds = Date.parse(text);
		if (!Number.isNaN(milliseconds)) return clock(milliseconds);
		throw noStart(start);
	}
	let local;
	try {
		local = parseDateTime(text);
	} catch {
		throw noStart(start);
	}
	const fixed = fixedOffset(timeZone);
	if (fixed !== null) return clock(local.toDate('UTC').getTime() - fixed);
	try {
		return clock(toZoned(local, timeZone, 'reject').toDate().getTime());
	} catch {
		throw new UserFacingError(
			'bad-clock',
			`start of the clock: ${start} did not exist in ${timeZone}, or came twice, as clocks were set there.`,
			{ remedy: 'State its distance from UTC as well, such as 2026-10-25T02:30:00+01:00.' },
		);
	}
}

export function isTimeZone(name: string): boolean {
	if (FIXED_OFFSET.test(name)) return fixedOffset(name) !== null;
	try {
		new Intl.DateTimeFormat('en', { timeZone: name });
		return /^[A-Za-z]/.test(name);
	} catch {
		return false;
	}
}

/** Tells times of day: of a time in the rising time line of the video, as ISO 8601 with milliseconds and distance from UTC. */
export function timesOfDay(
	clock: RecordingClock,
	{ startSeconds }: Pick<VideoInfo, 'startSeconds'>,
): (timeSeconds: number) => string {
	const startsAt = Date.parse(clock.startsAt);
	const fixed = fixedOffset(clock.timeZone);
	let quarter = Number.NaN;
	let offset = fixed ?? 0;
	return (timeSeconds) => {
		const milliseconds = startsAt + Math.round(1000 * (timeSeconds - startSeconds));
		if (fixed === null && Math.floor(milliseconds / QUARTER_MILLISECONDS) !== quarter) {
			quarter = Math.floor(milliseconds / QUARTER_MILLISECONDS);
			offset = fromAbsolute(milliseconds, clock.timeZone).offset;
		}
		return new Date(milliseconds + offset).toISOString().replace('Z', offsetText(offset));
	};
}

/** The time in the rising time line of the video at which it was this local date and time; null for what is none. */
export function secondsAt(
	{ startsAt, timeZone }: RecordingClock,
	{ startSeconds }: Pick<VideoInfo, 'startSeconds'>,
	text: string,
): number | null {
	try {
		const milliseconds = Date.parse(statedClock(text, timeZone).startsAt);
		return startSeconds + (milliseconds - Date.parse(startsAt)) / 1000;
	} catch {
		return null;
	}
}

/** Date and time of what `timesOfDay` tells, as people read them: `2026-11-29 09:15:02.480`. */
export function readable(timeOfDay: string): string {
	return timeOfDay.slice(0, 23).replace('T', ' ');
}

/** Milliseconds; null for names, and for distances that no place has. */
function fixedOffset(timeZone: string): number | null {
	if (timeZone === 'UTC') return 0;
	const [, sign, hours, minutes] = FIXED_OFFSET.exec(timeZone) ?? [];
	if (sign === undefined || Number(hours) > 14 || Number(minutes) > 59) return null;
	return (sign === '-' ? -1 : 1) * 60_000 * (60 * Number(hours) + Number(minutes));
}

function offsetText(offset: number): string {
	if (offset === 0) return 'Z';
	const minutes = Math.round(Math.abs(offset) / 60_000);
	const two = (value: number) => String(value).padStart(2, '0');
	return `${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

function noStart(start: string): UserFacingError {
	return new UserFacingError(
		'bad-clock',
		`start of the clock: a date and time such as 2026-11-29 09:00:00 was expected (got "${start}").`,
	);
}
