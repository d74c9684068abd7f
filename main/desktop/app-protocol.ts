import { readFile } from 'node:fs/promises';
import { contentSecurityPolicy } from '../application/content-policy.ts';
import { isPageUrl } from './schemes.ts';
import type { StaticFile } from '../application/static-files.ts';

const HEADERS = {
	'Content-Security-Policy': contentSecurityPolicy(['media:']),
	'X-Content-Type-Options': 'nosniff',
	'Referrer-Policy': 'no-referrer',
	'Cross-Origin-Opener-Policy': 'same-origin',
	'Cross-Origin-Resource-Policy': 'same-origin',
};

/**
 * Answers `app:` requests with the files of the built page, which were listed at the start; 404 for everything else.
 */
export async function answerAppRequest(
	{ url, method }: Pick<Request, 'url' | 'method'>,
	files: ReadonlyMap<string, StaticFile>,
): Promise<Response> {
	if (method !== 'GET' && method !== 'HEAD') return new Response(null, { status: 405, headers: HEADERS });
	const file = isPageUrl(url) ? files.get(new URL(url).pathname) : undefined;
	if (!file) return new Response(null, { status: 404, headers: HEADERS });
	const content = method === 'HEAD' ? null : new Uint8Array(await readFile(file.path));
	const { contentType, cacheControl } = file;
	return new Response(content, {
		headers: { ...HEADERS, 'Content-Type': contentType, 'Cache-Control': cacheControl },
	});
}
