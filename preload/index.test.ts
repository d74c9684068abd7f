import { beforeEach, describe, expect, it, vi } from 'vitest';
import { contextBridge, ipcRenderer } from '../main/desktop/electron.fixture.ts';
import { DROP_CHANNEL, EVENT_CHANNEL, REQUEST_CHANNEL } from './channels.ts';
import type { HostApi, HostEvent } from './contract.ts';

vi.mock('electron', () => import('../main/desktop/electron.fixture.ts'));
await import('./index.ts');

const api = contextBridge.exposed.get('sparsight') as HostApi;
beforeEach(() => (ipcRenderer.sent.length = 0));

describe('what the page gets', () => {
	it('is the contract, and nothing else', () => {
		expect([...contextBridge.exposed.keys()]).toEqual(['sparsight']);
		expect(Object.keys(api).toSorted()).toEqual(['dropToken', 'listen', 'request']);
	});

	it('is the answer to a request', async () => {
		ipcRenderer.reply = { answer: [] };
		await expect(api.request('run.list', { videoId: 'a' })).resolves.toEqual([]);
		expect(ipcRenderer.sent).toEqual([[REQUEST_CHANNEL, 'run.list', { videoId: 'a' }]]);
	});

	it('is the reason of a refusal as plain data, since errors lose their code on the bridge', async () => {
		const error = { code: 'not-a-video', message: 'no', remedy: 'another', stack: null };
		ipcRenderer.reply = { error };
		const reason = await api.request('app.describe', {}).catch((caught: unknown) => caught);
		expect(reason).toEqual(error);
		expect(reason).not.toBeInstanceOf(Error);
	});

	it('is every event, without the sender, until it stops listening', () => {
		const heard: HostEvent[] = [];
		const event: HostEvent = { type: 'command', command: 'play' };
		const stop = api.listen((...words) => {
			expect(words).toHaveLength(1);
			heard.push(...words);
		});
		ipcRenderer.emit(EVENT_CHANNEL, { sender: 'secret' }, event);
		stop();
		ipcRenderer.emit(EVENT_CHANNEL, {}, event);
		expect(heard).toEqual([event]);
	});
});

describe('a drop', () => {
	it('is told to the host with its path, and to the page by a token', () => {
		const tokens = ['/a.mp4', '/b.mp4'].map((fromDisk) => api.dropToken({ fromDisk }));
		expect(new Set(tokens).size).toBe(2);
		expect(ipcRenderer.sent).toEqual([
			[DROP_CHANNEL, tokens[0], '/a.mp4'],
			[DROP_CHANNEL, tokens[1], '/b.mp4'],
		]);
		expect(tokens.join()).not.toContain('mp4');
	});

	it.each([
		['a file that the page made', { fromDisk: '' }],
		['a path', '/etc/passwd'],
		['an object', { path: '/etc/passwd' }],
		['nothing', null],
	])('of %s is none', (_, file) => {
		expect(api.dropToken(file)).toBeNull();
		expect(ipcRenderer.sent).toEqual([]);
	});
});
