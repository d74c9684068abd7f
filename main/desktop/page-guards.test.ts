import type { Session as RealSession, WebContents as RealContents } from 'electron';
import { describe, expect, it } from 'vitest';
import { isPrevented, Session, WebContents } from './electron.fixture.ts';
import { guardContents, guardSession } from './page-guards.ts';
import { PAGE_URL } from './schemes.ts';

function guardedContents(): WebContents {
	const contents = new WebContents();
	guardContents(contents as unknown as RealContents);
	return contents;
}

function guardedSession(): Session {
	const session = new Session();
	guardSession(session as unknown as RealSession);
	return session;
}

const FOREIGN = [
	'https://example.com/',
	'file:///etc/passwd',
	'javascript:alert(1)',
	'media://video/abc/source',
	'app://other/index.html',
	'app://sparsight.example.com/',
	'about:blank',
	'no address',
];

describe('the window', () => {
	it.each(FOREIGN)('does not go to %s', (url) => {
		const contents = guardedContents();
		expect(isPrevented(contents, 'will-navigate', { url })).toBe(true);
		expect(isPrevented(contents, 'will-redirect', { url })).toBe(true);
		expect(isPrevented(contents, 'will-frame-navigate', { url, isMainFrame: true })).toBe(true);
	});

	it('may load its own page again', () => {
		const contents = guardedContents();
		expect(isPrevented(contents, 'will-navigate', { url: PAGE_URL })).toBe(false);
		expect(isPrevented(contents, 'will-frame-navigate', { url: PAGE_URL, isMainFrame: true })).toBe(false);
	});

	it('has no frames, not even with its own page', () => {
		expect(isPrevented(guardedContents(), 'will-frame-navigate', { url: PAGE_URL, isMainFrame: false })).toBe(
			true,
		);
	});

	it.each([PAGE_URL, ...FOREIGN])('opens no second window for %s', (url) => {
		expect(guardedContents().windowOpenHandler?.({ url })).toEqual({ action: 'deny' });
	});

	it('takes in no guest page', () => {
		expect(isPrevented(guardedContents(), 'will-attach-webview')).toBe(true);
	});
});

describe('the session', () => {
	it.each(['media', 'geolocation', 'notifications', 'clipboard-read', 'openExternal', 'fileSystem', 'usb'])(
		'gives no permission: %s',
		(permission) => {
			const session = guardedSession();
			let decided: boolean | null = null;
			session.permissionRequest?.(null, permission, (may) => (decided = may));
			expect(decided).toBe(false);
			expect(session.permissionCheck?.()).toBe(false);
			expect(session.deviceCheck?.()).toBe(false);
		},
	);

	it.each([
		['the page', PAGE_URL, false],
		['a video', 'media://video/abc/source', false],
		['what the page made', 'blob:app://sparsight/1234', false],
		['the web', 'https://example.com/pixel.gif', true],
		['the web, in the clear', 'http://127.0.0.1:8080/', true],
		['a socket', 'wss://example.com/', true],
		['a file', 'file:///etc/passwd', true],
	])('cancels all that is not local: %s', (_, url, cancel) => {
		let answer: { cancel: boolean } | null = null;
		guardedSession().beforeRequest?.({ url }, (decided) => (answer = decided));
		expect(answer).toEqual({ cancel });
	});

	it('downloads nothing', () => {
		expect(isPrevented(guardedSession(), 'will-download')).toBe(true);
	});
});
