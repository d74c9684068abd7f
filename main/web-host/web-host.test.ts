import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { decodeMessage, encodeMessage, type HostMessage } from '../../preload/codec.ts';
import type { Answers, HostEvent, RequestInput, RequestName } from '../../preload/contract.ts';
import { makeClip, makeFolders, workerEntries } from '../application/application.fixture.ts';
import { Application } from '../application/application.ts';
import { samplePath } from '../application/videos.ts';
import { startServer, type WebServer } from './server.ts';
import { listStaticFiles } from '../application/static-files.ts';
import { WebShell } from './web-shell.ts';

const TOKEN = 'the-token-of-this-test';

const folders = makeFolders();
const root = join(folders.base, 'root');
const renderer = join(folders.base, 'renderer');
let application: Application;
let server: WebServer;

beforeAll(async () => {
	mkdirSync(root);
	mkdirSync(join(renderer, 'assets'), { recursive: true });
	writeFileSync(join(renderer, 'index.html'), '<!doctype html><title>page</title>');
	writeFileSync(join(renderer, 'assets', 'index-abcdef12.js'), 'export {};');
	writeFileSync(join(renderer, 'assets', 'index-abcdef12.js.map'), '{}');
	writeFileSync(join(folders.base, 'secret.txt'), 'secret');
	makeClip(join(root, 'clip.mp4'), 20);
	makeClip(join(folders.base, 'private.mp4'), 2);
	const shell = new WebShell({
		roots: [root],
		namedFiles: [samplePath()],
		exportsFolder: folders.exports,
		workerEntries: workerEntries(),
	});
	application = await Application.open({ shell, folders });
	server = await startServer(application, await listStaticFiles(renderer), { port: 0, token: TOKEN });
});
afterAll(async () => {
	await application.close();
	await server.close();
	folders.remove();
});

type Got = { status: number; headers: Record<string, string | string[] | undefined>; body: Buffer };

/** One request as it is, byte for byte: `fetch` would tidy the path and refuse the headers that matter here. */
function get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Got> {
	return new Promise((resolve, reject) => {
		const options = { host: '127.0.0.1', port: server.port, path, method, headers, agent: false };
		const asking = request(options, (response) => {
			const chunks: Buffer[] = [];
			response.on('data', (chunk: Buffer) => chunks.push(chunk));
			response.on('end', () =>
				resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
			);
			response.on('error', reject);
		});
		asking.on('error', reject);
		asking.end();
	});
}

const bearer = { Authorization: `Bearer ${TOKEN}` };

/** What the page does over its socket. */
class Page {
	readonly socket: WebSocket;
	readonly events: HostEvent[] = [];
	largestPerFrame = 0;
	readonly #answers = new Map<number, (message: HostMessage) => void>();
	#next = 1;

	constructor(socket: WebSocket) {
		this.socket = socket;
		socket.on('message', (data: Buffer) => {
			const message = decodeMessage(data) as HostMessage;
			if ('id' in message) this.#answers.get(message.id)?.(message);
			else {
				this.events.push(message.event);
				if (message.event.type === 'analysis.frames') {
					const perFrame = data.length / message.event.batch.frameIndices.length;
					this.largestPerFrame = Math.max(this.largestPerFrame, perFrame);
				}
			}
		});
	}

	static open(headers: Record<string, string>): Promise<Page> {
		return new Promise((resolve, reject) => {
			const socket = new WebSocket(`ws://127.0.0.1:${server.port}/socket`, { headers });
			const page = new Page(socket);
			socket.on('open', () => resolve(page));
			socket.on('error', reject);
		});
	}

	async ask<Name extends RequestName>(name: Name, input: RequestInput<Name>): Promise<Answers[Name]> {
		const id = this.#next++;
		const message = await new Promise<HostMessage>((resolve) => {
			this.#answers.set(id, resolve);
			this.socket.send(encodeMessage({ id, name, input }));
		});
		if ('answer' in message) return message.answer as Answers[Name];
		throw Object.assign(new Error(), 'error' in message ? message.error : {});
	}

