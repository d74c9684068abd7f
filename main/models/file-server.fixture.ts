import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

// For tests only: a server on this machine that misbehaves as told.

export type Behaviour = {
	/** Answers with the whole file whatever part is asked for. */
	ignoresRanges?: boolean;
	/** Sends no entity tag and no date. */
	anonymous?: boolean;
	/** Does not say how long the file is. */
	lengthless?: boolean;
	/** Cuts the connection after so many bytes of an answer, so many times. */
	breaks?: { after: number; times: number };
	/** Stops sending after so many bytes of a longer answer, without an end. */
	stallsAfter?: number;
	/** Answers with this status instead, so many times. */
	fails?: { status: number; times: number };
	/** Says that what it sends is of this type. */
	contentType?: string;
	/** Sends every request on to this address. */
	location?: string;
};

export type Asked = { url: string; range: string | undefined };

/** Serves files by their paths, with ranges as RFC 9110 has them. */
export async function serveFiles(files: Map<string, Buffer>, behaviour: Behaviour = {}) {
	const asked: Asked[] = [];
	const server = createServer((request, response) => {
		asked.push({ url: request.url ?? '', range: request.headers.range });
		answer(request, response, files, behaviour);
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const { port } = server.address() as AddressInfo;
	return {
		address: `http://127.0.0.1:${port}/`,
		asked,
		behaviour,
		files,
		close: async () => {
			server.closeAllConnections();
			server.close();
			await once(server, 'close');
		},
	};
}

function answer(
	request: IncomingMessage,
	response: ServerResponse,
	files: Map<string, Buffer>,
	behaviour: Behaviour,
): void {
	const { fails, location, breaks } = behaviour;
	if (fails && fails.times-- > 0) {
		response.writeHead(fails.status).end();
		return;
	}
	if (location !== undefined) {
		response.writeHead(302, { location }).end();
		return;
	}
	const content = files.get(request.url?.slice(1) ?? '');
	if (!content) {
		response.writeHead(404).end('nothing here');
		return;
	}
	const tag = `"${createHash('sha256').update(content).digest('hex').slice(0, 16)}"`;
	const { anonymous, contentType } = behaviour;
	const headers = { ...(!anonymous && { etag: tag }), ...(contentType && { 'content-type': contentType }) };
	const wanted = behaviour.ignoresRanges ? null : /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
	const isSame = request.headers['if-range'] === undefined || request.headers['if-range'] === tag;
	const from = wanted && isSame ? Number(wanted[1]) : 0;
	const body = content.subarray(from);
	if (wanted && isSame) {
		const range = `bytes ${from}-${content.length - 1}/${content.length}`;
		response.writeHead(206, { ...headers, 'content-range': range, 'content-length': body.length });
	} else response.writeHead(200, behaviour.lengthless ? headers : { ...headers, 'content-length': body.length });
	if (breaks && breaks.times-- > 0) {
		response.write(body.subarray(0, breaks.after), () => setTimeout(() => response.destroy(), 20));
	} else if (body.length <= (behaviour.stallsAfter ?? Infinity)) response.end(body);
	else response.write(body.subarray(0, behaviour.stallsAfter));
}
