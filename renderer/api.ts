import type { ErrorData } from '../main/domain/errors.ts';
import { decodeMessage, encodeMessage, type HostMessage } from '../preload/codec.ts';
import type { HostApi, HostEvent } from '../preload/contract.ts';

declare global {
	interface Window {
		/** Set by the preload script of the desktop application. */
		sparsight?: HostApi;
	}
}

/** Whether the host can be reached. */
export type Connection = 'open' | 'lost';

export type HostLink = {
	host: HostApi;
	/** Calls `listener` whenever the connection opens or is lost; the desktop's never is. */
	onConnection(listener: (connection: Connection) => void): void;
};

/** Longest pause between two attempts to reconnect to the web host. */
const LONGEST_PAUSE_MS = 5000;

/** The desktop's bridge if there is one, else the web host that served this page. */
export function linkToHost(): HostLink {
	if (window.sparsight) return { host: window.sparsight, onConnection: () => undefined };
	return new SocketLink(socketUrl(window.location));
}

/** The socket beside the page, with the same token in its address. */
export function socketUrl(page: Pick<Location, 'href'>): string {
	const url = new URL('socket', page.href);
	url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
	url.search = new URL(page.href).search;
	url.hash = '';
	return url.href;
}

/** The reason of a refused request, in whatever form it came through the bridge. */
export function toErrorData(reason: unknown): ErrorData {
	if (typeof reason === 'object' && reason !== null && 'message' in reason) {
		const { code, message, remedy, stack } = reason as Partial<Record<keyof ErrorData, unknown>>;
		return {
			code: (typeof code === 'string' ? code : 'internal') as ErrorData['code'],
			message: String(message),
			remedy: typeof remedy === 'string' ? remedy : null,
			stack: typeof stack === 'string' ? stack : null,
		};
	}
	return { code: 'internal', message: String(reason), remedy: null, stack: null };
}

type Waiting = { resolve: (answer: unknown) => void; reject: (error: ErrorData) => void };

class SocketLink implements HostLink {
	readonly host: HostApi;
	readonly #url: string;
	readonly #waiting = new Map<number, Waiting>();
	readonly #listeners = new Set<(event: HostEvent) => void>();
	readonly #connectionListeners = new Set<(connection: Connection) => void>();
	/** Sent as soon as the socket is open. */
	#outbox: Uint8Array[] = [];
	#socket: WebSocket | null = null;
	#nextId = 1;
	#pauseMs = 250;

	constructor(url: string) {
		this.#url = url;
		this.host = {
			request: (name, input) => this.#request(name, input) as ReturnType<HostApi['request']> as never,
			listen: (listener) => {
				this.#listeners.add(listener);
				return () => this.#listeners.delete(listener);
			},
			dropToken: () => null,
		};
		this.#connect();
	}

	onConnection(listener: (connection: Connection) => void): void {
		this.#connectionListeners.add(listener);
	}

	#request(name: string, input: unknown): Promise<unknown> {
		return new Promise((resolve, reject) => {
			const id = this.#nextId++;
			this.#waiting.set(id, { resolve, reject });
			const message = encodeMessage({ id, name, input });
			if (this.#socket?.readyState === WebSocket.OPEN) this.#send(message);
			else this.#outbox.push(message);
		});
	}

	#send(message: Uint8Array): void {
		this.#socket?.send(message as Uint8Array<ArrayBuffer>);
	}

	#connect(): void {
		const socket = new WebSocket(this.#url);
		socket.binaryType = 'arraybuffer';
		this.#socket = socket;
		socket.addEventListener('open', () => {
			this.#pauseMs = 250;
			const outbox = this.#outbox;
			this.#outbox = [];
			for (const message of outbox) this.#send(message);
			for (const listener of this.#connectionListeners) listener('open');
		});
		socket.addEventListener('message', ({ data }) => {
			if (data instanceof ArrayBuffer) this.#take(decodeMessage(new Uint8Array(data)) as HostMessage);
		});
		socket.addEventListener('close', () => {
			this.#fail();
			for (const listener of this.#connectionListeners) listener('lost');
			window.setTimeout(() => this.#connect(), this.#pauseMs);
			this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
		});
	}

	#take(message: HostMessage): void {
		if ('event' in message) {
			for (const listener of this.#listeners) listener(message.event);
			return;
		}
		const waiting = this.#waiting.get(message.id);
		this.#waiting.delete(message.id);
		if ('error' in message) waiting?.reject(message.error);
		else waiting?.resolve(message.answer);
	}

	/** Rejects requests whose answers are lost with the connection; unsent ones wait for the next one. */
	#fail(): void {
		if (this.#outbox.length > 0) return;
		const waiting = [...this.#waiting.values()];
		this.#waiting.clear();
		for (const { reject } of waiting) {
			reject({
				code: 'internal',
				message: 'The connection to the host was lost.',
				remedy: null,
				stack: null,
			});
		}
	}
}
