import { UserFacingError } from '../domain/errors.ts';

/** Reads the bytes of a pickle from front to back; throws `model-unreadable` if they end too early. */
export class PickleBytes {
	/** Position of the next byte. */
	at: number;
	readonly #bytes: Uint8Array;
	readonly #view: DataView;
	readonly #place: string;

	constructor(bytes: Uint8Array, start: number, place: string) {
		this.#bytes = bytes;
		this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
		this.at = start;
		this.#place = place;
	}

	take(count: number): Uint8Array {
		const start = this.skip(count);
		return this.#bytes.subarray(start, start + count);
	}

	byte(): number {
		return this.#view.getUint8(this.skip(1));
	}

	/** Little-endian, of 2, 4 or 8 bytes. */
	unsigned(size: 2 | 4 | 8): number {
		const start = this.skip(size);
		if (size === 2) return this.#view.getUint16(start, true);
		if (size === 4) return this.#view.getUint32(start, true);
		return Number(this.#view.getBigUint64(start, true));
	}

	int32(): number {
		return this.#view.getInt32(this.skip(4), true);
	}

	/** Big-endian, as pickles write them. */
	float64(): number {
		return this.#view.getFloat64(this.skip(8));
	}

	/** A signed integer of `size` bytes, little-endian; a bigint if a number can't hold it. */
	long(size: number): number | bigint {
		if (size > MAX_LONG_BYTES) {
			throw new UserFacingError('model-unreadable', `${this.#place} holds a number of ${size} bytes.`);
		}
		const digits = this.take(size);
		let value = 0n;
		for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(digits[i]!);
		value = BigInt.asIntN(8 * size, value);
		return Number.isSafeInteger(Number(value)) ? Number(value) : value;
	}

	text(size: number, encoding: 'utf-8' | 'latin1' = 'utf-8'): string {
		return new TextDecoder(encoding).decode(this.take(size));
	}

	/** The text up to the next line break, which is skipped. */
	line(): string {
		const end = this.#bytes.indexOf(0x0a, this.at);
		const text = this.text((end < 0 ? this.#bytes.length + 1 : end) - this.at);
		this.skip(1);
		return text;
	}

	/** Advances, and returns the position before. */
	skip(count: number): number {
		const start = this.at;
		const missing = start + count - this.#bytes.length;
		if (missing > 0) {
			throw new UserFacingError(
				'model-unreadable',
				`${this.#place} is cut off: at least ${missing} bytes of its pickle are missing.`,
			);
		}
		this.at += count;
		return start;
	}
}

/** Seeds and counters are much shorter; a longer one would only waste time. */
const MAX_LONG_BYTES = 255;
