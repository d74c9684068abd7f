import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { encode } from '@msgpack/msgpack';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import WebSocket from 'ws';
import { decodeMessage, encodeMessage, type HostMessage } from '../../preload/codec.ts';
import type { Answers, RequestName } from '../../preload/contract.ts';
import { makeFolders } from '../application/application.fixture.ts';
import { Application } from '../application/application.ts';
import { listStaticFiles } from '../application/static-files.ts';
import { startServer, type WebServer } from './server.ts';
import { WebShell } from './web-shell.ts';

// What hostile pages, programs and files could try against a host that runs. docs/security.md lists these tables.

const SECRET = 'what nobody may read';
const VIDEO = Buffer.from(Array.from({ length: 1000 }, (_, i) => i % 251));

// What is answered at all is answered at once, and nothing here computes.
vi.setConfig({ testTimeout: 20_000 });

/** A host with a folder of videos, as for one session. */
type Session = {
	server: WebServer;
	application: Application;
	token: string;
	root: string;
	remove: () => void;
};

let mine: Session;
let other: Session;
/** Of the video in each session's folder. */
let videoId: string;
let othersVideoId: string;

beforeAll(async () => {
	[mine, other] = await Promise.all([openSession(), openSession()]);
	[videoId, othersVideoId] = await Promise.all([firstVideoOf(mine), firstVideoOf(other)]);
});
afterAll(async () => {
	for (const { server, application, remove } of [mine, other]) {
		await application.close();
		await server.close();
		remove();
	}
});

async function openSession(): Promise<Session> {
	const { remove, ...folders } = makeFolders();
	const root = join(folders.base, 'root');
	const renderer = join(folders.base, 'renderer');
	for (const folder of [root, renderer]) mkdirSync(folder);
	writeFileSync(join(renderer, 'index.html'), 'the page');
	writeFileSync(join(folders.base, 'secret.mp4'), SECRET);
	writeFileSync(join(root, 'a.mp4'), VIDEO);
	symlinkSync(join(folders.base, 'secret.mp4'), join(root, 'link.mp4'));
	symlinkSync(folders.base, join(root, 'link'));
	const noWorkers = { analysis: '', export: '', probe: '', provider: '' };
	const shell = new WebShell({
		roots: [root],
		namedFiles: [],
		exportsFolder: folders.exports,
		workerEntries: noWorkers,
	});
	const application = await Application.open({ shell, folders });
	const server = await startServer(application, await listStaticFiles(renderer), { port: 0 });
	const token = new URL(server.address).searchParams.get('token')!;
	return { server, application, token, root, remove };
}

async function firstVideoOf({ application }: Session): Promise<string> {
	const top = await ask(application, 'video.browse', { folderId: null });
	const listing = await ask(application, 'video.browse', { folderId: top.folders[0]!.folderId });
	expect(listing.videos.map(({ name }) => name)).toEqual(['a.mp4']); // the links out of the folder are not there
	expect(listing.folders).toEqual([]);
	return listing.videos[0]!.videoId;
}

async function ask<Name extends RequestName>(
	application: Application,
	name: Name,
	input: unknown,
): Promise<Answers[Name]> {
	const reply = await application.request(name, input);
	if ('error' in reply) throw new Error(reply.error.message);
	return reply.answer as Answers[Name];
}

/** Sends bytes as they are, and reads until the host hangs up. */
function send(bytes: string | Buffer): Promise<string> {
	return new Promise((resolve) => {
		let heard = '';
		const socket = connect(mine.server.port, '127.0.0.1', () => socket.write(bytes));
		socket.setEncoding('latin1').on('data', (text: string) => (heard += text));
		socket.on('error', () => undefined); // it may be cut off while it sends
		socket.on('close', () => resolve(heard));
	});
}

/** Lines of a request, with the token as a program would send it and nothing else that is not given. */
function requestOf(path: string, headers: Record<string, string> = {}, method = 'GET'): string {
	const all = {
		Host: `127.0.0.1:${mine.server.port}`,
		Authorization: `Bearer ${mine.token}`,
		Connection: 'close',
		...headers,
	};
	const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
	return [`${method} ${path} HTTP/1.1`, ...lines, '', ''].join('\r\n');
}

function statusOf(answer: string): number {
	return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);
}

const get = async (...words: Parameters<typeof requestOf>) => statusOf(await send(requestOf(...words)));

/** The host still answers whoever has the token. */
const isWell = async () => expect(await get('/')).toBe(200);

