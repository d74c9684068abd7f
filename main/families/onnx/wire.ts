/** A field of a protobuf message. */
export type WireField = {
	number: number;
	/** What is between the field's length and its end; null for fields that are single numbers. */
	bytes: Uint8Array | null;
	/** Of a field that is a single number and no larger than 2^53; else 0. */
	value: number;
	/** Where the field begins, its tag included, and where it ends. */
	from: number;
	to: number;
};

/**
 * The fields of a message one after the other, as views: nothing in them is looked at, so that gigabytes of weights cost
 * nothing. Throws RangeError where the message ends within a field, or is none.
 */
export function* wireFields(message: Uint8Array): Generator<WireField> {
	let at = 0;
	const varint = (): number => {
		let value = 0;
		for (let factor = 1; factor < 2 ** 70; factor *= 128) {
			const byte = message[at++];
			if (byte === undefined) throw new RangeError('the message ends within a number');
			value += (byte & 127) * factor;
			if (byte < 128) return value;
		}
		throw new RangeError('a number is longer than ten bytes');
	};
	while (at < message.length) {
		const from = at;
		const tag = varint();
		const number = Math.floor(tag / 8);
		if (number === 0) throw new RangeError('a field has the number 0');
		let bytes: Uint8Array | null = null;
		let value = 0;
		switch (tag % 8) {
			case 0:
				value = varint();
				break;
			case 1:
				at += 8;
				break;
			case 2: {
				const length = varint();
				bytes = message.subarray(at, at + length);
				at += length;
				break;
			}
			case 5:
				at += 4;
				break;
			default:
				throw new RangeError(`a field is of the unknown kind ${tag % 8}`);
		}
		if (at > message.length) throw new RangeError('the message ends within a field');
		yield { number, bytes, value, from, to: at };
	}
}

/** The tag and length before a field's `length` bytes of content. */
export function fieldHead(number: number, length: number): Uint8Array {
	return Uint8Array.of(...varintBytes(8 * number + 2), ...varintBytes(length));
}

function varintBytes(value: number): number[] {
	const bytes: number[] = [];
	let rest = value;
	for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
	return [...bytes, rest];
}
