import type { Session, WebContents } from 'electron';
import { isPageUrl } from './schemes.ts';

// Restricts the page, in case foreign code ever runs in it.

/** Schemes that our page may load from; none reaches another machine. */
const LOCAL_PROTOCOLS = ['app:', 'media:', 'blob:', 'data:', 'devtools:'];

/** No other address in the window, no second window, no guest pages. */
export function guardContents(contents: WebContents): void {
	contents.on('will-navigate', (event) => {
		if (!isPageUrl(event.url)) event.preventDefault();
	});
	contents.on('will-frame-navigate', (event) => {
		// The page has no frames: one that appears is not ours.
		if (!event.isMainFrame || !isPageUrl(event.url)) event.preventDefault();
	});
	contents.on('will-redirect', (event) => {
		if (!isPageUrl(event.url)) event.preventDefault();
	});
	contents.on('will-attach-webview', (event) => event.preventDefault());
	contents.setWindowOpenHandler(() => ({ action: 'deny' }));
}

/** Denies all permissions, devices and network requests. */
export function guardSession(session: Session): void {
	session.setPermissionRequestHandler((_contents, _permission, decide) => decide(false));
	session.setPermissionCheckHandler(() => false);
	session.setDevicePermissionHandler(() => false);
	session.on('will-download', (event) => event.preventDefault());
	session.webRequest.onBeforeRequest(({ url }, decide) => {
		decide({ cancel: !LOCAL_PROTOCOLS.some((protocol) => url.startsWith(protocol)) });
	});
}
