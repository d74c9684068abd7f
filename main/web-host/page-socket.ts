import type { WebSocket } from 'ws';
import { decodeRequest, encodeMessage, type HostMessage } from '../../preload/codec.ts';
import type { HostEvent } from '../../preload/contract.ts';
import type { Application } from '../application/application.ts';

/** While this much is buffered for a page, events that later ones replace are held back. */
const BUSY_BYTES = 256 * 1024;

const RETRY_MILLISECONDS = 50;

/** Close codes of RFC 6455: a message that is none of the protocol's, and a fault of the host. */
const UNSUPPORTED_DATA = 1003;
const INTERNAL_ERROR = 1011;

/** Connects one page with the application until either closes. */
export function connectPage(socket: WebSocket, application: Application): void {
	const send = (message: HostMessage) => {
		if (socket.readyState === socket.OPEN) socket.send(encodeMessage(message));
	};
	const events = new EventQueue(
		(event) => send({ event }),
		() => socket.bufferedAmount > BUSY_BYTES,
	);
	const stopListening = application.listen((event) => events.add(event));
	socket.on('message', (data, isBinary) => {
		const request = isBinary && data instanceof Buffer ? decodeRequest(data) : null;
		if (request === null) {
			socket.close(UNSUPPORTED_DATA, 'A request was expected.');
			return;
		}
		application
			.request(request.name, request.input)
			.then((reply) => send({ id: request.id, ...reply }))
			.catch(() => socket.close(INTERNAL_ERROR, 'An answer could not be sent.'));
	});
	socket.on('error', () => undefined); // `close` follows
	socket.on('close', () => {
		stopListening();
		events.close();
	});
}

/**
 * Events on their way to a page. All arrive in order, except progress: while a page is slow, only the newest progress
 * is kept.
 */
export class EventQueue {
	readonly #send: (event: HostEvent) => void;
	readonly #isBusy: () => boolean;
	readonly #held = new Map<string, HostEvent>();
	#timer: NodeJS.Timeout | null = null;

	constructor(send: (event: HostEvent) => void, isBusy: () => boolean) {
		this.#send = send;
		this.#isBusy = isBusy;
	}

	add(event: HostEvent): void {
		const key = replaceableAs(event);
		if (key !== null && (this.#isBusy() || this.#held.has(key))) {
			this.#held.set(key, event);
			this.#timer ??= setInterval(() => this.flush(), RETRY_MILLISECONDS);
			return;
		}
		// An end must not overtake progress that was held back before it.
		if (key === null && this.#held.size > 0 && !isFrames(event)) this.#sendHeld();
		this.#send(event);
	}

	/** Sends held-back events if the page has caught up. */
	flush(): void {
		if (!this.#isBusy()) this.#sendHeld();
	}

	close(): void {
		if (this.#timer) clearInterval(this.#timer);
		this.#timer = null;
		this.#held.clear();
	}

	#sendHeld(): void {
		const held = [...this.#held.values()];
		this.close();
		for (const event of held) this.#send(event);
	}
}

/** Events with the same key replace each other; null for those that must all arrive. */
function replaceableAs(event: HostEvent): string | null {
	switch (event.type) {
		case 'analysis.progress':
			return `${event.type} ${event.runId}`;
		case 'export.progress':
			return `${event.type} ${event.exportId}`;
		case 'frameTimes':
			return event.complete ? null : `${event.type} ${event.videoId}`;
		case 'proxy':
			return event.proxyUrl !== null || event.error !== null ? null : `${event.type} ${event.videoId}`;
		default:
			return null;
	}
}

function isFrames(event: HostEvent): boolean {
	return event.type === 'analysis.frames';
}
