import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { EVENT_CHANNEL, REQUEST_CHANNEL } from '../../preload/channels.ts';
import type { AppDescription, HostEvent, OpenedVideo, Reply, RunEntry } from '../../preload/contract.ts';
import { samplePath } from '../application/videos.ts';
import {
	app,
	BrowserWindow,
	dialog,
	ipcMain,
	isPrevented,
	Menu,
	nativeTheme,
	protocol,
	session,
	utilityProcess,
	WebContents,
} from './electron.fixture.ts';
import { envelop } from '../process/protocol.ts';
import { PAGE_URL } from './schemes.ts';

vi.mock('electron', () => import('./electron.fixture.ts'));

// One session of the application from its start to its end, in order: Electron stood in for, all else real.

const home = mkdtempSync(join(tmpdir(), 'sparsight-desktop-'));
const listenersBefore = {
	uncaught: process.listeners('uncaughtException'),
	reject: process.listeners('unhandledRejection'),
};
let window: BrowserWindow;

beforeAll(async () => {
	vi.stubEnv('SPARSIGHT_HOME', home);
	vi.stubGlobal('process', Object.assign(Object.create(process), { argv: ['electron', '/project'] }));
	await import('./index.ts');
});
afterAll(() => {
	vi.unstubAllGlobals();
	vi.unstubAllEnvs();
	for (const listener of process.listeners('uncaughtException')) {
		if (!listenersBefore.uncaught.includes(listener)) process.off('uncaughtException', listener);
	}
	for (const listener of process.listeners('unhandledRejection')) {
		if (!listenersBefore.reject.includes(listener)) process.off('unhandledRejection', listener);
	}
	rmSync(home, { recursive: true, force: true });
});

async function ask<T>(name: string, input: object = {}): Promise<T> {
	const sent = { sender: window.webContents, senderFrame: { parent: null, url: PAGE_URL } };
	const reply = (await ipcMain.handlers.get(REQUEST_CHANNEL)!(sent, name, input)) as Reply;
	if ('error' in reply) throw new Error(`${name}: ${reply.error.message}`);
	return reply.answer as T;
}

function heard<Type extends HostEvent['type']>(type: Type): Extract<HostEvent, { type: Type }>[] {
	const events = window.webContents.sent.filter(([channel]) => channel === EVENT_CHANNEL);
	return events.map(([, event]) => event as HostEvent).filter((event) => event.type === type) as never;
}