describe('a name that points here, or hides where it points', () => {
	it.each([
		['127.0.0.1', 200],
		['LOCALHOST', 200],
		['[::1]', 200],
		['rebound.example', 403],
		['localhost.rebound.example', 403],
		['127.0.0.1.nip.example', 403],
		['localhost.', 403],
		['0.0.0.0', 403],
		['[::ffff:127.0.0.1]', 403],
		['[::]', 403],
		['127.0.0.1@evil.example', 403],
		['evil.example#127.0.0.1', 403],
		['127.0.0.1, evil.example', 403],
		['', 403],
	])('Host: %s → %i', async (host, status) => {
		const forwarded = { 'X-Forwarded-Host': '127.0.0.1', Forwarded: 'host=127.0.0.1' };
		expect(await get('/', { Host: host, ...forwarded })).toBe(status);
	});

	it('an address in the request line does not stand for the header', async () => {
		const { port } = mine.server;
		expect(await get(`http://127.0.0.1:${port}/`)).toBe(404);
		expect(statusOf(await send(`GET / HTTP/1.0\r\nAuthorization: Bearer ${mine.token}\r\n\r\n`))).toBe(403);
	});
});

describe('a page in another tab', () => {
	const site = (from: string, mode: string, dest: string): Record<string, string> => ({
		'Sec-Fetch-Site': from,
		'Sec-Fetch-Mode': mode,
		'Sec-Fetch-Dest': dest,
	});
	it.each([
		['our page asks for its script', site('same-origin', 'no-cors', 'script'), 200],
		['a person types the address', site('none', 'navigate', 'document'), 200],
		['a link leads here', site('cross-site', 'navigate', 'document'), 200],
		['a foreign page frames ours', site('cross-site', 'navigate', 'iframe'), 403],
		['a foreign page shows our pictures', site('cross-site', 'no-cors', 'image'), 403],
		['a page of another port of this machine runs our script', site('same-site', 'no-cors', 'script'), 403],
		['a page of another port plays our video', site('same-site', 'no-cors', 'video'), 403],
		[
			'a foreign page fetches',
			{ Origin: 'http://evil.example', ...site('cross-site', 'cors', 'empty') },
			403,
		],
		['a page of another port fetches', { Origin: 'http://127.0.0.1:1' }, 403],
		['a sandboxed page fetches', { Origin: 'null' }, 403],
		['the same name over https', { Origin: 'https://127.0.0.1' }, 403],
	])('%s', async (_, headers, status) => {
		expect(await get('/', headers)).toBe(status);
	});

	it.each(['GET', 'OPTIONS', 'POST'])('no answer to %s allows another origin anything', async (method) => {
		const answer = await send(requestOf('/', { Origin: 'http://evil.example' }, method));
		expect(answer).not.toMatch(/access-control/i);
	});
});

describe('the token', () => {
	it.each<[string, Record<string, string>, number]>([
		['none', { Authorization: '' }, 401],
		['of another session', { Authorization: 'Bearer other' }, 401],
		['twice', { Authorization: 'Bearer mine mine' }, 401],
		['as a name and password', { Authorization: 'Basic mine' }, 401],
		['in a cookie of another host', { Authorization: '', Cookie: 'sparsight-1=mine' }, 401],
		['behind a cookie that another port has set', { Authorization: '', Cookie: 'own=wrong; own=mine' }, 200],
	])('%s', async (_, words, status) => {
		const headers = Object.fromEntries(
			Object.entries(words).map(([name, text]) => [
				name,
				text
					.replaceAll('mine', mine.token)
					.replaceAll('other', other.token)
					.replaceAll('own', `sparsight-${mine.server.port}`),
			]),
		);
		expect(await get('/', headers)).toBe(status);
	});

	it('leaves the address at once, and is kept nowhere on the way', async () => {
		const answer = await send(requestOf(`/?token=${mine.token}`, { Authorization: '' }));
		expect(statusOf(answer)).toBe(303);
		expect(answer).toMatch(/^Location: \/\r$/im);
		expect(answer).toMatch(/^Cache-Control: no-store\r$/im);
		expect(answer).toMatch(/^Referrer-Policy: no-referrer\r$/im);
		expect(answer.match(new RegExp(mine.token, 'g'))).toHaveLength(1); // the cookie
	});

	it('is in no answer, whatever it was sent with', async () => {
		for (const path of ['/', '/nothing', `/nothing?token=${mine.token}`, `/media/${mine.token}`]) {
			expect(await send(requestOf(path, { Referer: mine.server.address }))).not.toContain(mine.token);
		}
	});
});

