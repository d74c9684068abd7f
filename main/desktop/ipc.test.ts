import type { WebContents as RealContents } from 'electron';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { DROP_CHANNEL, EVENT_CHANNEL, REQUEST_CHANNEL } from '../../preload/channels.ts';
import type { HostEvent, Reply } from '../../preload/contract.ts';
import { ipcMain, WebContents } from './electron.fixture.ts';
import { connectPage } from './ipc.ts';
import { PAGE_URL } from './schemes.ts';

vi.mock('electron', () => import('./electron.fixture.ts'));

const page = new WebContents();
const mainFrame = { parent: null, url: PAGE_URL };
const asked: unknown[][] = [];
const drops: string[][] = [];
const answered: string[] = [];
let emit: (event: HostEvent) => void = () => undefined;

const application = {
	request: (name: string, input: unknown): Promise<Reply> => {
		asked.push([name, input]);
		return Promise.resolve(name === 'video.open' ? { error: REFUSED } : { answer: [name, input] });
	},
	listen: (listener: (event: HostEvent) => void) => {
		emit = listener;
		return () => undefined;
	},
};
const REFUSED = { code: 'file-not-found', message: 'no', remedy: null, stack: null } as const;

beforeEach(async () => {
	ipcMain.reset();
	for (const list of [asked, drops, answered, page.sent]) list.length = 0;
	page.crashed = false;
	connectPage({
		application: Promise.resolve(application),
		page: () => page as unknown as RealContents,
		onDrop: (...words) => drops.push(words),
		onAnswered: (name) => answered.push(name),
	});
	await Promise.resolve();
});

function request(sent: object, ...words: unknown[]): Promise<Reply> {
	return ipcMain.handlers.get(REQUEST_CHANNEL)!(sent, ...words) as Promise<Reply>;
}

describe('a request', () => {
	it('of the page is answered', async () => {
		const reply = await request({ sender: page, senderFrame: mainFrame }, 'run.list', { videoId: 'a' });
		expect(reply).toEqual({ answer: ['run.list', { videoId: 'a' }] });
		expect(answered).toEqual(['run.list']);
	});

	it('that is refused is not taken for an answer', async () => {
		const reply = await request({ sender: page, senderFrame: mainFrame }, 'video.open', {});
		expect(reply).toEqual({ error: REFUSED });
		expect(answered).toEqual([]);
	});

	it.each([
		['another window', { sender: new WebContents(), senderFrame: mainFrame }],
		['a frame inside the page', { sender: page, senderFrame: { parent: mainFrame, url: PAGE_URL } }],
		[
			'a page that went elsewhere',
			{ sender: page, senderFrame: { parent: null, url: 'https://example.com/' } },
		],
		['a file', { sender: page, senderFrame: { parent: null, url: 'file:///index.html' } }],
		['an empty frame', { sender: page, senderFrame: { parent: null, url: '' } }],
		['a frame that is gone', { sender: page, senderFrame: null }],
	])('of %s reaches nobody', async (_, sent) => {
		expect(await request(sent, 'app.describe', {})).toMatchObject({ error: { code: 'bad-argument' } });
		expect(asked).toEqual([]);
		ipcMain.emit(DROP_CHANNEL, sent, 'drop-1', '/video.mp4');
		expect(drops).toEqual([]);
	});

	it.each([[null], [42], [{ toString: () => 'app.describe' }], [['app.describe']]])(
		'without a name is refused: %j',
		async (name) => {
			const reply = await request({ sender: page, senderFrame: mainFrame }, name, {});
			expect(reply).toMatchObject({ error: { code: 'bad-argument' } });
			expect(asked).toEqual([]);
		},
	);
});

describe('a drop', () => {
	const sent = { sender: page, senderFrame: mainFrame };
	it.each([
		['a token and a path', ['drop-1', '/a.mp4'], true],
		['no path', ['drop-1', ''], false],
		['a path that is no text', ['drop-1', { path: '/a.mp4' }], false],
		['an endless path', ['drop-1', `/${'a'.repeat(40_000)}`], false],
		['an endless token', ['d'.repeat(65), '/a.mp4'], false],
		['a token that is no text', [1, '/a.mp4'], false],
	])('is taken with %s', (_, words, taken) => {
		ipcMain.emit(DROP_CHANNEL, sent, ...words);
		expect(drops).toEqual(taken ? [words] : []);
	});
});

describe('an event', () => {
	const event: HostEvent = { type: 'command', command: 'play' };
	it('goes to the page', () => {
		emit(event);
		expect(page.sent).toEqual([[EVENT_CHANNEL, event]]);
	});

	it('is dropped while the page is gone', () => {
		page.crashed = true;
		expect(() => emit(event)).not.toThrow();
		expect(page.sent).toEqual([]);
	});
});
