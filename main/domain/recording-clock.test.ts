import { describe, expect, it } from 'vitest';
import {
	clockOfFile,
	isTimeZone,
	readable,
	secondsAt,
	setClock,
	statable,
	statedClock,
	timesOfDay,
	type RecordingClock,
} from './recording-clock.ts';

const at = (clock: RecordingClock, seconds: number, startSeconds = 0) =>
	timesOfDay(clock, { startSeconds })(seconds);

describe('a stated start', () => {
	it.each<[string, string, string, string]>([
		['local time of a zone', '2026-11-29 09:00:00', 'Asia/Tokyo', '2026-11-29T00:00:00.000Z'],
		['fractions', '2026-11-29T09:00:00.25', 'Asia/Tokyo', '2026-11-29T00:00:00.250Z'],
		['without seconds', '2026-11-29 09:00', '+05:30', '2026-11-29T03:30:00.000Z'],
		['a date alone is its midnight', '2026-11-29', 'UTC', '2026-11-29T00:00:00.000Z'],
		['its own distance decides', '2026-10-25T02:30:00+01:00', 'Europe/Berlin', '2026-10-25T01:30:00.000Z'],
		['UTC', '2026-07-01T12:00:00Z', 'America/New_York', '2026-07-01T12:00:00.000Z'],
	])('%s', (_, start, zone, startsAt) => {
		expect(statedClock(start, zone)).toEqual({ startsAt, timeZone: zone, source: 'stated' });
	});

	it.each<[string, string, string, RegExp]>([
		['no time', 'yesterday', 'UTC', /a date and time such as .* \(got "yesterday"\)/],
		['no such day', '2026-02-30 10:00', 'UTC', /a date and time/],
		['no such day with a distance', '2026-13-01T10:00:00Z', 'UTC', /a date and time/],
		['unknown zone', '2026-02-03 10:00', 'Mars/Olympus', /time zone: .* \(got "Mars\/Olympus"\)/],
		['a distance that no place has', '2026-02-03 10:00', '+25:00', /time zone/],
		[
			'skipped in spring',
			'2026-03-29 02:30',
			'Europe/Berlin',
			/a time that there was in Europe\/Berlin .* \(got 2026-03-29 02:30, which was skipped as clocks were set forward\)/,
		],
	])('is refused: %s', (_, start, zone, message) => {
		expect(() => statedClock(start, zone)).toThrow(message);
	});

	it.each([
		['skipped in spring', '2026-03-29 02:30', 'Europe/Berlin', '2026-03-29 03:00:00'],
		['its last moment', '2026-03-29T02:59:59.999', 'Europe/Berlin', '2026-03-29 03:00:00'],
		['half an hour', '2026-10-04 02:10', 'Australia/Lord_Howe', '2026-10-04 02:30:00'],
		['a whole day', '2011-12-30 12:00', 'Pacific/Apia', '2011-12-31 00:00:00'],
	])('that is skipped is refused with the next one there is: %s', (_, start, zone, next) => {
		expect(setClock(start, zone)).toEqual({ kind: 'skipped', next });
		expect(() => statedClock(start, zone)).toThrow(
			expect.objectContaining({
				code: 'bad-clock',
				remedy: `State ${next}, the next time that there was, or another one.`,
			}),
		);
	});

	it.each([
		['2026-10-25 02:30', 'Europe/Berlin', '2026-10-25T02:30:00+02:00', '2026-10-25T02:30:00+01:00'],
		[
			'2026-11-01 01:00:00.5',
			'America/New_York',
			'2026-11-01T01:00:00.500-04:00',
			'2026-11-01T01:00:00.500-05:00',
		],
		['2026-10-25 01:30', 'Europe/London', '2026-10-25T01:30:00+01:00', '2026-10-25T01:30:00Z'],
	])(
		'that comes twice is the first one, and the other can be stated: %s in %s',
		(start, zone, first, second) => {
			expect(setClock(start, zone)).toEqual({ kind: 'twice', first, second });
			const stated = [start, first, second].map((text) => Date.parse(statedClock(text, zone).startsAt));
			expect(stated).toEqual([first, first, second].map((text) => Date.parse(text)));
		},
	);

	it.each([
		['2026-03-29 03:00', 'Europe/Berlin'],
		['2026-10-25 03:00', 'Europe/Berlin'],
		['2026-10-25T02:30:00+01:00', 'Europe/Berlin'],
		['2026-03-29 02:30', 'UTC'],
		['2026-03-29 02:30', '+01:00'],
		['yesterday', 'Europe/Berlin'],
		['2026-03-29 02:30', 'Mars/Olympus'],
	])('that clocks left alone has nothing to be said of: %s in %s', (start, zone) =>
		expect(setClock(start, zone)).toBeNull(),
	);

	it.each(['Asia/Tokyo', 'UTC', '+09:00', '-03:30'])('%s is a zone', (zone) =>
		expect(isTimeZone(zone)).toBe(true),
	);
	it.each(['', '9', '+9', 'Tokyo?', '+09:75'])('"%s" is none', (zone) =>
		expect(isTimeZone(zone)).toBe(false),
	);
});

