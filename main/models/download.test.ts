import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { REAL_DISK, type Disk } from './disk.ts';
import { download, type Patience, type Transfer, type TransferOptions } from './download.ts';
import { serveFiles, type Behaviour } from './file-server.fixture.ts';

const CONTENT = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7 + (i >> 8)) % 256));
const CHANGED = Buffer.from(CONTENT.map((byte) => byte ^ 1));
const HASH = sha256(CONTENT);
const IMPATIENT: Patience = { silence: 30_000, pauses: [1, 1] };

let folder: string;
const servers: { close: () => Promise<void> }[] = [];
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'sparsight-download-'))));
afterEach(async () => {
	for (const server of servers.splice(0)) await server.close();
	rmSync(folder, { recursive: true });
});

async function serve(behaviour: Behaviour = {}, content = CONTENT) {
	const server = await serveFiles(new Map([['model', content]]), behaviour);
	servers.push(server);
	return server;
}

function get(address: string, changes: Partial<TransferOptions & Transfer> = {}) {
	const { path = join(folder, 'model'), bytes = null, sha256: hash = null, ...options } = changes;
	return download(
		{ address: `${address}model`, path, bytes, sha256: hash },
		{ signal: new AbortController().signal, redirects: {}, onBytes: () => undefined, patience: IMPATIENT, ...options },
	);
}

const fetched = { bytes: CONTENT.length, sha256: HASH };
const stored = () => readFileSync(join(folder, 'model'));

describe('a download', () => {
	it.each<[string, Behaviour]>([
		['in one go', {}],
		['from a server that says nothing of the file', { anonymous: true }],
		['whose connection breaks and that is gone on with', { breaks: { after: 100_000, times: 2 } }],
		['whose connection breaks, from a server that ignores ranges', { ignoresRanges: true, breaks: { after: 100_000, times: 1 } }],
		['whose connection breaks, where nothing tells whether the file is the same', { anonymous: true, breaks: { after: 9, times: 1 } }],
		['from a server that was busy', { fails: { status: 503, times: 2 } }],
	])('brings the file and its hash: %s', async (_, behaviour) => {
		const server = await serve(behaviour);
		expect(await get(server.address)).toEqual(fetched);
		expect(stored().equals(CONTENT)).toBe(true);
		expect(readdirSync(folder)).toEqual(['model']);
	});

	it('asks for what is missing only', async () => {
		const server = await serve({ breaks: { after: 100_000, times: 1 } });
		await get(server.address);
		expect(server.asked.map(({ range }) => range)).toEqual([undefined, 'bytes=100000-']);
	});

	it('tells how much is there', async () => {
		const server = await serve();
		const heard: [number, number | null][] = [];
		await get(server.address, { onBytes: (have, total) => heard.push([have, total]) });
		expect(heard[0]).toEqual([0, CONTENT.length]);
		expect(heard.at(-1)).toEqual([CONTENT.length, CONTENT.length]);
	});

	it('keeps what came when it is given up, and the next one goes on from there', async () => {
		const server = await serve({ breaks: { after: 100_000, times: 1 } });
		await expect(get(server.address, { patience: { silence: 30_000, pauses: [] } })).rejects.toMatchObject({
			code: 'download-failed',
			message: expect.stringMatching(/^http:.*model: the download broke off \(.+\)\.$/) as string,
		});
		expect(readdirSync(folder).sort()).toEqual(['model.part', 'model.part.json']);
		expect(await get(server.address)).toEqual(fetched);
		expect(server.asked.at(-1)?.range).toBe('bytes=100000-');
	});

	it('begins anew where the file on the server has changed between', async () => {
		const server = await serve({ breaks: { after: 100_000, times: 1 } });
		await get(server.address, { patience: { silence: 30_000, pauses: [] } }).catch(() => undefined);
		server.files.set('model', CHANGED);
		expect(await get(server.address)).toEqual({ bytes: CHANGED.length, sha256: sha256(CHANGED) });
		expect(stored().equals(CHANGED)).toBe(true);
	});

	it('begins anew where what is there came from another address', async () => {
		const server = await serve();
		writeFileSync(join(folder, 'model.part'), 'something else');
		writeFileSync(join(folder, 'model.part.json'), JSON.stringify({ address: 'https://else/', validator: '"a"', total: 9 }));
		expect(await get(server.address)).toEqual(fetched);
	});

	it('that was whole when its process was killed asks for nothing', async () => {
		const server = await serve();
		writeFileSync(join(folder, 'model.part'), CONTENT);
		const note = { address: `${server.address}model`, validator: '"a"', total: CONTENT.length };
		writeFileSync(join(folder, 'model.part.json'), JSON.stringify(note));
		expect(await get(server.address)).toEqual(fetched);
		expect(server.asked).toEqual([]);
	});

	it('is cancelled in the middle, and what came stays', async () => {
		const server = await serve({ stallsAfter: 50_000 });
		const cancel = new AbortController();
		const onBytes = (have: number) => have >= 50_000 && cancel.abort();
		await expect(get(server.address, { signal: cancel.signal, onBytes })).rejects.toMatchObject({ code: 'cancelled' });
		expect(readFileSync(join(folder, 'model.part'))).toHaveLength(50_000);
	});
});

