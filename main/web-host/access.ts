import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** What of a request decides whether it is answered. */
export type AskedRequest = { headers: IncomingHttpHeaders; url: URL };

/** Why a request is not answered, as an HTTP status; null where it may be. */
export type Refusal = { status: 401 | 403; reason: string };

const LOOPBACK_NAMES = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** Who may ask: one person on this machine, who knows the token of this start. */
export class Access {
	readonly token: string;
	/** Cookies do not know ports: two hosts at once must not take each other's. */
	readonly #cookieName: string;

	constructor(port: number, token = randomBytes(32).toString('base64url')) {
		this.token = token;
		this.#cookieName = `sparsight-${port}`;
	}

	/**
	 * A name that is not this machine's means that a foreign page made its own name point here (DNS rebinding); a
	 * foreign origin, that another page asks behind the person's back. The port may differ: a tunnel has its own.
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

	/** A page may open the socket only from its own origin; a program without one must bring the token itself. */
	refuseSocket(request: AskedRequest): Refusal | null {
		const { origin, authorization } = request.headers;
		if (origin === undefined && authorization === undefined) {
			return { status: 403, reason: 'An origin was expected.' };
		}
		return this.refuseForeign(request) ?? this.refuseStranger(request);
	}

	/** Whether the address itself brings the right token. */
	hasTokenInAddress({ url }: AskedRequest): boolean {
		const given = url.searchParams.get('token');
		return given !== null && this.#isToken(given);
	}

	/** Keeps the token out of addresses, and away from scripts and other sites, from the first request on. */
	cookie(): string {
		return `${this.#cookieName}=${this.token}; Path=/; HttpOnly; SameSite=Strict`;
	}

	/** In a time that does not depend on how much of it is right, or how long it is. */
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
