import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** The parts of a request that decide whether it is answered. */
export type AskedRequest = { headers: IncomingHttpHeaders; url: URL };

/** Why a request is refused, as an HTTP status; null if it is allowed. */
export type Refusal = { status: 401 | 403; reason: string };

const FOREIGN_PAGE: Refusal = { status: 403, reason: 'Requests of other pages are not answered.' };
const LOOPBACK_NAMES = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** Access control: for one user on this machine, who has the token of this start. */
export class Access {
	readonly token: string;
	/** Cookies are shared between ports: two hosts at once must not use each other's. */
	readonly #cookieName: string;

	constructor(port: number, token = randomBytes(32).toString('base64url')) {
		this.token = token;
		this.#cookieName = `sparsight-${port}`;
	}

	/**
	 * A host name that is not this machine's means that a foreign page made its own name point here (DNS rebinding); a
	 * foreign origin means that another page sends requests behind the user's back. The port may differ: a tunnel has its
	 * own. What a foreign page embeds comes without an origin, but browsers say where from and for what (Fetch Metadata).
	 */
	refuseForeign({ headers }: AskedRequest): Refusal | null {
		const host = parseHost(headers.host);
		if (host === null || !LOOPBACK_NAMES.has(host.hostname)) {
			return { status: 403, reason: 'The host name must be 127.0.0.1 or localhost.' };
		}
		const { origin } = headers;
		if (origin !== undefined && origin !== host.origin) {
			return FOREIGN_PAGE;
		}
		const from = headers['sec-fetch-site'] ?? 'none';
		const isLink = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
		return from === 'same-origin' || from === 'none' || isLink ? null : FOREIGN_PAGE;
	}

	/** The token must come as a cookie or as `Authorization: Bearer`. */
	refuseStranger({ headers }: AskedRequest): Refusal | null {
		const bearer = /^Bearer (\S+)$/i.exec(headers.authorization ?? '')?.[1];
		// A page of another port can set a cookie of the same name, but not remove ours.
		const given = bearer === undefined ? readCookies(headers.cookie, this.#cookieName) : [bearer];
		if (given.some((one) => this.#isToken(one))) return null;
		return { status: 401, reason: 'Open the address that was printed when this program started.' };
	}

	/** A page may open the socket only from its own origin; a program without an origin must send the token itself. */
	refuseSocket(request: AskedRequest): Refusal | null {
		const { origin, authorization } = request.headers;
		if (origin === undefined && authorization === undefined) {
			return { status: 403, reason: 'An origin was expected.' };
		}
		return this.refuseForeign(request) ?? this.refuseStranger(request);
	}

	/** Whether the address contains the right token. */
	hasTokenInAddress({ url }: AskedRequest): boolean {
		const given = url.searchParams.get('token');
		return given !== null && this.#isToken(given);
	}

	/**
	 * A cookie that keeps the token out of addresses, and away from scripts and other sites, from the first request on.
	 */
	cookie(): string {
		return `${this.#cookieName}=${this.token}; Path=/; HttpOnly; SameSite=Strict`;
	}

	/** Compares in constant time, whatever the lengths. */
	#isToken(given: string): boolean {
		return timingSafeEqual(digest(given), digest(this.token));
	}
}

function digest(text: string): Buffer {
	return createHash('sha256').update(text).digest();
}

function parseHost(host: string | undefined): { hostname: string; origin: string } | null {
	if (host === undefined || !/^[\w.:[\]-]+$/.test(host)) return null;
	try {
		const { hostname, origin } = new URL(`http://${host}/`);
		return { hostname, origin };
	} catch {
		return null;
	}
}

/** The values of all cookies of this name. */
function readCookies(header: string | undefined, name: string): string[] {
	return (header ?? '')
		.split(';')
		.map((part) => part.split('=', 2))
		.filter(([key]) => key?.trim() === name)
		.map(([, value]) => value?.trim() ?? '');
}
