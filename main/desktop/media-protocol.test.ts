import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readlinkSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UserFacingError } from '../domain/errors.ts';
import { answerMediaRequest, mediaUrl } from './media-protocol.ts';
import { PAGE_ORIGIN } from './schemes.ts';

const GIB = 2 ** 30;
const BYTES = new Uint8Array(1_000_000).map((_, i) => (i * 31 + (i >> 8)) & 255);

let folder: string;
const pathOf = (name: string) => join(folder, name);

beforeAll(async () => {
	folder = mkdtempSync(join(tmpdir(), 'sparsight-media-'));
	writeFileSync(pathOf('clip.mp4'), BYTES);
	writeFileSync(pathOf('empty.mkv'), '');
	// Larger than 2^32 bytes, nearly all of them a hole; the index of such files often stands at their end.
	const large = await open(pathOf('large.mov'), 'w');
	await large.truncate(5 * GIB);
	await large.write(Buffer.from('moov'), 0, 4, 5 * GIB - 4);
	await large.write(Buffer.from('half'), 0, 4, 3 * GIB);
	await large.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

const FILES: Readonly<Record<string, string>> = {
	clip: 'clip.mp4',
	empty: 'empty.mkv',
	large: 'large.mov',
	gone: 'gone.mp4',
};

function ask(url: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> {
	return answerMediaRequest({ url, method, headers: new Headers(headers) }, async (videoId, kind) => {
		const name = FILES[videoId];
		if (name === undefined)
			throw new UserFacingError('file-not-found', 'An id that was given out was expected.');
		return kind === 'proxy' ? null : pathOf(name);
	});
}

const bytesOf = async (response: Response) => new Uint8Array(await response.arrayBuffer());
const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Files of the folder that this process has open. */
function openFiles(): string[] {
	return readdirSync('/proc/self/fd').flatMap((fd) => {
		try {
			const path = readlinkSync(`/proc/self/fd/${fd}`);
			return path.startsWith(folder) ? [path] : [];
		} catch {
			return [];
		}
	});
}

describe('media:', () => {
	it('gives a whole file, byte for byte', async () => {
		const response = await ask(mediaUrl('clip', 'source'));
		expect(response.status).toBe(200);
		expect(response.headers.get('content-length')).toBe(String(BYTES.length));
		expect(response.headers.get('content-type')).toBe('video/mp4');
		expect(digest(await bytesOf(response))).toBe(digest(BYTES));
	});

	it.each([
		['the first bytes', 'bytes=0-9', 0, 10],
		['more than one reading of the disk', 'bytes=100-600099', 100, 600_100],
		['from somewhere to the end', 'bytes=999000-', 999_000, 1_000_000],
		['the end', 'bytes=-16', 999_984, 1_000_000],
	])('gives %s', async (_, range, from, to) => {
		const response = await ask(mediaUrl('clip', 'source'), { range });
		expect(response.status).toBe(206);
		expect(response.headers.get('content-range')).toBe(`bytes ${from}-${to - 1}/1000000`);
		expect(response.headers.get('content-length')).toBe(String(to - from));
		expect(digest(await bytesOf(response))).toBe(digest(BYTES.subarray(from, to)));
	});

	it.each([
		['at the end of 5 GiB', 'bytes=-4', 'moov'],
		['beyond 2 GiB', `bytes=${3 * GIB}-${3 * GIB + 3}`, 'half'],
	])('gives bytes %s', async (_, range, text) => {
		const response = await ask(mediaUrl('large', 'source'), { range });
		expect(response.status).toBe(206);
		expect(await response.text()).toBe(text);
	});

	it('tells the size of a large file without reading it', async () => {
		const response = await ask(mediaUrl('large', 'source'), {}, 'HEAD');
		expect(response.status).toBe(200);
		expect(response.headers.get('content-length')).toBe(String(5 * GIB));
		expect(response.body).toBeNull();
	});

	it.each([
		['beyond the end', 'clip', 'bytes=1000000-', 'bytes */1000000'],
		['of an empty file', 'empty', 'bytes=0-', 'bytes */0'],
	])('refuses a range %s', async (_, id, range, contentRange) => {
		const response = await ask(mediaUrl(id, 'source'), { range });
		expect(response.status).toBe(416);
		expect(response.headers.get('content-range')).toBe(contentRange);
	});

	it('goes on with a range only for the file that it began with', async () => {
		const etag = (await ask(mediaUrl('clip', 'source'), {}, 'HEAD')).headers.get('etag')!;
		for (const [ifRange, status] of [
			[etag, 206],
			['"other"', 200],
		] as const) {
			const response = await ask(mediaUrl('clip', 'source'), { range: 'bytes=0-9', 'if-range': ifRange });
			expect(response.status).toBe(status);
			await response.body?.cancel();
		}
	});

	it.each([
		['an id that nobody gave out', mediaUrl('stranger', 'source')],
		['a copy that is not made', mediaUrl('clip', 'proxy')],
		['a file that is gone', mediaUrl('gone', 'source')],
		['a path', `media://video/${encodeURIComponent('/etc/passwd')}/source`],
		['a way up', 'media://video/clip/../../../etc/passwd'],
		['another kind', 'media://video/clip/thumbnail'],
		['another host', 'media://elsewhere/clip/source'],
		['a query', `${mediaUrl('clip', 'source')}?path=/etc/passwd`],
	])('has nothing at %s', async (_, url) => {
		expect((await ask(url)).status).toBe(404);
	});

	it.each(['POST', 'PUT', 'DELETE'])('is read only: %s', async (method) => {
		expect((await ask(mediaUrl('clip', 'source'), {}, method)).status).toBe(405);
	});

	it('lets the page, and no other origin, read ranges across schemes', async () => {
		const asked = await ask(
			mediaUrl('clip', 'source'),
			{ 'access-control-request-headers': 'range' },
			'OPTIONS',
		);
		expect(asked.status).toBe(204);
		expect(asked.headers.get('access-control-allow-headers')).toMatch(/\bRange\b/);
		const answered = await ask(mediaUrl('clip', 'source'), { range: 'bytes=0-0' });
		expect(answered.headers.get('access-control-allow-origin')).toBe(PAGE_ORIGIN);
		expect(answered.headers.get('access-control-expose-headers')).toMatch(/Content-Range/);
		await answered.body?.cancel();
	});
});

describe.skipIf(process.platform !== 'linux')('a file', () => {
	it.each([
		['that was read to its end', async (response: Response) => void (await bytesOf(response))],
		['that a seek gave up before it began', (response: Response) => response.body!.cancel()],
		[
			'that a seek gave up in the middle',
			async (response: Response) => {
				const reader = response.body!.getReader();
				await reader.read();
				await reader.cancel();
			},
		],
	])('%s is closed', async (_, use) => {
		const response = await ask(mediaUrl('clip', 'source'));
		expect(openFiles()).toHaveLength(1);
		await use(response);
		expect(openFiles()).toEqual([]);
	});

	it('is read as fast as its reader takes it, not faster', async () => {
		const reader = (await ask(mediaUrl('large', 'source'))).body!.getReader();
		const { value } = await reader.read();
		expect(value!.length).toBeLessThanOrEqual(2 ** 20);
		await reader.cancel();
	});

	it('that becomes shorter on the way ends with an error, not as if it were whole', async () => {
		writeFileSync(pathOf('shrinking.mp4'), BYTES);
		const { body } = await answerMediaRequest(
			{ url: mediaUrl('shrinking', 'source'), method: 'GET', headers: new Headers() },
			() => Promise.resolve(pathOf('shrinking.mp4')),
		);
		const reader = body!.getReader();
		await reader.read();
		truncateSync(pathOf('shrinking.mp4'), 10);
		await expect(reader.read()).rejects.toThrow('shorter');
		expect(openFiles()).toEqual([]);
	});
});