describe('every answer says what may be done with it', () => {
	it.each([
		['/', 200],
		['/nothing', 404],
	])('%s', async (path, status) => {
		const answer = await send(requestOf(path));
		expect(statusOf(answer)).toBe(status);
		for (const header of [
			/^Content-Security-Policy: default-src 'none'; .*frame-ancestors 'none'/im,
			/^X-Content-Type-Options: nosniff/im,
			/^Cross-Origin-Opener-Policy: same-origin/im,
			/^Cross-Origin-Resource-Policy: same-origin/im,
			/^Referrer-Policy: no-referrer/im,
		]) {
			expect(answer).toMatch(header);
		}
	});
});

describe('a path that leads out', () => {
	it.each(['secret.mp4', 'root/../secret.mp4', 'link.mp4', 'link/secret.mp4', 'etc/passwd'])(
		'%s, written in every way',
		async (target) => {
			const ups = [
				'../',
				'..%2f',
				'%2e%2e/',
				'%2e%2e%2f',
				'%252e%252e%252f',
				'..%5c',
				'..\\',
				'%c0%ae%c0%ae/',
			];
			const before = [
				'/',
				'/media/',
				`/media/${videoId}/`,
				'/download/',
				'/assets/',
				'//',
				'/./',
				'/file:///',
			];
			const once = encodeURIComponent(target);
			const names = [target, once, encodeURIComponent(once), `${target}%00.html`];
			const paths = before.flatMap((start) =>
				['', ...ups.map((up) => up.repeat(6))].flatMap((up) => names.map((name) => `${start}${up}${name}`)),
			);
			const answers = await inLanes(paths, (path) => send(requestOf(path)));
			expect(new Set(answers.map(statusOf))).toEqual(new Set([404]));
			for (const answer of answers) expect(answer).not.toContain(SECRET);
		},
	);
});

describe('ids of another session', () => {
	it('name nothing here', async () => {
		expect(await get(`/media/${videoId}`)).toBe(200);
		expect(await get(`/media/${othersVideoId}`)).toBe(404);
		const page = await Page.open();
		for (const [name, input] of [
			['video.open', { videoId: othersVideoId }],
			['video.browse', { folderId: othersVideoId }],
			['run.open', { runId: othersVideoId }],
			['models.add', { fileId: othersVideoId }],
			['export.reveal', { exportId: othersVideoId }],
		] as const) {
			expect(await page.ask(name, input), name).toHaveProperty('error');
		}
		page.socket.close();
	});
});

describe('ranges of a file of 1000 bytes', () => {
	it.each([
		['bytes=0-', 206, 1000],
		['bytes=999-', 206, 1],
		['bytes=0-99999999999999999999999', 206, 1000],
		['bytes=-99999999999999999999999', 206, 1000],
		['bytes=1000-', 416, 0],
		['bytes=18446744073709551616-', 416, 0],
		['bytes=-0', 416, 0],
		['bytes=5-2', 200, 1000],
		['bytes=--5', 200, 1000],
		['bytes=-5-', 200, 1000],
		['bytes=0x10-', 200, 1000],
		['bytes=1e2-', 200, 1000],
		['bytes=NaN-', 200, 1000],
		['bytes=0-0,1-1', 200, 1000],
		[`bytes=${'0-0,'.repeat(1000)}1-1`, 200, 1000],
		['lines=1-2', 200, 1000],
		['bytes', 200, 1000],
	])('%s', async (range, status, length) => {
		const answer = await send(requestOf(`/media/${videoId}`, { Range: range }));
		expect(statusOf(answer)).toBe(status);
		const body = Buffer.from(answer.slice(answer.indexOf('\r\n\r\n') + 4), 'latin1');
		expect(body).toHaveLength(length);
		expect(VIDEO.includes(body)).toBe(true);
	});
});

