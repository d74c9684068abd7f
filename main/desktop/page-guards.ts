import type { Session, WebContents, WebPreferences } from 'electron';
import { isPageUrl } from './schemes.ts';

// Restricts the pages of all windows, in case foreign code ever runs in them.

/** What no page may, whatever its window is for. */
export const GUARDED_PREFERENCES = {
	contextIsolation: true,
	sandbox: true,
	nodeIntegration: false,
	nodeIntegrationInWorker: false,
	nodeIntegrationInSubFrames: false,
	webSecurity: true,
	allowRunningInsecureContent: false,
	webviewTag: false,
	navigateOnDragDrop: false,
	// It would fetch its dictionaries from the network.
	spellcheck: false,
} as const satisfies WebPreferences;

/** Schemes that our pages may load from; none reaches another machine. */
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