	async hear(type: HostEvent['type']): Promise<HostEvent> {
		for (;;) {
			const event = this.events.find((one) => one.type === type);
			if (event) return event;
			await new Promise((resolve) => this.socket.once('message', resolve));
		}
	}
}

describe('who is let in', () => {
	it.each([
		['nobody', '/', {}, 401],
		['a wrong token', '/', { Authorization: 'Bearer wrong' }, 401],
		['a part of the token', '/', { Authorization: `Bearer ${TOKEN.slice(0, -1)}` }, 401],
		['an empty token', '/', { Authorization: 'Bearer ' }, 401],
		['a wrong token in the address', '/?token=wrong', {}, 401],
		[
			'the token in the address of anything but the page',
			`/assets/index-abcdef12.js?token=${TOKEN}`,
			{},
			401,
		],
		['the cookie of another port', '/', { Cookie: `sparsight-1=${TOKEN}` }, 401],
		['the token', '/', bearer, 200],
		['this machine by its other name', '/', { ...bearer, Host: 'localhost:1234' }, 200],
		['a foreign name for this machine', '/', { ...bearer, Host: 'evil.example' }, 403],
		['a foreign name that begins like it', '/', { ...bearer, Host: '127.0.0.1.evil.example' }, 403],
		['a name with a user in it', '/', { ...bearer, Host: 'localhost@evil.example' }, 403],
		['another page', '/', { ...bearer, Origin: 'http://evil.example' }, 403],
		['a page of another port', '/', { ...bearer, Origin: 'http://127.0.0.1:1' }, 403],
		['a page without an origin of its own', '/', { ...bearer, Origin: 'null' }, 403],
		[
			'a foreign page with the token in the address',
			`/?token=${TOKEN}`,
			{ Origin: 'http://evil.example' },
			403,
		],
		['a foreign name with the token in the address', `/?token=${TOKEN}`, { Host: 'evil.example' }, 403],
	])('%s', async (_, path, headers, status) => {
		expect((await get(path, headers)).status).toBe(status);
	});

	it('the printed address gives a cookie that scripts and other sites never see, and the page', async () => {
		const first = await get(new URL(server.address).pathname + new URL(server.address).search);
		expect(first).toMatchObject({ status: 303, headers: { location: '/' } });
		const cookie = String(first.headers['set-cookie']);
		expect(cookie).toMatch(/; HttpOnly; SameSite=Strict$/);
		const page = await get('/', { Cookie: cookie.split(';')[0]! });
		expect(page.body.toString()).toContain('<title>page</title>');
	});

	it.each([
		['a foreign origin', { ...bearer, Origin: 'http://evil.example' }],
		['no origin and a cookie', { Cookie: `sparsight-0=${TOKEN}` }],
		['the right origin without a token', { Origin: 'same' }],
		['a foreign name for this machine', { ...bearer, Host: 'evil.example' }],
	])('no socket for %s', async (_, { Origin, ...headers }: Record<string, string>) => {
		const origin = Origin === 'same' ? `http://127.0.0.1:${server.port}` : Origin;
		await expect(Page.open(origin ? { ...headers, Origin: origin } : headers)).rejects.toThrow(/40[13]/);
	});

	it('a socket for the page with its cookie', async () => {
		const origin = `http://127.0.0.1:${server.port}`;
		const page = await Page.open({ Origin: origin, Cookie: `sparsight-${server.port}=${TOKEN}` });
		expect((await page.ask('app.describe', {})).host).toBe('web');
		page.socket.close();
	});

	it('listens at one address of this machine alone', async () => {
		const elsewhere = request({ host: '127.0.0.2', port: server.port, headers: bearer, timeout: 5000 });
		const refused = new Promise((resolve) => elsewhere.once('error', resolve));
		elsewhere.end();
		expect(await refused).toBeInstanceOf(Error);
	});
});