describe('a request that is none', () => {
	it.each([
		['noise', () => Buffer.from(VIDEO), 400],
		['a line that never ends', () => requestOf(`/${'a'.repeat(1 << 20)}`), 431],
		['headers without end', () => requestOf('/', { 'X-Long': 'a'.repeat(1 << 20) }), 431],
		['ten thousand headers', () => requestOf('/', manyHeaders(10_000)), 431],
		['two lengths', () => requestOf('/', { 'Content-Length': '1', 'Transfer-Encoding': 'chunked' }), 400],
		['a line break in a header', () => requestOf('/', { 'X-Break': 'a\nHost: evil.example' }), 400],
		['a body that is not wanted', () => `${requestOf('/', { 'Content-Length': '4' }, 'POST')}body`, 405],
		['a body of which the most never comes', () => requestOf('/', { 'Content-Length': '999' }, 'POST'), 405],
		['a method of proxies', () => requestOf('evil.example:80', {}, 'CONNECT'), Number.NaN],
		['a method that mirrors', () => requestOf('/', {}, 'TRACE'), 405],
	])('%s', async (_, bytes, status) => {
		const answer = await send(bytes());
		expect(statusOf(answer)).toBe(status);
		expect(answer).not.toContain(mine.token);
		await isWell();
	});
});

describe('many at once', () => {
	it('200 connections are answered, all of them', async () => {
		const answers = await Promise.all(
			Array.from({ length: 200 }, () => send(requestOf(`/media/${videoId}`))),
		);
		expect(new Set(answers.map(statusOf))).toEqual(new Set([200]));
	});

	it('200 that never finish asking keep nobody else waiting', async () => {
		const slow = await Promise.all(
			Array.from(
				{ length: 200 },
				() =>
					new Promise<Socket>((resolve) => {
						const socket = connect(mine.server.port, '127.0.0.1', () => {
							socket.write('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: a', () => resolve(socket));
						}).on('error', () => undefined);
					}),
			),
		);
		await isWell();
		for (const socket of slow) socket.destroy();
	});

	it.each(['/', '/socket', '/nothing', `/media/nobody`])(
		'50 that hang up the hard way, before %s is answered or after it began, end nothing',
		async (path) => {
			const upgrade = { Connection: 'Upgrade', Upgrade: 'websocket', Authorization: '' };
			for (let i = 0; i < 50; i++) {
				const headers = path === '/' ? {} : upgrade;
				await new Promise<void>((resolve) => {
					const socket = connect(mine.server.port, '127.0.0.1', () => {
						socket.write(requestOf(path, headers), () => i % 2 === 0 && socket.resetAndDestroy());
					});
					socket.on('data', () => socket.resetAndDestroy());
					socket.on('error', () => undefined).on('close', () => resolve());
				});
			}
			await isWell();
		},
	);
});

