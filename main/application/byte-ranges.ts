/**
 * Which bytes of a file an HTTP response carries, according to RFC 9110 (§13 conditions, §14 ranges). Sizes beyond 4
 * GiB are fine.
 */
export type RangedAnswer = {
	status: 200 | 206 | 304 | 416;
	/** Content-Length, Content-Range, ETag, Accept-Ranges. */
	headers: Record<string, string>;
	/** First and last byte to send, both included; null if the response has no body. */
	body: { first: number; last: number } | null;
};

/** The parts of a request that decide about bytes; null if the header is absent. */
export type RangeRequest = {
	method: string;
	range: string | null;
	ifRange: string | null;
	ifNoneMatch: string | null;
};

/** The response for a file of `size` bytes whose strong validator is `etag`, quotes included. */
export function answerRange(size: number, etag: string, request: RangeRequest): RangedAnswer {
	const common = { ETag: etag, 'Accept-Ranges': 'bytes' };
	if (request.ifNoneMatch !== null && listsTag(request.ifNoneMatch, etag)) {
		return { status: 304, headers: common, body: null };
	}
	const withBody = request.method !== 'HEAD';
	// Ranges are defined for GET only. A date in If-Range never equals a tag, so the whole file is sent, which is always
	// valid.
	const applies = request.method === 'GET' && (request.ifRange === null || request.ifRange.trim() === etag);
	const range = applies && request.range !== null ? parseRange(request.range, size) : 'whole';
	if (range === 'unsatisfiable') {
		return {
			status: 416,
			headers: { ...common, 'Content-Range': `bytes */${size}`, 'Content-Length': '0' },
			body: null,
		};
	}
	if (range === 'whole') {
		return {
			status: 200,
			headers: { ...common, 'Content-Length': String(size) },
			body: withBody && size > 0 ? { first: 0, last: size - 1 } : null,
		};
	}
	const { first, last } = range;
	return {
		status: 206,
		headers: {
			...common,
			'Content-Range': `bytes ${first}-${last}/${size}`,
			'Content-Length': String(last - first + 1),
		},
		body: range,
	};
}

/** A strong validator that changes with the file's content as far as the file system tells. */
export function fileTag(file: { size: number; mtimeMs: number; ino: number }): string {
	return `"${file.size.toString(16)}-${Math.round(file.mtimeMs * 1000).toString(16)}-${file.ino.toString(16)}"`;
}

/**
 * `bytes=0-99`, `bytes=100-`, `bytes=-100`. Several ranges, other units and invalid ranges give the whole file, as the
 * RFC allows.
 */
function parseRange(
	header: string,
	size: number,
): { first: number; last: number } | 'whole' | 'unsatisfiable' {
	const [, from = '', to = ''] = /^\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*$/i.exec(header) ?? [];
	if (from === '' && to === '') return 'whole';
	if (from === '') {
		const suffix = Number(to);
		if (suffix === 0 || size === 0) return 'unsatisfiable';
		return { first: Math.max(0, size - suffix), last: size - 1 };
	}
	const first = Number(from);
	const last = to === '' ? size - 1 : Number(to);
	if (to !== '' && last < first) return 'whole'; // not a valid range
	if (first >= size) return 'unsatisfiable';
	return { first, last: Math.min(last, size - 1) };
}

function listsTag(header: string, etag: string): boolean {
	const tags = header.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
	return tags.includes('*') || tags.includes(etag);
}