describe('every answer', () => {
	it.each([
		['/', 200],
		['/nothing', 404],
		['/media/nobody', 404],
	])('%s says what the page may do', async (path, status) => {
		const { status: came, headers } = await get(path, bearer);
		expect(came).toBe(status);
		expect(headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self';/);
		expect(headers['x-content-type-options']).toBe('nosniff');
		expect(headers['referrer-policy']).toBe('no-referrer');
	});

	it.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('%s is refused', async (method) => {
		expect((await get('/', bearer, method)).status).toBe(405);
	});
});

describe('files that no address reaches', () => {
	it.each([
		'/../secret.txt',
		'/..%2fsecret.txt',
		'/%2e%2e/secret.txt',
		'/assets/../../secret.txt',
		'/assets/..%5c..%5csecret.txt',
		'//secret.txt',
		'/index.html%00.js',
		'/assets/index-abcdef12.js.map',
		'/assets',
		'/media/../secret.txt',
		'/media/%2e%2e%2fsecret',
		'/download/nobody',
	])('%s', async (path) => {
		const { status, body } = await get(path, bearer);
		expect(status).toBe(404);
		expect(body.toString()).not.toContain('secret\n');
	});

	it('assets are kept for ever, the page is asked for again', async () => {
		expect((await get('/assets/index-abcdef12.js', bearer)).headers['cache-control']).toContain('immutable');
		const page = await get('/', bearer);
		expect(page.headers['cache-control']).toBe('no-cache');
		const again = await get('/', { ...bearer, 'If-None-Match': String(page.headers['etag']) });
		expect(again).toMatchObject({ status: 304, body: Buffer.alloc(0) });
	});
});

describe('a page in a browser', () => {
	let page: Page;
	let clip: Answers['video.open'];
	beforeAll(async () => {
		page = await Page.open(bearer);
		const top = await page.ask('video.browse', { folderId: null });
		const listing = await page.ask('video.browse', { folderId: top.folders[0]!.folderId });
		clip = await page.ask('video.open', { videoId: listing.videos[0]!.videoId });
	});
	afterAll(() => page.socket.close());

	it('reads a video in pieces, whole, and not beyond its end', async () => {
		const bytes = readFileSync(join(root, 'clip.mp4'));
		const whole = await get(clip.mediaUrl, bearer);
		expect(whole).toMatchObject({
			status: 200,
			headers: { 'content-type': 'video/mp4', 'accept-ranges': 'bytes' },
		});
		expect(whole.body.equals(bytes)).toBe(true);
		const part = await get(clip.mediaUrl, { ...bearer, Range: 'bytes=100-299' });
		expect(part).toMatchObject({
			status: 206,
			headers: { 'content-range': `bytes 100-299/${bytes.length}` },
		});
		expect(part.body.equals(bytes.subarray(100, 300))).toBe(true);
		const end = await get(clip.mediaUrl, { ...bearer, Range: 'bytes=-64' });
		expect(end.body.equals(bytes.subarray(-64))).toBe(true);
		const beyond = await get(clip.mediaUrl, { ...bearer, Range: `bytes=${bytes.length}-` });
		expect(beyond).toMatchObject({ status: 416, headers: { 'content-range': `bytes */${bytes.length}` } });
		const head = await get(clip.mediaUrl, bearer, 'HEAD');
		expect(head).toMatchObject({ status: 200, headers: { 'content-length': String(bytes.length) } });
		expect(head.body).toHaveLength(0);
		const stale = await get(clip.mediaUrl, { ...bearer, Range: 'bytes=0-9', 'If-Range': '"another"' });
		expect(stale.status).toBe(200);
		expect((await get(`${clip.mediaUrl}/proxy`, bearer)).status).toBe(404);
	});

	it('reads beyond 2 GiB of a file', async () => {
		const large = join(root, 'large.mp4');
		const from = 3 * 2 ** 30;
		writeFileSync(large, '');
		truncateSync(large, from); // a hole: takes no room
		appendFileSync(large, 'the end');
		const top = await page.ask('video.browse', { folderId: null });
		const { videos } = await page.ask('video.browse', { folderId: top.folders[0]!.folderId });
		const { videoId } = videos.find(({ name }) => name === 'large.mp4')!;
		const got = await get(`/media/${videoId}`, { ...bearer, Range: `bytes=${from}-` });
		expect(got).toMatchObject({
			status: 206,
			headers: { 'content-range': `bytes ${from}-${from + 6}/${from + 7}` },
		});
		expect(got.body.toString()).toBe('the end');
	});

	it('does not follow a folder that became a link out of the named one', async () => {
		const inner = join(root, 'inner');
		mkdirSync(inner);
		makeClip(join(inner, 'private.mp4'), 2);
		const top = await page.ask('video.browse', { folderId: null });
		const {
			folders: [folder],
		} = await page.ask('video.browse', { folderId: top.folders[0]!.folderId });
		const {
			videos: [video],
		} = await page.ask('video.browse', { folderId: folder!.folderId });
		expect((await get(`/media/${video!.videoId}`, bearer)).status).toBe(200);
		execFileSync('rm', ['-r', inner]);
		symlinkSync(folders.base, inner);
		expect((await get(`/media/${video!.videoId}`, bearer)).status).toBe(404);
		await expect(page.ask('video.open', { videoId: video!.videoId })).rejects.toMatchObject({
			code: 'file-unreadable',
		});
		await expect(page.ask('video.browse', { folderId: folder!.folderId })).rejects.toMatchObject({
			code: 'file-not-found',
		});
	});

	it('analyses, hears less than 8 kB a frame, and downloads an export', async () => {
		const range = { from: { frame: 0 }, to: null, every: 1 };
		const settings = { fraction: 0.2 };
		const { runId } = await page.ask('analysis.start', {
			videoId: clip.videoId,
			modelId: 'lookout',
			mode: 'token-cache',
			settings,
			range,
		});
		expect(await page.hear('analysis.ended')).toMatchObject({ error: null });
		const frames = page.events.flatMap((event) =>
			event.type === 'analysis.frames' ? [...event.batch.frameIndices] : [],
		);
		expect(frames).toEqual(Array.from({ length: 20 }, (_, i) => i));
		expect(page.largestPerFrame).toBeLessThan(8000);
		expect(page.largestPerFrame).toBeGreaterThan(0);

		const timeline = await page.ask('run.timeline', { runId, from: 0, count: 1000 });
		expect(timeline.macs).toBeInstanceOf(Float64Array);
		const input = { runIds: [runId], labels: ['a'], format: 'jsonl', settings: {}, range: null };
		const begun = await page.ask('export.start', input);
		const ended = await page.hear('export.ended');
		if (ended.type !== 'export.ended' || ended.downloadUrl === null) throw new Error('no download');
		const got = await get(ended.downloadUrl, bearer);
		expect(got.headers['content-disposition']).toBe(
			`attachment; filename="clip-token-cache.jsonl"; filename*=UTF-8''${begun?.name}`,
		);
		expect(got.body.equals(readFileSync(join(folders.exports, begun!.name)))).toBe(true);
		const again = await page.ask('export.start', input);
		expect(again?.name).toBe('clip-token-cache-2.jsonl');
	});

	it('cannot send runs to folders that nobody named', async () => {
		await expect(page.ask('preferences.change', { runsFolder: folders.base })).rejects.toMatchObject({
			code: 'bad-argument',
		});
		const runsFolder = join(root, 'runs');
		expect(await page.ask('preferences.change', { runsFolder })).toMatchObject({ runsFolder });
		await page.ask('preferences.change', { runsFolder: null });
	});

	it.each([
		['noise', Buffer.from([0xc1])],
		['a text', 'hello'],
		['more than a request can be', Buffer.alloc(2 << 20)],
	])('is hung up on for %s, and nobody else is', async (_, data) => {
		const rude = await Page.open(bearer);
		const closed = new Promise((resolve) => rude.socket.once('close', resolve));
		rude.socket.send(data);
		expect([1003, 1009]).toContain(await closed);
		expect((await page.ask('app.describe', {})).host).toBe('web');
	});
});