describe('the socket', () => {
	const upgrade = () => ({
		Connection: 'Upgrade',
		Upgrade: 'websocket',
		'Sec-WebSocket-Version': '13',
		'Sec-WebSocket-Key': Buffer.alloc(16).toString('base64'),
	});
	it.each([
		['without the token', '/socket', { Authorization: '' }, 401],
		['with a wrong one', '/socket', { Authorization: 'Bearer wrong' }, 401],
		['from a foreign page', '/socket', { Origin: 'http://evil.example' }, 403],
		['under a foreign name', '/socket', { Host: 'evil.example' }, 403],
		['from a page of another port', '/socket', { 'Sec-Fetch-Site': 'same-site' }, 403],
		['elsewhere', '/', {}, 404],
		['of another protocol', '/', { Upgrade: 'h2c' }, 404],
	])('is refused %s, and the connection ended', async (_, path, headers, status) => {
		expect(await get(path, { ...upgrade(), ...headers })).toBe(status);
	});

	it('packs nothing, so that a small frame is never a large one', async () => {
		const page = await Page.open({ perMessageDeflate: true });
		expect(page.socket.extensions).toBe('');
		page.socket.close();
	});

	const bytes = (...list: number[]) => Buffer.from(list);
	const request = (name: string, input: unknown, id: unknown = 1) => encode({ id, name, input });
	it.each<[string, () => string | Uint8Array, number]>([
		['a text', () => '{"id":1,"name":"app.describe","input":{}}', 1003],
		['nothing', () => bytes(), 1003],
		['noise', () => bytes(0xc1), 1003],
		['half a request', () => request('app.describe', {}).subarray(0, -1), 1003],
		['a request and more', () => Buffer.concat([request('app.describe', {}), bytes(0)]), 1003],
		['a list of four thousand million', () => bytes(0xdd, 0xff, 0xff, 0xff, 0xff), 1003],
		['a table of four thousand million', () => bytes(0xdf, 0xff, 0xff, 0xff, 0xff), 1003],
		['a text of four thousand million', () => bytes(0xdb, 0xff, 0xff, 0xff, 0xff), 1003],
		['an array whose bytes make no whole numbers', () => bytes(0xc7, 3, 7, 1, 2, 3), 1003],
		['half a million lists in each other', () => Buffer.alloc(500_000, 0x91), 1003],
		['`__proto__`', () => encodePrototype(), 1003],
		['an id that is a text', () => request('app.describe', {}, 'one'), 1003],
		['an id that is no whole number', () => request('app.describe', {}, 0.5), 1003],
		['more than a request can be', () => Buffer.alloc(2 << 20), 1009],
	])('hangs up on %s', async (_, data, code) => {
		const page = await Page.open();
		page.socket.send(data());
		expect(await page.closed).toBe(code);
		await isWell();
	});

	it('hangs up on one frame in a thousand parts that are too much together', async () => {
		const page = await Page.open();
		for (let i = 0; i < 1000; i++) page.socket.send(Buffer.alloc(2048), { fin: false });
		expect(await page.closed).toBe(1009);
		await isWell();
	});

	it.each<[string, string, unknown]>([
		['a request that is unknown', 'app.quit', {}],
		['a name of every object', '__proto__', {}],
		['another one', 'constructor', {}],
		['a very long name', 'a'.repeat(500_000), {}],
		['a path for an id', 'video.open', { videoId: '/etc/passwd' }],
		['no input', 'video.open', null],
		['a list for an input', 'video.open', ['a']],
		['a number for an id', 'video.open', { videoId: 1 }],
		['a name of every object as an id', 'video.open', { videoId: 'constructor' }],
		['settings of every object', 'preferences.change', { constructor: { prototype: { polluted: true } } }],
		['lists in each other', 'analysis.start', nested(50)],
		['a folder that nobody named', 'preferences.change', { runsFolder: '/etc' }],
		['a file of the desktop’s dialog', 'video.choose', {}],
		['a drop that never was', 'video.adopt', { dropToken: 'x' }],
	])('answers %s with an error, and goes on', async (_, name, input) => {
		const page = await Page.open();
		const reply = await page.ask(name, input);
		if (name === 'preferences.change' && !('error' in reply)) {
			expect(reply).not.toHaveProperty('answer.polluted'); // what is unknown is dropped
		} else {
			expect(reply).toHaveProperty('error.code', expect.not.stringMatching('internal'));
			expect(JSON.stringify(reply).length).toBeLessThan(2000);
		}
		expect({}).not.toHaveProperty('polluted');
		expect(await page.ask('video.browse', { folderId: null })).toHaveProperty('answer');
		page.socket.close();
	});
});

function manyHeaders(count: number): Record<string, string> {
	return Object.fromEntries(Array.from({ length: count }, (_, i) => [`X-${i}`, 'a']));
}

/** Runs work on all, twenty at a time. */
async function inLanes<T, R>(all: readonly T[], work: (one: T) => Promise<R>): Promise<R[]> {
	const done: R[] = [];
	for (let i = 0; i < all.length; i += 20) {
		done.push(...(await Promise.all(all.slice(i, i + 20).map(work))));
	}
	return done;
}

/** A request whose input has a key `__proto__` of its own. */
function encodePrototype(): Uint8Array {
	const input = Object.defineProperty({}, '__proto__', { value: { polluted: true }, enumerable: true });
	return encode({ id: 1, name: 'preferences.change', input });
}

function nested(depth: number): unknown {
	return depth === 0 ? [] : [nested(depth - 1)];
}

/** A page that has the token. */
class Page {
	readonly socket: WebSocket;
	/** The code that the host hangs up with. */
	readonly closed: Promise<number>;

	private constructor(socket: WebSocket) {
		this.socket = socket;
		this.closed = new Promise((resolve) => socket.once('close', resolve));
		socket.on('error', () => undefined); // what is still sent to a host that has hung up
	}

	static open(options: WebSocket.ClientOptions = {}): Promise<Page> {
		return new Promise((resolve, reject) => {
			const headers = { Authorization: `Bearer ${mine.token}` };
			const socket = new WebSocket(`ws://127.0.0.1:${mine.server.port}/socket`, { headers, ...options });
			const page = new Page(socket);
			socket.once('open', () => resolve(page)).once('error', reject);
		});
	}

	ask(name: string, input: unknown): Promise<HostMessage> {
		return new Promise((resolve) => {
			const onMessage = (data: Buffer) => {
				const message = decodeMessage(data) as HostMessage;
				if (!('id' in message)) return;
				this.socket.off('message', onMessage);
				resolve(message);
			};
			this.socket.on('message', onMessage);
			this.socket.send(encodeMessage({ id: 1, name, input }));
		});
	}
}
