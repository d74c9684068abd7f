import { describe, expect, it } from 'vitest';
import { readSafetensors } from './safetensors.ts';
import { requireTensors } from './weights.ts';

function file(header: object | string, data: number[] = []): Uint8Array {
	const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
	const bytes = new Uint8Array(8 + text.length + data.length);
	new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
	bytes.set(text, 8);
	bytes.set(data, 8 + text.length);
	return bytes;
}

const bytesOf = (array: Float32Array | Uint16Array | Float64Array | Int32Array) => [
	...new Uint8Array(array.buffer),
];

describe('reads every element type as float32', () => {
	it.each([
		['F32', bytesOf(Float32Array.of(1.5, -2)), [1.5, -2]],
		['F16', bytesOf(Uint16Array.of(0x3e00, 0xc000)), [1.5, -2]],
		['BF16', bytesOf(Uint16Array.of(0x3fc0, 0xc000)), [1.5, -2]],
		['F64', bytesOf(Float64Array.of(1.5, -2)), [1.5, -2]],
		['I32', bytesOf(Int32Array.of(3, -2)), [3, -2]],
		['U8', [3, 200], [3, 200]],
	])('%s', (dtype, data, expected) => {
		const bytes = file({ w: { dtype, shape: [2], data_offsets: [0, data.length] } }, data);
		// A buffer that starts at an odd address, as files read into a pool do.
		const shifted = Buffer.concat([Buffer.of(0), bytes]).subarray(1);
		expect([...readSafetensors(shifted, 'f').get('w')!.data]).toEqual(expected);
	});
});

describe('says what is wrong with a file', () => {
	const entry = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };
	it.each([
		['nothing in it', new Uint8Array(3), /at least 8 bytes \(got 3\)/],
		['an absurd header length', file('').fill(0xff, 0, 8), /header claims/],
		[
			'a header that is cut off',
			file({ w: entry }, Array(8).fill(0)).subarray(0, 20),
			/bytes of its header are missing/,
		],
		['a header that is not JSON', file('{nonsense'), /not JSON/],
		[
			'data that are cut off',
			file({ v: entry, w: { ...entry, data_offsets: [8, 16] } }, [0, 0, 0]),
			/cut off: 13 bytes are missing, some of tensor v/,
		],
		[
			'a place of the wrong size',
			file({ w: { ...entry, data_offsets: [0, 4] } }, [0, 0, 0, 0]),
			/should take 8 bytes/,
		],
		[
			'tensors that overlap',
			file({ v: entry, w: { ...entry, data_offsets: [4, 12] } }, Array(12).fill(0)),
			/tensor w overlaps the one before it/,
		],
		[
			'tensors in the same place',
			file({ v: entry, w: entry }, Array(8).fill(0)),
			/tensor w overlaps the one before it/,
		],
		[
			'a hole between tensors',
			file({ w: { ...entry, data_offsets: [12, 20] }, v: entry }, Array(20).fill(0)),
			/tensor w leaves a hole of 4 bytes before it/,
		],
		[
			'bytes of no tensor',
			file({ w: entry }, Array(9).fill(0)),
			/1 bytes behind its last tensor belong to none/,
		],
		['an unknown type', file({ w: { ...entry, dtype: 'Q4' } }), /no type, shape or place/],
		['a negative shape', file({ w: { ...entry, shape: [-2] } }), /no type, shape or place/],
	])('%s', (_, bytes, message) => {
		expect(() => readSafetensors(bytes, 'model.safetensors')).toThrow(message);
		expect(() => readSafetensors(bytes, 'model.safetensors')).toThrow(/^model\.safetensors/);
	});
});

describe('requireTensors', () => {
	const lookup = requireTensors(new Map([['w', { data: new Float32Array(6), shape: [2, 3] }]]), 'the file');
	it.each([
		['missing', 'v', [2, 3], 'the file lacks the tensor v of shape [2, 3].'],
		['of another shape', 'w', [3, 2], 'the file: the tensor w should have the shape [3, 2] (got [2, 3]).'],
		['of another rank', 'w', [6], 'the file: the tensor w should have the shape [6] (got [2, 3]).'],
	])('names a tensor that is %s', (_, name, shape, message) => {
		expect(() => lookup(name, shape)).toThrow(message);
	});

	it('gives the tensor that fits', () => {
		expect(lookup('w', [2, 3]).data.length).toBe(6);
	});
});
