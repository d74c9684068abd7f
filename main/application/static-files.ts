import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';

/** A file of the built page. */
export type StaticFile = { path: string; contentType: string; cacheControl: string };

const CONTENT_TYPES: Readonly<Record<string, string>> = {
	'.css': 'text/css; charset=utf-8',
	'.html': 'text/html; charset=utf-8',
	'.ico': 'image/x-icon',
	'.js': 'text/javascript; charset=utf-8',
	'.json': 'application/json',
	'.png': 'image/png',
	'.svg': 'image/svg+xml',
	'.txt': 'text/plain; charset=utf-8',
	'.wasm': 'application/wasm',
	'.webmanifest': 'application/manifest+json',
	'.woff': 'font/woff',
	'.woff2': 'font/woff2',
};

/**
 * The files to serve, by the path of their address: those in the built page's folder at the start, and no others,
 * whatever an address says. Empty if the page was not built.
 */
export async function listStaticFiles(folder: string): Promise<Map<string, StaticFile>> {
	const files = new Map<string, StaticFile>();
	await addFolder(folder, '', files);
	const index = files.get('/index.html');
	if (index) files.set('/', index);
	return files;
}

async function addFolder(folder: string, address: string, files: Map<string, StaticFile>): Promise<void> {
	for (const name of await readdir(folder).catch(() => [])) {
		const path = join(folder, name);
		const place = `${address}/${encodeURIComponent(name)}`;
		const found = await stat(path);
		if (found.isDirectory()) await addFolder(path, place, files);
		const contentType = CONTENT_TYPES[extname(name).toLowerCase()];
		// Source maps and everything else are not served.
		if (!found.isFile() || contentType === undefined) continue;
		// Names of assets contain hashes of their content; the page itself and its icon keep their names.
		const lasting = /-[\w-]{8,}\.\w+$/.test(name);
		const cacheControl = lasting ? 'public, max-age=31536000, immutable' : 'no-cache';
		files.set(place, { path, contentType, cacheControl });
	}
}
