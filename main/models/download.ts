import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { UserFacingError } from '../domain/errors.ts';
import { redirectTarget } from './addresses.ts';
import { REAL_DISK, requireSpace, writingError, type Disk, type PartFile } from './disk.ts';

/** A file to fetch; `bytes` and `sha256` are null where nobody states them. */
export type Transfer = { address: string; path: string; bytes: number | null; sha256: string | null };

/** How long a server is waited for, in milliseconds. */
export type Patience = {
	/** Until its answer begins, and between two pieces of it. */
	silence: number;
	/** Before each new attempt after a broken connection that brought nothing new. */
	pauses: readonly number[];
};

export type TransferOptions = {
	signal: AbortSignal;
	/** By host, hosts that it may send on to; see the catalogue. */
	redirects: Readonly<Record<string, readonly string[]>>;
	/** Told how much of the file is there, out of how much; null where the server does not say. */
	onBytes: (have: number, total: number | null) => void;
	disk?: Disk;
	patience?: Patience;
};

export type Fetched = { bytes: number; sha256: string };

const PATIENCE: Patience = { silence: 30_000, pauses: [500, 1000, 2000, 4000] };
const MOST_REDIRECTS = 8;
/** Answers that a later attempt may better. */
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);

/** What is known about a file that is partly there: without the same validator it begins anew. */
const noteSchema = z.object({ address: z.string(), validator: z.string(), total: z.number().nullable() });
type Note = z.infer<typeof noteSchema>;

/** A connection that broke, or a server that is busy: trying again may help. */
class BrokenConnection extends Error {}

/**
 * Fetches a file to `path`. What is there already of an earlier attempt, in `path`.part, is gone on from where the server still
 * has the same file. A connection that breaks is tried again a few times, then throws `download-failed`; what came is kept.
 * Throws `hash-mismatch`, after removing what came, `download-refused`, `disk-full`, and `cancelled` when `signal` is aborted.
 */
export async function download(transfer: Transfer, options: TransferOptions): Promise<Fetched> {
	const { signal, disk = REAL_DISK, patience = PATIENCE } = options;
	const part = await Part.open(transfer, disk);
	try {
		for (let failures = 0; ;) {
			const before = part.bytes;
			try {
				if (!part.isWhole) await receive(transfer, part, options);
				break;
			} catch (error) {
				if (signal.aborted) throw cancelled(transfer);
				if (!(error instanceof BrokenConnection)) throw error;
				if (part.bytes > before) failures = 0;
				const wait = patience.pauses[failures++];
				if (wait === undefined) throw failed(transfer, error);
				await pause(wait, undefined, { signal }).catch(() => undefined);
				if (signal.aborted) throw cancelled(transfer);
			}
		}
		return await part.finish(transfer.sha256);
	} finally {
		await part.close();
	}
}

async function receive(transfer: Transfer, part: Part, options: TransferOptions): Promise<void> {
	const { disk = REAL_DISK, patience = PATIENCE, onBytes } = options;
	const quiet = new AbortController();
	const timer = setTimeout(() => quiet.abort(), patience.silence);
	const signal = AbortSignal.any([options.signal, quiet.signal]);
	try {
		const response = await follow(transfer.address, part.rangeHeaders(), signal, options.redirects);
		timer.refresh();
		refusePage(response.url || transfer.address, response.headers.get('content-type') ?? '');
		const total = await part.begin(response, transfer);
		await requireSpace(disk, dirname(transfer.path), (total ?? transfer.bytes ?? 0) - part.bytes);
		onBytes(part.bytes, total);
		const reader = (response.body as ReadableStream<Uint8Array> | null)?.getReader();
		for (;;) {
			const { done, value } = (await reader?.read().catch(broken)) ?? { done: true, value: undefined };
			if (done) break;
			timer.refresh();
			if (part.bytes === 0) await part.refusePage(value);
			await part.append(value);
			if (transfer.bytes !== null && part.bytes > transfer.bytes) await part.refuseSize('more');
			onBytes(part.bytes, total);
		}
		if (total !== null && part.bytes !== total) {
			throw new BrokenConnection(`it ended after ${part.bytes} of ${total} bytes`);
		}
		if (transfer.bytes !== null && part.bytes !== transfer.bytes) await part.refuseSize(`${part.bytes}`);
	} catch (error) {
		if (quiet.signal.aborted && !options.signal.aborted) {
			throw new BrokenConnection(`nothing came for ${patience.silence / 1000} s`, { cause: error });
		}
		throw error;
	} finally {
		clearTimeout(timer);
		quiet.abort(); // ends what was not read to its end
	}
}

