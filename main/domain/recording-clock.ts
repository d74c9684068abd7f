import {
	fromAbsolute,
	parseDateTime,
	toCalendarDateTime,
	toZoned,
	type CalendarDateTime,
} from '@internationalized/date';
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
 * distance from UTC (`…+09:00`, `…Z`), which then only decides which moment it is. Of a time that came twice as clocks were set, it
 * is the first. Throws `bad-clock` for what is no time, for unknown zones, and for times that were skipped.
 */
export function statedClock(start: string, timeZone: string): RecordingClock {
	requireTimeZone(timeZone);
	const text = withT(start);
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
	const local = localTime(text);
	if (local === null) throw noStart(start);
	const fixed = fixedOffset(timeZone);
	if (fixed !== null) return clock(local.toDate('UTC').getTime() - fixed);
	const set = setAround(local, timeZone);
	if (set?.kind !== 'skipped') return clock(toZoned(local, timeZone, 'earlier').toDate().getTime());
	throw new UserFacingError(
		'bad-clock',
		`start of the clock: a time that there was in ${timeZone} was expected (got ${start}, which was skipped as clocks were set forward).`,
		{ remedy: `State ${set.next}, the next time that there was, or another one.` },
	);
}

/** What clocks that are set did to a local time: no clock showed it, or it was there twice. */
export type SetClock =
	/** `next`: the first local time after it, `2026-03-29 03:00:00`. */
	| { kind: 'skipped'; next: string }
	/** Both moments, with their distances from UTC: `2026-10-25T02:30:00+02:00`. */
	| { kind: 'twice'; first: string; second: string };

/** Of a start as `statedClock` reads it; null for all times that came once, and for what is no time or no zone. */
export function setClock(start: string, timeZone: string): SetClock | null {
	const local = localTime(withT(start));
	if (local === null || !isTimeZone(timeZone) || fixedOffset(timeZone) !== null) return null;
	return setAround(local, timeZone);
}

/** Throws `bad-clock` for what is no time zone. */
export function requireTimeZone(timeZone: string): void {
	if (isTimeZone(timeZone)) return;
	throw new UserFacingError(
		'bad-clock',
		`time zone: a name such as Asia/Tokyo, or a distance from UTC such as +09:00, was expected (got "${timeZone}").`,
	);
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
	let first: string;
	try {
		first = statedClock(text, timeZone).startsAt;
	} catch {
		return null;
	}
	const set = setClock(text, timeZone);
	const moments = set?.kind === 'twice' ? [set.first, set.second] : [first];
	// Of two, the one that was recorded.
	const seconds = moments.map((moment) => (Date.parse(moment) - Date.parse(startsAt)) / 1000);
	return startSeconds + (seconds.find((after) => after >= 0) ?? seconds[0]!);
}

/** Date and time of what `timesOfDay` tells, as people read them: `2026-11-29 09:15:02.480`. */
export function readable(timeOfDay: string): string {
	return timeOfDay.slice(0, 23).replace('T', ' ');
}

/** As `readable`, for `statedClock` to read again: with its distance from UTC where that time came twice. */
export function statable(timeOfDay: string, timeZone: string): string {
	return setClock(readable(timeOfDay), timeZone) === null ? readable(timeOfDay) : timeOfDay;
}

/** Null for what is no date and time of a calendar. */
function localTime(text: string): CalendarDateTime | null {
	try {
		return parseDateTime(text);
	} catch {
		return null;
	}
}

function withT(start: string): string {
	return start.trim().replace(' ', 'T');
}

function setAround(local: CalendarDateTime, timeZone: string): SetClock | null {
	const [earlier, later] = (['earlier', 'later'] as const).map((which) => toZoned(local, timeZone, which));
	const [first, second] = [earlier!.toDate().getTime(), later!.toDate().getTime()];
	if (first === second) return null;
	const whole = (milliseconds: number) => {
		const { offset } = fromAbsolute(milliseconds, timeZone);
		return new Date(milliseconds + offset).toISOString().replace(/(?:\.000)?Z$/, offsetText(offset));
	};
	if (toCalendarDateTime(earlier!).compare(local) === 0) {
		return { kind: 'twice', first: whole(first), second: whole(second) };
	}
	// The earlier one is told before clocks were set, the later one after.
	let [before, after] = [first, second];
	while (after - before > 1) {
		const middle = Math.floor((before + after) / 2);
		if (fromAbsolute(middle, timeZone).offset === earlier!.offset) before = middle;
		else after = middle;
	}
	return { kind: 'skipped', next: whole(after).slice(0, 19).replace('T', ' ') };
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
