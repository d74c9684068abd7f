import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parseCheckpoint } from './checkpoint.ts';
import { readTorchFile } from './torch-checkpoint.ts';
import { op, pickle, tensor, torchArchive, torchLegacy } from './torch-file.fixture.ts';

const STORED = new URL('../parity/fixtures/sparse-detr/checkpoint/', import.meta.url);
/** The one storage, where a tensor of the content lies in it. */
const storagesOf = (content: readonly number[]): Record<string, number[]> =>
	content.includes(0x51) ? { 0: [1, 2, 3, 4] } : {};
const FORMATS = [
	['archive', torchArchive],
	['older file', torchLegacy],
] as const;

describe.each(FORMATS)('an %s', (_, write) => {
	it('gives tensors by name, as views that share what they share in the file', () => {
		const numbers = [1, 2, 3, 4, 5, 6];
		const whole = tensor('0', 6, [2, 3]);
		const content = pickle(
			op.dict(
				[
					'model',
					op.dict(['whole', whole], ['tied', whole], ['turned', tensor('0', 6, [3, 2], { strides: [1, 3] })]),
				],
				['epoch', op.int(49)],
			),
		);
		const { weights, options } = parseCheckpoint(write(content, { 0: numbers }), 'f');
		expect([...weights.get('whole')!.data]).toEqual(numbers);
		expect(weights.get('tied')!.data).toBe(weights.get('whole')!.data);
		expect([...weights.get('turned')!.data]).toEqual([1, 4, 2, 5, 3, 6]);
		expect(options).toEqual({ epoch: 49 });
	});

	it.each([
		['under state_dict', op.dict(['state_dict', op.dict(['w', tensor('0', 1, [1])])], ['meta', op.dict()])],
		['as the whole file', op.dict(['w', tensor('0', 1, [1])])],
	])('finds them %s', (_where, content) => {
		expect([...parseCheckpoint(write(pickle(content), { 0: [7] }), 'f').weights.keys()]).toEqual(['w']);
	});

	it('says how many bytes are missing, wherever it is cut off', () => {
		const content = pickle(op.dict(['a', tensor('0', 8, [8])], ['b', tensor('1', 4, [2, 2])]));
		const bytes = write(content, { 0: Array<number>(8).fill(1), 1: [1, 2, 3, 4] });
		for (let length = 4; length < bytes.length; length++) {
			const cut = () => readTorchFile(bytes.slice(0, length), 'model.pth');
			expect(cut, `${length} of ${bytes.length} bytes`).toThrow(
				/^model\.pth is cut off: (at least )?[1-9]\d* bytes/,
			);
		}
	});

	const instance = (global: number[]) => [...global, ...op.tuple(op.text('echo')), ...op.reduce];
	it.each([
		['os.system', instance(op.global('os', 'system'))],
		['posix.system', instance(op.global('posix', 'system'))],
		['builtins.eval', instance(op.stackGlobal('builtins', 'eval'))],
		['builtins.getattr', op.global('builtins', 'getattr')],
		['torch.hub.load', instance(op.global('torch.hub', 'load'))],
		['torch.storage._load_from_bytes', instance(op.global('torch.storage', '_load_from_bytes'))],
		['torch.load', [...op.global('torch', 'load'), ...op.tuple(), ...op.newObject]],
		['torch.serialization.load', op.global('torch.serialization', 'load')],
		[
			'__main__.Model',
			[...op.global('__main__', 'Model'), ...op.tuple(), ...op.newObject, ...op.dict(), ...op.build],
		],
		['collections.OrderedDict.__class__', op.global('collections', 'OrderedDict.__class__')],
		['constructor.constructor', op.global('constructor', 'constructor')],
	])('is refused by name where its pickle asks for %s', (name, content) => {
		const text = name.replaceAll('.', '\\.');
		expect(() => readTorchFile(write(pickle(content)), 'model.pth')).toThrow(
			new RegExp(`^model\\.pth is refused: its pickle asks for ${text}, which`),
		);
		// The same below a name that is allowed, where it would run while the rest is being built.
		const hidden = [...op.global('collections', 'OrderedDict'), ...op.tuple(content), ...op.reduce];
		expect(() => readTorchFile(write(pickle(hidden)), 'model.pth')).toThrow(name);
	});

	const cyclic = [0x5d, ...op.put(1), ...op.get(1), 0x61];
	// Twice the same list, of twice the same list …: written out, 2^40 entries.
	const doubling = [
		...op.list(op.text('x')),
		...op.put(1),
		...Array.from({ length: 40 }, () => [0x30, ...op.list(op.get(1), op.get(1)), ...op.put(1)]).flat(),
	];
	const copies = (call: (got: number[]) => number[], large: number[]) => [
		...large,
		...op.put(2),
		...op.list(...Array.from({ length: 2000 }, () => call(op.get(2)))),
	];
	const copied = (got: number[]) => [
		...op.global('collections', 'OrderedDict'),
		...op.tuple(got),
		...op.reduce,
	];
	const encoded = (got: number[]) => [
		...op.global('_codecs', 'encode'),
		...op.tuple(got, op.text('latin1')),
		...op.reduce,
	];
	const entries = op.dict(
		...Array.from({ length: 4000 }, (_key, i): [string, number[]] => [`${i}`, op.none]),
	);
	const storageOf = (key: number[]) => [
		...op.tuple(op.text('storage'), op.global('torch', 'FloatStorage'), key, op.text('cpu'), op.int(1)),
		0x51,
	];
	const nested = Array.from({ length: 100 }, () => 0x5d).concat(Array.from({ length: 99 }, () => 0x61));
	it.each([
		['a list in itself', op.dict(['args', cyclic]), /holds data that contain themselves/],
		['lists in lists', op.dict(['args', nested]), /nested over 64 levels/],
		['no tensors', op.dict(['epoch', op.int(1)]), /holds no tensors by name: .* \(got epoch\)/],
		['a tensor beyond its storage', op.dict(['w', tensor('0', 4, [5])]), /does not fit its storage 0 of 4/],
		['an absurd size', op.dict(['w', tensor('0', 4, [1e9, 1e9], { strides: [0, 0] })]), /does not fit/],
		[
			'a negative size',
			op.dict(['w', tensor('0', 4, [0xffffffff])]),
			/tensor without storage, offset, shape/,
		],
		['a call of what is no name', [...op.int(1), ...op.tuple(), ...op.reduce], /it calls what is not a name/],
		['an operation beyond data', [0x82, 1], /the operation 0x82/],
		['an empty stack', [], /takes from an empty stack/],
		['copies of a dictionary without end', copies(copied, entries), /copy the same data again and again/],
		['copies of bytes without end', copies(encoded, op.text('x'.repeat(9000))), /again and again/],
		['a name without end', [...doubling, ...op.text('x'), 0x93], /a name is none/],
		['a storage whose name has no end', storageOf(doubling), /named by what is no name/],
		[
			'a key without end',
			[0x7d, 0x28, ...doubling, ...op.none, 0x75],
			/no tensors by name: .* \(got object\)/,
		],
		['a list for a dictionary', [0x5d, ...op.text('a'), ...op.none, 0x73], /what is no dictionary/],
	])('is refused with %s', (_what, content, message) => {
		expect(() => parseCheckpoint(write(pickle(content), storagesOf(content)), 'model.pth')).toThrow(message);
	});
});

