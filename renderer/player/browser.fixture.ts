import { existsSync } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { build } from 'vite';

// For tests only: builds the harness page and serves it, with some files, to a real browser.

const CHROMIUMS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** A browser on this machine; `SPARSIGHT_CHROMIUM` names another one. */
export function findChromium(): string | null {
	const named = process.env['SPARSIGHT_CHROMIUM'];
	return [...(named ? [named] : []), ...CHROMIUMS].find((path) => existsSync(path)) ?? null;
}

/** Builds the harness into `folder`. */
export async function buildHarness(folder: string): Promise<void> {
	await build({
		root: join(import.meta.dirname, 'harness'),
		base: './',
		configFile: false,
		logLevel: 'error',
		plugins: [svelte({ configFile: false })],
		build: { outDir: folder, emptyOutDir: true, minify: false },
	});
}

export type FileServer = { url: string; close: () => Promise<void> };

const TYPES: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };

/** Serves files under names of their own, whole or by byte ranges, and everything else from `folder`. */
export async function serveFiles(folder: string, files: ReadonlyMap<string, string>): Promise<FileServer> {
	const server = createServer((request, response) => {
		const name = decodeURIComponent(new URL(request.url ?? '/', 'http://local').pathname.slice(1));
		const path = files.get(name) ?? join(folder, name || 'index.html');
		send(path, request, response).catch(() => response.destroy());
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	return {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		close: () => {
			server.closeAllConnections();
			return new Promise((resolve) => server.close(() => resolve()));
		},
	};
}

async function send(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
	if (!existsSync(path)) return void response.writeHead(404).end();
	const type = TYPES[extname(path)];
	const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
	if (!range) {
		response.writeHead(200, { ...(type && { 'content-type': type }), 'accept-ranges': 'bytes' });
		return void response.end(await readFile(path));
	}
	const { size } = await stat(path);
	const from = Number(range[1]);
	const to = Math.min(size - 1, range[2] ? Number(range[2]) : size - 1);
	if (from >= size) return void response.writeHead(416, { 'content-range': `bytes */${size}` }).end();
	response.writeHead(206, {
		'content-range': `bytes ${from}-${to}/${size}`,
		'content-length': to - from + 1,
		'accept-ranges': 'bytes',
	});
	const file = await open(path);
	const stream = file.createReadStream({ start: from, end: to });
	response.on('close', () => stream.destroy());
	stream.on('error', () => response.destroy());
	stream.pipe(response);
}
