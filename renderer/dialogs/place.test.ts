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
