import type { CustomScheme } from 'electron';

// The two schemes of the desktop application: its page comes from `app:`, videos come from `media:`.

export const PAGE_ORIGIN = 'app://sparsight';
export const PAGE_URL = `${PAGE_ORIGIN}/index.html`;

/** To be registered before the application is ready. */
export const SCHEMES: CustomScheme[] = [
	{ scheme: 'app', privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true } },
	{
		scheme: 'media',
		// The page fetches parts of files from another scheme than its own, as streams.
		privileges: { standard: true, secure: true, supportFetchAPI: true, stream: true, corsEnabled: true },
	},
];

/** Whether `url` belongs to the application's own page. */
export function isPageUrl(url: string): boolean {
	try {
		const { protocol, host } = new URL(url);
		return `${protocol}//${host}` === PAGE_ORIGIN;
	} catch {
		return false;
	}
}
