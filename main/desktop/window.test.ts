import { beforeEach, describe, expect, it, vi } from 'vitest';
import { BrowserWindow } from './electron.fixture.ts';
import { PAGE_URL } from './schemes.ts';
import { openWindow, type WindowOptions } from './window.ts';
import type { WindowState } from './window-state.ts';

vi.mock('electron', () => import('./electron.fixture.ts'));

beforeEach(() => (BrowserWindow.opened = []));

function open(options: Partial<WindowOptions> = {}): BrowserWindow {
	const others = { left: null, preload: '/preload.cjs', icon: null, developing: false };
	openWindow({ ...others, onState: () => undefined, mayClose: () => Promise.resolve(true), ...options });
	return BrowserWindow.opened[0]!;
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('the window', () => {
	it.each([
		['contextIsolation', true],
		['sandbox', true],
		['nodeIntegration', false],
		['nodeIntegrationInWorker', false],
		['nodeIntegrationInSubFrames', false],
		['webSecurity', true],
		['webviewTag', false],
		['allowRunningInsecureContent', false],
		['navigateOnDragDrop', false],
		['devTools', false],
		['experimentalFeatures', undefined],
		['enableBlinkFeatures', undefined],
	])('keeps the page apart from the system: %s is %s', (preference, value) => {
		expect(open().options.webPreferences[preference]).toBe(value);
	});

	it('shows itself when there is something to see', () => {
		const window = open();
		expect([window.loaded, window.visible]).toEqual([PAGE_URL, false]);
		window.emit('ready-to-show');
		expect(window.visible).toBe(true);
	});

	it('opens as it was left', () => {
		const bounds = { x: 10, y: 20, width: 1000, height: 700 };
		const window = open({ left: { bounds, maximized: true, fullScreen: false } });
		window.emit('ready-to-show');
		expect(window.bounds).toEqual(bounds);
		expect([window.maximized, window.fullScreen]).toEqual([true, false]);
	});

	it('tells how it stands when it is moved and when it closes', async () => {
		const states: WindowState[] = [];
		const window = open({ onState: (state) => states.push(state) });
		const moved = { x: 1, y: 2, width: 900, height: 600 };
		window.bounds = moved;
		window.emit('moved');
		expect(states.at(-1)).toEqual({ bounds: moved, maximized: false, fullScreen: false });
		window.maximized = true;
		window.close();
		await settled();
		expect(states.at(-1)).toEqual({ bounds: moved, maximized: true, fullScreen: false });
	});
});

describe('closing', () => {
	it('happens once it may', async () => {
		const window = open();
		window.close();
		await settled();
		expect(window.closed).toBe(true);
	});

	it('does not happen when the person wants to keep working, and asks again the next time', async () => {
		const answers = [false, true];
		const window = open({ mayClose: () => Promise.resolve(answers.shift()!) });
		window.close();
		await settled();
		expect(window.closed).toBe(false);
		window.close();
		await settled();
		expect(window.closed).toBe(true);
	});

	it('asks once, however often the cross is clicked', async () => {
		let asked = 0;
		let answer: (may: boolean) => void = () => undefined;
		const window = open({
			mayClose: () => {
				asked++;
				return new Promise((resolve) => (answer = resolve));
			},
		});
		window.close();
		window.close();
		expect([asked, window.closed]).toEqual([1, false]);
		answer(true);
		await settled();
		expect(window.closed).toBe(true);
	});

	it('happens all the same when the question cannot be asked', async () => {
		const window = open({ mayClose: () => Promise.reject(new Error('no dialog')) });
		window.close();
		await settled();
		expect(window.closed).toBe(true);
	});
});
