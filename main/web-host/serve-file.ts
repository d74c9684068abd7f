import { open } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { answerRange, fileTag } from '../application/byte-ranges.ts';

/** Sends a file, or the requested part of it. `headers` describe it. Answers 404 if it no longer exists. */
export async function serveFile(
	request: IncomingMessage,
	response: ServerResponse,
	path: string,
	headers: Record<string, string>,
): Promise<void> {
	const file = await open(path).catch(() => null);
	if (file === null) {
		response.writeHead(404, { 'Content-Type': 'text/plain; charset=utf-8' }).end('The file is gone.\n');
		return;
	}
	try {
		// The opened file is measured and sent, whatever happens to its name.
		const found = await file.stat();
		const answer = answerRange(found.size, fileTag(found), {
			method: request.method ?? 'GET',
			range: request.headers.range ?? null,
			ifRange: header(request, 'if-range'),
			ifNoneMatch: request.headers['if-none-match'] ?? null,
		});
		response.writeHead(answer.status, { ...headers, ...answer.headers });
		if (answer.body === null) {
			response.end();
			return;
		}
		const { first, last } = answer.body;
		await pipeline(file.createReadStream({ start: first, end: last, autoClose: false }), response);
	} catch (error) {
		// A player that seeks often closes the connection in the middle of a response.
		if (!isHangUp(error)) throw error;
	} finally {
		await file.close();
	}
}

function header(request: IncomingMessage, name: string): string | null {
	const value = request.headers[name];
	return typeof value === 'string' ? value : null;
}

function isHangUp(error: unknown): boolean {
	const codes = ['ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET', 'EPIPE', 'ERR_STREAM_DESTROYED'];
	return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}