describe('the clock of a file', () => {
	it('is unknown where the file says nothing', () => expect(clockOfFile({ recordedAt: null })).toBeNull());

	it.each([
		['2023-05-01T12:34:56.000000Z', 'UTC', '2023-05-01T12:34:56.000Z'],
		['2023-05-01T12:34:56+09:00', '+09:00', '2023-05-01T03:34:56.000Z'],
	])('%s', (recordedAt, timeZone, startsAt) => {
		expect(clockOfFile({ recordedAt })).toEqual({ startsAt, timeZone, source: 'file' });
	});
});

describe('times of day', () => {
	const berlin = statedClock('2026-10-25T01:59:59+02:00', 'Europe/Berlin');
	it.each<[string, RecordingClock, number, number, string]>([
		[
			'the first moment is the start, wherever the file’s clock begins',
			statedClock('2026-01-02 03:04:05', 'UTC'),
			10,
			10,
			'2026-01-02T03:04:05.000Z',
		],
		[
			'milliseconds are rounded',
			statedClock('2026-01-02 03:04:05', '+09:00'),
			0.0016,
			0,
			'2026-01-02T03:04:05.002+09:00',
		],
		[
			'over midnight',
			statedClock('2026-12-31 23:59:59', 'Asia/Kolkata'),
			2,
			0,
			'2027-01-01T00:00:01.000+05:30',
		],
		['before clocks are set', berlin, 3600, 0, '2026-10-25T02:59:59.000+02:00'],
		['the hour that comes twice', berlin, 3602, 0, '2026-10-25T02:00:01.000+01:00'],
		[
			'west of UTC',
			statedClock('2026-01-02 03:04:05', 'America/St_Johns'),
			0,
			0,
			'2026-01-02T03:04:05.000-03:30',
		],
	])('%s', (_, clock, seconds, startSeconds, expected) => {
		expect(at(clock, seconds, startSeconds)).toBe(expected);
	});

	it('lead back to the video', () => {
		const clock = statedClock('2026-01-02 03:04:05', 'Asia/Tokyo');
		expect(secondsAt(clock, { startSeconds: 1.5 }, '2026-01-02 03:05:05.5')).toBe(62);
		expect(secondsAt(clock, { startSeconds: 0 }, '2026-01-32')).toBeNull();
	});

	it('lead to the one that was recorded of two', () => {
		const second = statedClock('2026-10-25T02:20:00+01:00', 'Europe/Berlin');
		expect(secondsAt(second, { startSeconds: 0 }, '2026-10-25 02:30')).toBe(600);
		expect(secondsAt(berlin, { startSeconds: 0 }, '2026-10-25 02:30')).toBe(1801);
	});

	it('can be stated again as they are read', () => {
		for (const timeOfDay of ['2026-10-25T02:30:00.000+01:00', '2026-10-25T12:30:00.000+01:00']) {
			const { startsAt } = statedClock(statable(timeOfDay, 'Europe/Berlin'), 'Europe/Berlin');
			expect(Date.parse(startsAt)).toBe(Date.parse(timeOfDay));
		}
		expect(statable('2026-10-25T12:30:00.000+01:00', 'Europe/Berlin')).toBe('2026-10-25 12:30:00.000');
	});

	it('are read without T and zone', () => {
		expect(readable('2026-01-02T03:04:05.002+09:00')).toBe('2026-01-02 03:04:05.002');
	});
});