describe('a download is refused', () => {
	it.each<[string, Partial<Transfer>, string]>([
		['of another hash', { sha256: 'a'.repeat(64) }, `the SHA-256 ${'a'.repeat(64)} was expected (got ${HASH}).`],
		['of another size', { bytes: 5 }, '5 bytes was expected (got 300000).'],
	])('%s, and nothing stays', async (_, wanted, message) => {
		const server = await serve();
		await expect(get(server.address, wanted)).rejects.toMatchObject({
			code: 'hash-mismatch',
			message: expect.stringContaining(message) as string,
		});
		expect(readdirSync(folder)).toEqual([]);
	});

	it.each([
		['longer', 5, 'more'],
		['shorter', 400_000, '300000'],
	])('that is %s than the catalogue states, from a server that states no length', async (_, bytes, got) => {
		const server = await serve({ lengthless: true });
		await expect(get(server.address, { bytes })).rejects.toMatchObject({
			code: 'hash-mismatch',
			message: expect.stringContaining(`${bytes} bytes was expected (got ${got}).`) as string,
		});
		expect(readdirSync(folder)).toEqual([]);
	});

	it.each<[string, string, Behaviour]>([
		['says so', 'Sign in', { contentType: 'text/html; charset=utf-8' }],
		['says nothing of it', '\n<!DOCTYPE html><title>Sign in</title>', {}],
		['says another thing', '<html>', { contentType: 'application/octet-stream' }],
	])('where a page comes instead that %s', async (_, page, behaviour) => {
		const server = await serve(behaviour, Buffer.from(page));
		await expect(get(server.address)).rejects.toMatchObject({
			code: 'download-refused',
			message: `${server.address}model: a model's file was expected (a web page came).`,
		});
		expect(readdirSync(folder)).toEqual([]);
	});

	it('where a page comes instead of the rest, which leaves what is there', async () => {
		const server = await serve({ breaks: { after: 100_000, times: 1 } });
		await get(server.address, { patience: { silence: 30_000, pauses: [] } }).catch(() => undefined);
		Object.assign(server.behaviour, { ignoresRanges: true, contentType: 'text/html' });
		await expect(get(server.address)).rejects.toMatchObject({ code: 'download-refused' });
		expect(readFileSync(join(folder, 'model.part'))).toHaveLength(100_000);
	});

	it.each([206, 416])('with %i where the whole file was asked for', async (status) => {
		const server = await serve({ fails: { status, times: 1 } });
		await expect(get(server.address)).rejects.toMatchObject({
			code: 'download-refused',
			message: expect.stringMatching(`the file was expected \\(the server answers with ${status} `) as string,
		});
	});

	it.each([
		['another host', 'https://elsewhere.example/model', 'elsewhere.example'],
		['another port of the same machine', 'http://127.0.0.1:9/model', '127.0.0.1:9'],
		['a file', 'file:///etc/passwd', 'file://'],
		['no address', 'http://', 'no readable address'],
	])('where it is sent on to %s', async (_, location, named) => {
		const server = await serve({ location });
		await expect(get(server.address)).rejects.toMatchObject({
			code: 'download-refused',
			message: expect.stringContaining(`sends the download on to ${named}`) as string,
		});
	});

	it('where it is sent round in circles', async () => {
		const server = await serve({ location: '/model' });
		await expect(get(server.address)).rejects.toThrow(/after at most 8 redirects/);
		expect(server.asked).toHaveLength(9);
	});

	it('where the server has no such file, without trying again', async () => {
		const server = await serve({ fails: { status: 404, times: 9 } });
		await expect(get(server.address)).rejects.toThrow(/the server answers with 404/);
		expect(server.asked).toHaveLength(1);
	});

	it('where the server falls silent', async () => {
		const server = await serve({ stallsAfter: 10, ignoresRanges: true });
		await expect(get(server.address, { patience: { silence: 50, pauses: [1] } })).rejects.toThrow(
			/broke off \(nothing came for 0.05 s\)/,
		);
	});

	it('where nobody listens', async () => {
		const server = await serve();
		await servers.pop()!.close();
		await expect(get(server.address)).rejects.toThrow(/broke off \(ECONNREFUSED/);
	});
});

describe('a disk', () => {
	it('without room is found out before the first byte', async () => {
		const server = await serve();
		const disk: Disk = { ...REAL_DISK, free: () => Promise.resolve(2 ** 26 + 1000) };
		await expect(get(server.address, { disk })).rejects.toMatchObject({
			code: 'disk-full',
			message: expect.stringContaining('1 MB more were expected to fit (1 MB are free)') as string,
		});
	});

	it('that fills up meanwhile keeps what came', async () => {
		const server = await serve();
		let room = 120_000;
		const disk: Disk = {
			...REAL_DISK,
			open: async (path, flags) => {
				const file = await REAL_DISK.open(path, flags);
				return {
					...file,
					write: async (piece) => {
						await file.write(piece.subarray(0, room));
						room -= piece.length;
						if (room < 0) throw Object.assign(new Error('full'), { code: 'ENOSPC' });
					},
				};
			},
		};
		await expect(get(server.address, { disk })).rejects.toMatchObject({ code: 'disk-full' });
		expect(await get(server.address)).toEqual(fetched);
		expect(server.asked.at(-1)?.range).toBe('bytes=120000-');
	});
});

function sha256(content: Uint8Array): string {
	return createHash('sha256').update(content).digest('hex');
}
