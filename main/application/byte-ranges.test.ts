import { describe, expect, it } from 'vitest';
import { answerRange, fileTag } from './byte-ranges.ts';

const TAG = '"tag"';
const GIB = 2 ** 30;

function ask(size: number, range: string | null, more: Partial<Parameters<typeof answerRange>[2]> = {}) {
	return answerRange(size, TAG, { method: 'GET', range, ifRange: null, ifNoneMatch: null, ...more });
}

describe('answerRange', () => {
	it.each([
		['the first bytes', 1000, 'bytes=0-99', 0, 99],
		['one byte', 1000, 'bytes=0-0', 0, 0],
		['from the middle to the end', 1000, 'bytes=400-', 400, 999],
		['the last byte', 1000, 'bytes=999-', 999, 999],
		['a suffix', 1000, 'bytes=-100', 900, 999],
		['a suffix longer than the file', 1000, 'bytes=-5000', 0, 999],
		['an end beyond the file', 1000, 'bytes=900-5000', 900, 999],
		['beyond 2 GiB', 5 * GIB, `bytes=${3 * GIB}-${3 * GIB + 9}`, 3 * GIB, 3 * GIB + 9],
		['the index at the end of a large file', 5 * GIB, 'bytes=-1000', 5 * GIB - 1000, 5 * GIB - 1],
		['blanks and capitals', 1000, ' Bytes = 1 - 2 ', 1, 2],
	])('gives %s', (_, size, range, first, last) => {
		const answer = ask(size, range);
		expect(answer.status).toBe(206);
		expect(answer.body).toEqual({ first, last });
		expect(answer.headers).toEqual({
			ETag: TAG,
			'Accept-Ranges': 'bytes',
			'Content-Range': `bytes ${first}-${last}/${size}`,
			'Content-Length': String(last - first + 1),
		});
	});

	it.each([
		['a start at the end', 1000, 'bytes=1000-'],
		['a start beyond it', 1000, 'bytes=5000-6000'],
		['an empty suffix', 1000, 'bytes=-0'],
		['anything of an empty file', 0, 'bytes=0-'],
		['a suffix of an empty file', 0, 'bytes=-1'],
	])('refuses %s with the size', (_, size, range) => {
		const answer = ask(size, range);
		expect(answer).toMatchObject({ status: 416, body: null });
		expect(answer.headers['Content-Range']).toBe(`bytes */${size}`);
	});

	it.each([
		['no range', null],
		['a range the wrong way round', 'bytes=9-3'],
		['several ranges', 'bytes=0-1,5-6'],
		['another unit', 'frames=0-1'],
		['words', 'bytes=first-last'],
		['no numbers', 'bytes=-'],
		['a negative start', 'bytes=--5'],
	])('gives the whole file for %s', (_, range) => {
		const answer = ask(1000, range);
		expect(answer).toMatchObject({ status: 200, body: { first: 0, last: 999 } });
		expect(answer.headers['Content-Length']).toBe('1000');
	});

	it.each([
		['the same file', TAG, 206],
		['another state of it', '"other"', 200],
		['a weak tag', 'W/"tag"', 200],
		['a date', 'Wed, 21 Oct 2015 07:28:00 GMT', 200],
	])('goes on with a range only for the file it began with: %s', (_, ifRange, status) => {
		expect(ask(1000, 'bytes=0-9', { ifRange }).status).toBe(status);
	});

	it.each([
		['its tag', TAG, 304],
		['a list with its tag', '"a", W/"tag"', 304],
		['anything', '*', 304],
		['other tags', '"a", "b"', 200],
	])('sends nothing to who has the file already: %s', (_, ifNoneMatch, status) => {
		const answer = ask(1000, null, { ifNoneMatch });
		expect(answer.status).toBe(status);
		expect(answer.body === null).toBe(status === 304);
	});

	it('tells all but the bytes to HEAD, and ignores its range', () => {
		const answer = ask(1000, 'bytes=0-9', { method: 'HEAD' });
		expect(answer).toMatchObject({ status: 200, body: null });
		expect(answer.headers['Content-Length']).toBe('1000');
	});
});

it.each([
	['size', { size: 11, mtimeMs: 5.5, ino: 7 }],
	['time', { size: 10, mtimeMs: 5.501, ino: 7 }],
	['file', { size: 10, mtimeMs: 5.5, ino: 8 }],
])('fileTag changes with the %s', (_, other) => {
	expect(fileTag(other)).not.toBe(fileTag({ size: 10, mtimeMs: 5.5, ino: 7 }));
});
