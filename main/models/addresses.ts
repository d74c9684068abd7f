import { UserFacingError } from '../domain/errors.ts';

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Whether downloads may come from an address: https, or http from this very machine. */
export function isAllowedAddress(address: string): boolean {
	let url: URL;
	try {
		url = new URL(address);
	} catch {
		return false;
	}
	if (url.username !== '' || url.password !== '') return false;
	return url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.has(url.hostname));
}

/** Names a server that has ID/FILE for every model, instead of the publishers'. */
const MIRROR_VARIABLE = 'SPARSIGHT_MIRROR';

/** The mirror that is given, or that the environment names; null for the publishers themselves. Throws `bad-argument`. */
export function chosenMirror(given = process.env[MIRROR_VARIABLE]): string | null {
	return given ? mirrorAddress(given) : null;
}

/** The address of a mirror, with a slash at its end. Throws `bad-argument`. */
function mirrorAddress(text: string): string {
	if (!isAllowedAddress(text)) {
		throw new UserFacingError(
			'bad-argument',
			`A mirror must be an https address, or an http address of this machine (got "${text}").`,
		);
	}
	if (/[?#]/.test(text)) {
		throw new UserFacingError(
			'bad-argument',
			`The address of a mirror must end with a folder, without "?" or "#" (got "${text}").`,
			{ remedy: 'Files are asked for as ADDRESS/ID/FILE.' },
		);
	}
	return text.endsWith('/') ? text : `${text}/`;
}

/**
 * Where a server sends a download on to: on the same host, or to a host that the catalogue lists for it. Throws
 * `download-refused` for all others, for http after https, and for what is no address.
 */
export function redirectTarget(
	from: URL,
	location: string | null,
	redirects: Readonly<Record<string, readonly string[]>>,
): URL {
	const refuse = (to: string) =>
		new UserFacingError(
			'download-refused',
			`${from.host} sends the download on to ${to}; the same host was expected, or one that the catalogue lists.`,
			{ remedy: 'Get the file yourself, look at it, and install it with "sparsight models add".' },
		);
	if (location === null || !URL.canParse(location, from.href)) throw refuse('no readable address');
	const to = new URL(location, from);
	const isWeaker = from.protocol === 'https:' && to.protocol !== 'https:';
	if (!isAllowedAddress(to.href) || isWeaker) throw refuse(`${to.protocol}//${to.host}`);
	if (to.host === from.host || isListed(to, redirects[from.hostname] ?? [])) return to;
	throw refuse(to.host);
}

function isListed({ hostname, port, protocol }: URL, hosts: readonly string[]): boolean {
	if (protocol !== 'https:' || port !== '') return false;
	return hosts.some((host) =>
		host.startsWith('*.') ? hostname.endsWith(host.slice(1)) : hostname === host,
	);
}
