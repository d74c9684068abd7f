import { expect, it } from 'vitest';
import { parsePlace } from './place.ts';

it.each([
	['124', { frame: 124 }],
	[' 0 ', { frame: 0 }],
	['124', { frame: 124 }],
	['12.4s', { seconds: 12.4 }],
	['0:12.4', { seconds: 12.4 }],
	['90:00', { seconds: 5400 }],
	['1:02:03.5', { seconds: 3723.5 }],
	['', null],
	['-3', null],
	['12.4', null],
	['noon', null],
])('%j leads to %j', (text, place) => expect(parsePlace(text)).toEqual(place));

it('a date and time leads to where it was recorded', () => {
	const clock = { startsAt: '2026-11-29T00:00:00.000Z', timeZone: 'Asia/Tokyo', source: 'stated' } as const;
	const recording = { clock, info: { startSeconds: 2 } };
	expect(parsePlace('2026-11-29 09:01', recording)).toEqual({ seconds: 62 });
	expect(parsePlace('2026-11-29 25:01', recording)).toBeNull();
	expect(parsePlace('2026-11-29 09:01', { ...recording, clock: null })).toBeNull();
});
