import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename } from 'node:path';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { Application } from '../application/application.ts';
import { contentSecurityPolicy } from '../application/content-policy.ts';
import { mediaType } from '../application/media-types.ts';
import type { MediaKind } from '../application/shell.ts';
import { UserFacingError } from '../domain/errors.ts';
import { Access, type AskedRequest, type Refusal } from './access.ts';
import { connectPage } from './page-socket.ts';
import { serveFile } from './serve-file.ts';
import type { StaticFile } from '../application/static-files.ts';

/** Largest request, in bytes; requests are small. */
const MOST_MESSAGE_BYTES = 1 << 20;

const COMMON_HEADERS = {
	'Content-Security-Policy': contentSecurityPolicy(),
	'X-Content-Type-Options': 'nosniff',
	'Referrer-Policy': 'no-referrer',
	'Cross-Origin-Opener-Policy': 'same-origin',
	'Cross-Origin-Resource-Policy': 'same-origin',
	'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
};

export type WebServer = {
	port: number;
	/** Contains the token: whoever has it has access. */
	address: string;
	close(): Promise<void>;
};

/**
 * Serves the page, the media and the contract on loopback only. `port` 0 takes a free one. Every request must name this
 * machine, come from this page and have the token of this start.
 */
export async function startServer(
	application: Application,
	staticFiles: ReadonlyMap<string, StaticFile>,
	options: { port: number; token?: string },
): Promise<WebServer> {
	const server = createServer();
	await listen(server, options.port);
	const { port } = server.address() as AddressInfo;
	const access = new Access(port, options.token);
	const sockets = new WebSocketServer({ noServer: true, maxPayload: MOST_MESSAGE_BYTES });

	server.on('request', (request, response) => {
		answer(request, response, access, application, staticFiles).catch(() => {
			if (!response.headersSent) response.writeHead(500, COMMON_HEADERS);
			response.end();
		});
	});
	server.on('upgrade', (request, socket: Duplex, head) => {
		const asked = parseRequest(request);
		const refusal = asked?.url.pathname === '/socket' ? access.refuseSocket(asked) : NOT_FOUND;
		if (refusal) {
			socket.on('error', () => socket.destroy()); // whoever asked may be gone already
			socket.on('finish', () => socket.destroy());
			socket.end(`HTTP/1.1 ${refusal.status} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
			return;
		}
		sockets.handleUpgrade(request, socket, head, (page) => connectPage(page, application));
	});
	return {
		port,
		address: `http://127.0.0.1:${port}/?token=${access.token}`,
		async close() {
			for (const page of sockets.clients) page.terminate();
			const closed = new Promise<void>((resolve) => server.close(() => resolve()));
			server.closeAllConnections();
			await closed;
		},
	};
}

const NOT_FOUND = { status: 404, reason: 'There is nothing at this address.' } as const;
const NOT_ALLOWED = { status: 405, reason: 'Only GET and HEAD are answered.' } as const;
const NOT_BUILT = { status: 503, reason: 'The page is not built: run "npm run build".' } as const;

async function answer(
	request: IncomingMessage,
	response: ServerResponse,
	access: Access,
	application: Application,
	staticFiles: ReadonlyMap<string, StaticFile>,
): Promise<void> {
	const asked = parseRequest(request);
	if (asked === null) return refuse(response, NOT_FOUND);
	const foreign = access.refuseForeign(asked);
	if (foreign) return refuse(response, foreign);
	if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(response, NOT_ALLOWED);
	if (asked.url.pathname === '/' && access.hasTokenInAddress(asked)) {
		const headers = {
			...COMMON_HEADERS,
			Location: '/',
			'Set-Cookie': access.cookie(),
			'Cache-Control': 'no-store',
		};
		response.writeHead(303, headers).end();
		return;
	}
	const stranger = access.refuseStranger(asked);
	if (stranger) return refuse(response, stranger);

	const { pathname } = asked.url;
	const media = /^\/media\/([a-z0-9-]{1,64})(\/proxy)?$/.exec(pathname);
	if (media) {
		const kind: MediaKind = media[2] === undefined ? 'source' : 'proxy';
		const path = await application.mediaFile(media[1]!, kind).catch(unknownIsNothing);
		if (path === null) return refuse(response, NOT_FOUND);
		return serveFile(request, response, path, {
			...COMMON_HEADERS,
			'Content-Type': mediaType(path),
			'Cache-Control': 'private, no-cache',
		});
	}
	const download = /^\/download\/([a-z0-9-]{1,64})(\/companion)?$/.exec(pathname);
	if (download) {
		const path = application.exportFile(download[1]!, download[2] === undefined ? 'file' : 'companion');
		if (path === null) return refuse(response, NOT_FOUND);
		return serveFile(request, response, path, {
			...COMMON_HEADERS,
			'Content-Type': 'application/octet-stream',
			'Content-Disposition': attachment(basename(path)),
			'Cache-Control': 'no-store',
		});
	}
	const file = staticFiles.get(pathname);
	if (file) {
		const { path, contentType, cacheControl } = file;
		const headers = { 'Content-Type': contentType, 'Cache-Control': cacheControl };
		return serveFile(request, response, path, { ...COMMON_HEADERS, ...headers });
	}
	refuse(response, pathname === '/' ? NOT_BUILT : NOT_FOUND);
}

function refuse(
	response: ServerResponse,
	{ status, reason }: Refusal | { status: number; reason: string },
): void {
	response
		.writeHead(status, {
			...COMMON_HEADERS,
			'Content-Type': 'text/plain; charset=utf-8',
			'Cache-Control': 'no-store',
		})
		.end(`${reason}\n`);
}

function parseRequest({ headers, url }: IncomingMessage): AskedRequest | null {
	// Only the path is used: the host in a request in absolute form is not trusted.
	if (url === undefined || !url.startsWith('/')) return null;
	try {
		return { headers, url: new URL(`http://localhost${url}`) };
	} catch {
		return null;
	}
}

function unknownIsNothing(error: unknown): null {
	if (error instanceof UserFacingError) return null;
	throw error;
}

/** RFC 6266: the name in UTF-8, and in ASCII as a fallback. */
function attachment(name: string): string {
	const plain = name.replace(/[^\w. ()-]/g, '_');
	return `attachment; filename="${plain}"; filename*=UTF-8''${encodeURIComponent(name).replace(/['()*]/g, escape)}`;
}

function listen(server: Server, port: number): Promise<void> {
	return new Promise((resolve, reject) => {
		const fail = (cause: Error) =>
			reject(
				new UserFacingError('bad-argument', `--port ${port}: it cannot be listened on (${cause.message}).`, {
					remedy: 'Choose another port, or none to take a free one.',
					cause,
				}),
			);
		server.once('error', fail);
		server.listen(port, '127.0.0.1', () => {
			server.off('error', fail);
			resolve();
		});
	});
}
