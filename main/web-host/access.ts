import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** The parts of a request that decide whether it is answered. */
export type AskedRequest = { headers: IncomingHttpHeaders; url: URL };

/** Why a request is refused, as an HTTP status; null if it is allowed. */
export type Refusal = { status: 401 | 403; reason: string };

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
	 * own.
	 */
	refuseForeign({ headers }: AskedRequest): Refusal | null {
		const host = parseHost(headers.host);
		if (host === null || !LOOPBACK_NAMES.has(host.hostname)) {
			return { status: 403, reason: 'The host name must be 127.0.0.1 or localhost.' };
		}
		const { origin } = headers;
		if (origin !== undefined && origin !== host.origin) {
			return { status: 403, reason: 'Requests of other pages are not answered.' };
		}
		return null;
	}

	/** The token must come as a cookie or as `Authorization: Bearer`. */
	refuseStranger({ headers }: AskedRequest): Refusal | null {
		const bearer = /^Bearer (\S+)$/i.exec(headers.authorization ?? '')?.[1];
		const given = bearer ?? readCookie(headers.cookie, this.#cookieName);
		if (given !== undefined && this.#isToken(given)) return null;
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

function readCookie(header: string | undefined, name: string): string | undefined {
	for (const part of (header ?? '').split(';')) {
		const [key, value] = part.split('=', 2);
		if (key?.trim() === name) return value?.trim();
	}
	return undefined;
}