describe('the desktop application', () => {
	it('has done all that must be done before Electron is ready', () => {
		expect(app.sandboxed).toBe(true);
		expect(protocol.privileged.map(({ scheme }) => scheme)).toEqual(['app', 'media']);
		expect(app.paths.get('userData')).toContain(home);
		expect(BrowserWindow.opened).toEqual([]);
	});

	it('opens one window with the page, behind its guards', async () => {
		app.emit('open-file', { preventDefault: () => undefined }, samplePath());
		app.becomeReady();
		await vi.waitFor(() => expect(BrowserWindow.opened).toHaveLength(1));
		window = BrowserWindow.opened[0]!;
		expect(window.loaded).toBe(PAGE_URL);
		expect(session.defaultSession.permissionCheck?.()).toBe(false);
		const contents = new WebContents();
		app.emit('web-contents-created', {}, contents);
		expect(isPrevented(contents, 'will-navigate', { url: 'https://example.com/' })).toBe(true);
	});

	it('answers the page', async () => {
		const description = await ask<AppDescription>('app.describe');
		expect(description.host).toBe('desktop');
		expect(description.models.map(({ id }) => id)).toContain('lookout');
		expect(description.sample?.exists).toBe(true);
		// The system wanted it opened before there was a page to tell.
		expect(description.openAtStart).toBe(description.sample?.videoId);
	});

	it('speaks the language of the system until the person chooses another', async () => {
		expect(Menu.current[0]!.label).toBe('ファイル');
		await ask('preferences.change', { language: 'en', theme: 'dark' });
		expect(Menu.current[0]!.label).toBe('File');
		expect(nativeTheme.themeSource).toBe('dark');
	});

	it('passes the commands of its menu to the page', () => {
		const play = Menu.current.flatMap(({ submenu = [] }) => submenu).find(({ id }) => id === 'play');
		play?.click?.();
		expect(heard('command')).toEqual([{ type: 'command', command: 'play' }]);
	});

	it('opens in this window what a second start, or the system, wants opened', async () => {
		window.minimized = true;
		app.emit('second-instance', {}, [], '/', { video: samplePath() });
		app.emit('open-file', { preventDefault: () => undefined }, samplePath());
		expect([window.minimized, window.focused]).toEqual([false, true]);
		await vi.waitFor(() => expect(heard('open')).toHaveLength(2));
		expect(heard('open').map(({ video }) => video.name)).toEqual(['plaza.mp4', 'plaza.mp4']);
	});

	it('serves the bytes of a video under an address without a path', async () => {
		const { video } = heard('open')[0]!;
		const { mediaUrl } = await ask<OpenedVideo>('video.open', { videoId: video.videoId });
		expect(mediaUrl).not.toContain('plaza');
		const request = { url: mediaUrl, method: 'GET', headers: new Headers({ range: 'bytes=-100' }) };
		const response = await protocol.handlers.get('media')!(request as Request);
		const { size } = statSync(samplePath());
		expect(response.status).toBe(206);
		expect(response.headers.get('content-range')).toBe(`bytes ${size - 100}-${size - 1}/${size}`);
		expect((await response.arrayBuffer()).byteLength).toBe(100);
	});

	it('lists in its menu what was opened, and opens it again', async () => {
		const recent = () =>
			Menu.current[0]!.submenu!.find(({ label }) => label === 'Open recent')!.submenu ?? [];
		await vi.waitFor(() =>
			expect(recent().map(({ label }) => label)).toEqual([expect.stringMatching(/^plaza\.mp4 — /)]),
		);
		const before = heard('open').length;
		recent()[0]!.click!();
		expect(heard('open')).toHaveLength(before + 1);
		expect(heard('open').at(-1)!.video.name).toBe('plaza.mp4');
	});

	it('asks before it closes while a run is going', async () => {
		const { video } = heard('open')[0]!;
		await ask('preferences.change', { provider: 'cpu' }); // else processes would try providers first
		const { runId } = await ask<RunEntry>('analysis.start', {
			videoId: video.videoId,
			modelId: 'lookout',
			mode: 'dense',
			settings: {},
			range: { from: { frame: 0 }, to: null, every: 1 },
		});
		await vi.waitFor(() => expect(utilityProcess.forked[0]?.entry).toMatch(/\/worker\.js$/));
		dialog.response = 0;
		window.close();
		await vi.waitFor(() => expect(dialog.questions).toHaveLength(1));
		expect(dialog.questions[0]!.buttons).toEqual(['Keep working', 'Stop and close']);
		expect([window.closed, app.ended]).toEqual([false, null]);

		// The run ends by itself: nothing is left to ask about.
		const outcome = { state: 'complete', framesStored: 0 };
		const { child } = utilityProcess.forked[0]!;
		child.emit('message', envelop({ type: 'finished', outcome }));
		await vi.waitFor(() => expect(heard('analysis.ended').map((event) => event.runId)).toEqual([runId]));
	});

	it('offers a new page when the page dies', async () => {
		dialog.response = 1;
		let reloaded = 0;
		Object.assign(window.webContents, { reload: () => reloaded++ });
		window.webContents.emit('render-process-gone', {}, { reason: 'crashed', exitCode: 5 });
		await vi.waitFor(() => expect(reloaded).toBe(1));
		window.webContents.emit('render-process-gone', {}, { reason: 'clean-exit', exitCode: 0 });
		expect(dialog.questions).toHaveLength(2);
	});

	it('closes without a question when nothing is going, ends in order, and remembers its window', async () => {
		window.bounds = { x: 11, y: 22, width: 1000, height: 700 };
		window.close();
		await vi.waitFor(() => expect(window.closed).toBe(true));
		expect(dialog.questions).toHaveLength(2);
		app.emit('window-all-closed');
		expect(app.ended).toBeNull();
		await vi.waitFor(() => expect(app.ended).toBe('quit'));
		expect(statSync(join(home, 'window.json')).isFile()).toBe(true);
		expect(dialog.errors).toEqual([]);
	});
});
