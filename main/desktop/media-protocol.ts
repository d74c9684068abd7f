import { open, type FileHandle } from 'node:fs/promises';
import { answerRange, fileTag } from '../application/byte-ranges.ts';
import { mediaType } from '../application/media-types.ts';
import type { MediaKind } from '../application/shell.ts';
import { errorToData } from '../domain/errors.ts';
import { PAGE_ORIGIN } from './schemes.ts';

/** Size of one read: large enough to keep up with a player, small enough to be wasted on a seek. */
const CHUNK_BYTES = 256 * 1024;

/** Lets the page, and only the page, read answers of this other scheme. */
const HEADERS = {
	'Access-Control-Allow-Origin': PAGE_ORIGIN,
	'Access-Control-Expose-Headers': 'Accept-Ranges, Content-Length, Content-Range, ETag',
	'Cross-Origin-Resource-Policy': 'cross-origin',
	'X-Content-Type-Options': 'nosniff',
	'Cache-Control': 'no-store',
};

const PREFLIGHT_HEADERS = {
	...HEADERS,
	'Access-Control-Allow-Methods': 'GET, HEAD',
	'Access-Control-Allow-Headers': 'Range, If-Range, If-None-Match',
	'Access-Control-Max-Age': '86400',
};

/** The address of a video. It holds an id, never a path. */
export function mediaUrl(videoId: string, kind: MediaKind): string {
	return `media://video/${videoId}/${kind}`;
}

/**
 * Answers `media:` requests with the requested bytes (RFC 9110 ranges). `fileOf` gives the path behind an id, null if
 * there is none; its errors become 404, errors of the disk 500.
 */
export async function answerMediaRequest(
	request: Pick<Request, 'url' | 'method' | 'headers'>,
	fileOf: (videoId: string, kind: MediaKind) => Promise<string | null>,
): Promise<Response> {
	const { method, headers } = request;
	if (method === 'OPTIONS') return new Response(null, { status: 204, headers: PREFLIGHT_HEADERS });
	if (method !== 'GET' && method !== 'HEAD') return refusal(405);
	const [, videoId, kind] = /^media:\/\/video\/([a-z0-9-]{1,64})\/(source|proxy)$/.exec(request.url) ?? [];
	if (videoId === undefined) return refusal(404);
	const path = await fileOf(videoId, kind as MediaKind).catch(() => null);
	if (path === null) return refusal(404);

	let file: FileHandle;
	try {
		file = await open(path);
	} catch (error) {
		return refusal(errorToData(error).code === 'file-not-found' ? 404 : 500);
	}
	try {
		// The opened file is measured and sent, whatever happens to its name.
		const found = await file.stat();
		const answer = answerRange(found.size, fileTag(found), {
			method,
			range: headers.get('range'),
			ifRange: headers.get('if-range'),
			ifNoneMatch: headers.get('if-none-match'),
		});
		if (answer.body === null) await file.close();
		return new Response(answer.body && streamOf(file, answer.body.first, answer.body.last), {
			status: answer.status,
			headers: { ...HEADERS, ...answer.headers, 'Content-Type': mediaType(path) },
		});
	} catch {
		await file.close();
		return refusal(500);
	}
}

/** Bytes `first` to `last` of a file, read on demand; closes the file at the end and when cancelled. */
function streamOf(file: FileHandle, first: number, last: number): ReadableStream<Uint8Array> {
	let position = first;
	return new ReadableStream<Uint8Array>(
		{
			async pull(controller) {
				const wanted = Math.min(CHUNK_BYTES, last - position + 1);
				try {
					const chunk = new Uint8Array(wanted);
					const { bytesRead } = await file.read(chunk, 0, wanted, position);
					// Fewer bytes than announced would be taken for the end of the video.
					if (bytesRead === 0) throw new Error('The file became shorter while it was read.');
					position += bytesRead;
					controller.enqueue(chunk.subarray(0, bytesRead));
				} catch (error) {
					await file.close();
					controller.error(error);
					return;
				}
				if (position > last) {
					await file.close();
					controller.close();
				}
			},
			cancel: () => file.close(),
		},
		// Nothing is read ahead.
		{ highWaterMark: 0 },
	);
}

function refusal(status: number): Response {
	return new Response(null, { status, headers: HEADERS });
}