// The low bytes of the length are those that a pickle of each protocol starts with.
it.each([0x80, 0x180, 0x280, 0x380, 0x480, 0x580])(
	'a safetensors file whose header has %i bytes is none of them',
	(headerBytes) => {
		const header = JSON.stringify({ w: { dtype: 'U8', shape: [1], data_offsets: [0, 1] } });
		const bytes = new Uint8Array(8 + headerBytes + 1);
		new DataView(bytes.buffer).setBigUint64(0, BigInt(headerBytes), true);
		bytes.set(new TextEncoder().encode(header.padEnd(headerBytes)), 8);
		bytes[8 + headerBytes] = 7;
		expect([...parseCheckpoint(bytes, 'model.safetensors').weights.get('w')!.data]).toEqual([7]);
	},
);

describe('says what else is wrong', () => {
	const content = pickle(op.dict(['w', tensor('0', 2, [2])]));
	it.each([
		['another pickle', Uint8Array.from(pickle(op.int(7))), /is a pickle, but not of torch\.save/],
		[
			'a wrong magic number',
			torchLegacy(content, { 0: [1, 2] }, { magic: [0x8a, 1, 5] }),
			/not of torch\.save/,
		],
		[
			'another protocol',
			torchLegacy(content, { 0: [1, 2] }, { protocol: 1002 }),
			/should be 1001 \(got 1002\)/,
		],
		[
			'a protocol that no number holds',
			Uint8Array.from([
				...torchLegacy(content).subarray(0, 15),
				...pickle([0x8a, 9, ...Array<number>(9).fill(7)]),
			]),
			/should be 1001 \(got 129/,
		],
		['big-endian numbers', torchLegacy(content, { 0: [1, 2] }, { littleEndian: false }), /not little-endian/],
		['a missing storage', torchArchive(content), /lacks data\/0/],
		['a missing storage in an older file', torchLegacy(content), /lacks storage 0/],
		['a storage of another size', torchArchive(content, { 0: [1] }), /should have 8 bytes \(got 4\)/],
		['a compressed archive', torchArchive(content, { 0: [1, 2] }, 8), /is compressed/],
		['neither kind of file', new TextEncoder().encode('GIF89a and so on'), /not a readable safetensors file/],
	])('%s', (_, bytes, message) => {
		expect(() => parseCheckpoint(bytes, 'model.pth')).toThrow(message);
	});
});

it.each(['checkpoint.pth', 'checkpoint-legacy.pth'])('%s cut off anywhere is refused', async (name) => {
	const bytes = new Uint8Array(await readFile(new URL(name, STORED)));
	for (let length = 1000; length < bytes.length; length += 9973) {
		const missing = /is cut off: (?:at least )?(\d+) bytes/;
		expect(() => readTorchFile(bytes.subarray(0, length), name)).toThrow(missing);
	}
	if (name === 'checkpoint-legacy.pth') {
		expect(() => readTorchFile(bytes.subarray(0, bytes.length - 5), name)).toThrow(/: 5 bytes/);
	}
});

it('reads the arguments of a training and scalars of numpy as plain data', () => {
	const dtype = [...op.global('numpy', 'dtype'), ...op.tuple(op.text('f8'), [0x89], [0x88]), ...op.reduce];
	const bytes = [
		...op.global('_codecs', 'encode'),
		...op.tuple(op.text('\0\0\0\0\0\0ø?'), op.text('latin1')),
		...op.reduce,
	];
	const scalar = [...op.global('numpy.core.multiarray', 'scalar'), ...op.tuple(dtype, bytes), ...op.reduce];
	const args = [
		...op.global('argparse', 'Namespace'),
		...op.tuple(),
		...op.newObject,
		...op.dict(['rho', [0x47, 0x3f, 0xd0, 0, 0, 0, 0, 0, 0]], ['names', op.list(op.text('a'))]),
		...op.build,
	];
	const content = pickle(
		op.dict(['w', tensor('0', 1, [1])], ['best', scalar], ['args', args], ['lr', op.none]),
	);
	const { options } = parseCheckpoint(torchArchive(content, { 0: [1] }), 'f');
	expect(options).toEqual({ best: 1.5, args: { rho: 0.25, names: ['a'] }, lr: null });
});
