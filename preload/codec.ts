import { decode, encode, ExtensionCodec } from '@msgpack/msgpack';
import type { ErrorData } from '../main/domain/errors.ts';
import type { HostEvent } from './contract.ts';

// Encoding of requests, answers and events for a socket: MessagePack with typed arrays. Electron's IPC does not need
// it.

/** From the page. */
export type RequestMessage = { id: number; name: string; input: unknown };

/** To the page: the reply to a request, or an event. */
export type HostMessage =
	{ id: number; answer: unknown } | { id: number; error: ErrorData } | { event: HostEvent };

/** Index in the list = type of the MessagePack extension. */
const ARRAY_TYPES = [
	Uint8Array,
	Int8Array,
	Uint16Array,
	Int16Array,
	Uint32Array,
	Int32Array,
	Float32Array,
	Float64Array,
] as const;

const extensionCodec = new ExtensionCodec();
for (const [type, ArrayType] of ARRAY_TYPES.entries()) {
	extensionCodec.register({
		type,
		encode: (value) => (value instanceof ArrayType ? bytesOf(value) : null),
		// A copy, since elements must be aligned. (`slice` of a Node Buffer would not copy.)
		decode: (bytes) => new ArrayType(new Uint8Array(bytes).buffer),
	});
}

// All processors that run a browser or Node today are little-endian, as are the arrays on the wire.
function bytesOf(array: ArrayBufferView): Uint8Array {
	return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

export function encodeMessage(message: RequestMessage | HostMessage): Uint8Array {
	return encode(message, { extensionCodec, ignoreUndefined: true });
}

/** Throws a RangeError or DecodeError for anything but a complete message. */
export function decodeMessage(bytes: Uint8Array): unknown {
	return decode(bytes, { extensionCodec });
}

/** The request in `bytes`; null for anything else. */
export function decodeRequest(bytes: Uint8Array): RequestMessage | null {
	let message: unknown;
	try {
		message = decodeMessage(bytes);
	} catch {
		return null;
	}
	if (typeof message !== 'object' || message === null) return null;
	const { id, name, input } = message as Partial<Record<keyof RequestMessage, unknown>>;
	if (typeof id !== 'number' || !Number.isSafeInteger(id) || typeof name !== 'string') return null;
	return { id, name, input };
}