/** Throws `download-refused` for what a server says is a web page: what is there of the file already stays. */
function refusePage(address: string, contentType: string): void {
	if (/^(text\/html|application\/xhtml\+xml)\b/i.test(contentType)) throw isPage(address);
}

/** Bytes in which a page without a type shows that it is one. */
const PAGE_START = 256;

function isPage(address: string): UserFacingError {
	return new UserFacingError('download-refused', `${address}: a model's file was expected (a web page came).`, {
		remedy: 'Open the address in a browser: your network or the publisher may want you to sign in or to accept terms first.',
	});
}

/** The answer that has the file, after redirects. */
async function follow(
	address: string,
	headers: Record<string, string>,
	signal: AbortSignal,
	redirects: TransferOptions['redirects'],
): Promise<Response> {
	let url = new URL(address);
	for (let hops = 0; hops <= MOST_REDIRECTS; hops++) {
		const response = await fetch(url, { redirect: 'manual', headers, signal }).catch((error: unknown) => {
			throw certificateError(url, error) ?? broken(error);
		});
		const { status } = response;
		if (status < 300 || status >= 400 || status === 304) {
			// A part, or that there is no such part, is an answer only where a part was asked for.
			const answers = 'range' in headers ? [200, 206, 416] : [200];
			if (answers.includes(status)) return response;
			await response.body?.cancel();
			if (PASSING.has(status)) throw new BrokenConnection(`${url.host} answers with ${status}`);
			throw new UserFacingError(
				'download-refused',
				`${url.href}: the file was expected (the server answers with ${status}${response.statusText ? ` ${response.statusText}` : ''}).`,
			);
		}
		await response.body?.cancel();
		url = redirectTarget(url, response.headers.get('location'), redirects);
	}
	throw new UserFacingError(
		'download-refused',
		`${address}: the file was expected after at most ${MOST_REDIRECTS} redirects (got another one).`,
	);
}

/** A file that is partly there, with the hash of what is. */
class Part {
	readonly #transfer: Transfer;
	readonly #disk: Disk;
	#hash: Hash = createHash('sha256');
	#file: PartFile | null = null;
	#note: Note | null = null;
	bytes = 0;

	private constructor(transfer: Transfer, disk: Disk) {
		this.#transfer = transfer;
		this.#disk = disk;
	}

