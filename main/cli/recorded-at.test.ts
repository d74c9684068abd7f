import { describe, expect, it } from 'vitest';
import type { StoredRun } from '../results/stored-run.ts';
import { clockOfOptions } from './recorded-at.ts';

const silent = { path: 'street.mp4', recordedAt: null };
const dated = { path: 'street.mp4', recordedAt: '2026-11-29T09:00:00+09:00' };

function clockOf(
	options: { recordedAt?: string; timeZone?: string },
	video = silent as typeof dated | typeof silent,
) {
	const remarks: string[] = [];
	const run = { header: { video } } as unknown as Pick<StoredRun, 'header'>;
	return { clock: clockOfOptions(options, run, (remark) => remarks.push(remark)), remarks };
}

describe('--time-zone', () => {
	it.each([
		[{}, silent],
		[{}, dated],
		[{ recordedAt: 'none' }, silent],
		[{ recordedAt: '2026-11-29 09:00' }, silent],
		[{ recordedAt: '2026-11-29T09:00:00Z' }, dated],
	])('is refused where it is none, beside %j and %j', (options, video) => {
		expect(() => clockOf({ ...options, timeZone: 'Mars/Base' }, video)).toThrow(
			'time zone: a name such as Asia/Tokyo, or a distance from UTC such as +09:00, was expected (got "Mars/Base").',
		);
	});

	it('is told to have no effect where no time is wanted', () => {
		expect(clockOf({ recordedAt: 'none', timeZone: 'Asia/Tokyo' })).toEqual({
			clock: null,
			remarks: ['--time-zone has no effect with --recorded-at none.'],
		});
	});

	it('asks for a time where nobody knows one', () => {
		expect(() => clockOf({ timeZone: 'Asia/Tokyo' })).toThrow(/a video that tells when it was recorded/);
		expect(clockOf({ timeZone: 'Asia/Tokyo' }, dated).clock).toMatchObject({ timeZone: 'Asia/Tokyo' });
	});
});

describe('--recorded-at', () => {
	it('says of a time that came twice which one is taken, and how to state the other', () => {
		const timeZone = 'Europe/Berlin';
		const { clock, remarks } = clockOf({ recordedAt: '2026-10-25 02:30', timeZone });
		expect(clock).toMatchObject({ startsAt: '2026-10-25T00:30:00.000Z' });
		expect(remarks).toEqual([
			'--recorded-at: 2026-10-25 02:30 came twice in Europe/Berlin, as clocks were set back: the first is taken, 2026-10-25T02:30:00+02:00. For the second, write 2026-10-25T02:30:00+01:00.',
		]);
		const [second] = /\S+\+01:00/.exec(remarks[0]!)!;
		const other = clockOf({ recordedAt: second, timeZone });
		expect(other).toMatchObject({ clock: { startsAt: '2026-10-25T01:30:00.000Z' }, remarks: [] });
	});
});
