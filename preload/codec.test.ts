import { describe, expect, it } from 'vitest';
import { decodeMessage, decodeRequest, encodeMessage } from './codec.ts';

const view = new Float64Array([9, 1.5, Number.NaN, -0]).subarray(1);

describe('what crosses the socket', () => {
	it.each([
		['bytes', Uint8Array.of(0, 255)],
		['signed bytes', Int8Array.of(-128, 127)],
		['16 bits', Uint16Array.of(65_535)],
		['16 signed bits', Int16Array.of(-32_768)],
		['32 bits', Uint32Array.of(4_294_967_295)],
		['32 signed bits', Int32Array.of(-2_147_483_648)],
		['single precision with NaN', Float32Array.of(0.1, Number.NaN)],
		['a part of a larger buffer', view],
		['nothing', new Float32Array(0)],
	])('arrives as the array it was: %s', (_, array) => {
		// One character before it puts the elements where they are not aligned.
		const arrived = decodeMessage(encodeMessage({ id: 1, answer: { a: 'x', array } })) as {
			answer: { array: typeof array };
		};
		expect(arrived.answer.array).toEqual(array);
		expect(arrived.answer.array.constructor).toBe(array.constructor);
	});

	it('arrives in Node, too, which receives a part of a larger Buffer', () => {
		const bytes = Buffer.concat([Buffer.of(1, 2, 3), encodeMessage({ id: 1, answer: view })]).subarray(3);
		expect(decodeMessage(bytes)).toEqual({ id: 1, answer: view });
	});

	it('arrives with the plain values it had', () => {
		const answer = { text: '歩行者', list: [1, -2, 0.5, null, true], nested: { empty: {} } };
		expect(decodeMessage(encodeMessage({ id: 2 ** 40, answer }))).toEqual({ id: 2 ** 40, answer });
	});

	it.each([
		['noise', Uint8Array.of(0xc1)],
		['a cut message', encodeMessage({ id: 1, name: 'app.describe', input: {} }).slice(0, -1)],
		['two messages at once', Uint8Array.of(0x80, 0x80)],
		['a number', Uint8Array.of(7)],
		['no id', encodeMessage({ name: 'app.describe', input: {} } as never)],
		['a broken id', encodeMessage({ id: 1.5, name: 'app.describe', input: {} })],
		['no name', encodeMessage({ id: 1, input: {} } as never)],
		[
			'a key that would reach the prototype',
			Uint8Array.of(0x81, 0xa9, ...new TextEncoder().encode('__proto__'), 0),
		],
	])('is no request: %s', (_, bytes) => {
		expect(decodeRequest(bytes)).toBeNull();
	});

	it('is a request with id, name and input, and nothing else', () => {
		const bytes = encodeMessage({ id: 3, name: 'run.list', input: { videoId: 'a' }, more: 1 } as never);
		expect(decodeRequest(bytes)).toEqual({ id: 3, name: 'run.list', input: { videoId: 'a' } });
	});
});