	static async open(transfer: Transfer, disk: Disk): Promise<Part> {
		const part = new Part(transfer, disk);
		const note = await readNote(part.#notePath);
		const found = await stat(part.#partPath).catch(() => null);
		if (!found || note?.address !== transfer.address) return part;
		for await (const piece of createReadStream(part.#partPath)) {
			part.#hash.update(piece as Buffer);
			part.bytes += (piece as Buffer).length;
		}
		part.#note = note;
		return part;
	}

	get #partPath(): string {
		return `${this.#transfer.path}.part`;
	}

	get #notePath(): string {
		return `${this.#transfer.path}.part.json`;
	}

	get isWhole(): boolean {
		return this.#note !== null && this.bytes === this.#note.total;
	}

	/** Asks for what is missing, provided that the file is still the same. */
	rangeHeaders(): Record<string, string> {
		const plain = { 'accept-encoding': 'identity' };
		if (this.bytes === 0 || !this.#note) return plain;
		return { ...plain, range: `bytes=${this.bytes}-`, 'if-range': this.#note.validator };
	}

	/** Makes ready for what an answer brings. Returns the size of the whole file, if the server says it. */
	async begin(response: Response, { address, bytes: expected }: Transfer): Promise<number | null> {
		const range = contentRange(response);
		const validator = validatorOf(response);
		const goesOn =
			response.status === 206 &&
			range?.from === this.bytes &&
			(validator === null || validator === this.#note?.validator);
		if (response.status !== 200 && !goesOn) {
			// Another part than was asked for, or of another file: what is there fits no more.
			await this.restart();
			throw new BrokenConnection('the file on the server has changed');
		}
		const total = goesOn ? (range?.total ?? null) : contentLength(response);
		if (expected !== null && total !== null && total !== expected) {
			await this.refuseSize(`${total}`);
		}
		if (goesOn) return total;
		await this.restart();
		this.#note = validator === null ? null : { address, validator, total };
		if (this.#note) await this.#write(() => writeFile(this.#notePath, JSON.stringify(this.#note)));
		return total;
	}

	async append(piece: Uint8Array): Promise<void> {
		await this.#write(async () => {
			this.#file ??= await this.#disk.open(this.#partPath, this.bytes > 0 ? 'a' : 'w');
			await this.#file.write(piece);
		});
		this.#hash.update(piece);
		this.bytes += piece.length;
	}

	/** Throws `download-refused` where a file's first bytes are those of a web page. */
	async refusePage(start: Uint8Array): Promise<void> {
		if (!/^\s*<(!doctype|html)/i.test(new TextDecoder().decode(start.subarray(0, PAGE_START)))) return;
		await this.discard();
		throw isPage(this.#transfer.address);
	}

	/** Throws `hash-mismatch`, after removing what came: the catalogue states another size. */
	async refuseSize(got: string): Promise<never> {
		await this.discard();
		throw mismatch(this.#transfer, `${this.#transfer.bytes} bytes`, got);
	}

	/** Puts the file at its place if it is the expected one. */
	async finish(expected: string | null): Promise<Fetched> {
		const sha256 = this.#hash.digest('hex');
		if (expected !== null && sha256 !== expected) {
			await this.discard();
			throw mismatch(this.#transfer, `the SHA-256 ${expected}`, sha256);
		}
		await this.#write(async () => {
			this.#file ??= await this.#disk.open(this.#partPath, 'a');
			await this.#file.sync();
			await this.close();
			await rename(this.#partPath, this.#transfer.path);
			await rm(this.#notePath, { force: true });
		});
		return { bytes: this.bytes, sha256 };
	}

	/** Forgets what is there: the next piece is the file's first. */
	async restart(): Promise<void> {
		await this.discard();
		this.#hash = createHash('sha256');
		this.bytes = 0;
		this.#note = null;
	}

	async discard(): Promise<void> {
		await this.close();
		await rm(this.#partPath, { force: true });
		await rm(this.#notePath, { force: true });
	}

	async close(): Promise<void> {
		const file = this.#file;
		this.#file = null;
		await file?.close().catch(() => undefined);
	}

	async #write(work: () => Promise<unknown>): Promise<void> {
		try {
			await work();
		} catch (error) {
			throw writingError(this.#transfer.path, error);
		}
	}
}

async function readNote(path: string): Promise<Note | null> {
	try {
		return noteSchema.parse(JSON.parse(await readFile(path, 'utf8')));
	} catch {
		return null;
	}
}

/** What If-Range may name: a strong entity tag, else the date (RFC 9110, 13.1.5). */
function validatorOf({ headers }: Response): string | null {
	const tag = headers.get('etag');
	if (tag !== null && !tag.startsWith('W/')) return tag;
	return headers.get('last-modified');
}

function contentRange({ headers }: Response): { from: number; total: number | null } | null {
	const found = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get('content-range') ?? '');
	if (!found) return null;
	return { from: Number(found[1]), total: found[2] === '*' ? null : Number(found[2]) };
}

/** Null where the bytes that come are not those that are counted. */
function contentLength({ headers }: Response): number | null {
	const length = headers.get('content-length');
	const encoding = headers.get('content-encoding') ?? 'identity';
	return length === null || encoding !== 'identity' ? null : Number(length);
}

function broken(error: unknown): never {
	throw new BrokenConnection(reasonOf(error), { cause: error });
}

/** The innermost cause says what happened: "fetch failed" says nothing. */
function reasonOf(error: unknown): string {
	if (!(error instanceof Error)) return String(error);
	if (error.cause instanceof Error) return reasonOf(error.cause);
	return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}

/** A certificate that is not trusted does not become so by trying again. */
function certificateError(url: URL, error: unknown): UserFacingError | null {
	const reason = reasonOf(error);
	if (!/CERT|ISSUER|SIGNATURE|SSL|TLS/.test(reason)) return null;
	return new UserFacingError('download-refused', `${url.host}: a trusted certificate was expected (${reason}).`, {
		remedy: 'Where a proxy of your network signs connections, NODE_EXTRA_CA_CERTS names its certificate.',
		cause: error,
	});
}

function failed({ address, path }: Transfer, cause: Error): UserFacingError {
	return new UserFacingError('download-failed', `${address}: the download broke off (${cause.message}).`, {
		remedy: `What was loaded is kept beside ${path}: get the model again to go on from there.`,
		cause,
	});
}

function cancelled({ address }: Transfer): UserFacingError {
	return new UserFacingError('cancelled', `The download of ${address} was cancelled.`, {
		remedy: 'Get the model again to go on from there.',
	});
}

function mismatch({ address }: Transfer, expected: string, got: string): UserFacingError {
	return new UserFacingError('hash-mismatch', `${address}: ${expected} was expected (got ${got}).`, {
		remedy: 'Nothing was installed; the file on the server is another one than the catalogue knows.',
	});
}
