// Writes files like torch.save's, valid and invalid ones: pickles from their operations, archives, older files.

const ascii = (text: string) => [...new TextEncoder().encode(text)];
const little = (value: number, size: number) =>
	Array.from({ length: size }, (_, i) => Math.floor(value / 2 ** (8 * i)) % 256);

/** Operations of a pickle, as bytes. */
export const op = {
	global: (module: string, name: string) => ascii(`c${module}\n${name}\n`),
	stackGlobal: (module: string, name: string) => [...op.text(module), ...op.text(name), 0x93],
	text: (text: string) => [0x58, ...little(ascii(text).length, 4), ...ascii(text)],
	int: (value: number) => [0x4a, ...little(value, 4)],
	tuple: (...parts: number[][]) => [0x28, ...parts.flat(), 0x74],
	list: (...parts: number[][]) => [0x5d, 0x28, ...parts.flat(), 0x65],
	dict: (...pairs: [string, number[]][]) => [
		0x7d,
		0x28,
		...pairs.flatMap(([key, value]) => [...op.text(key), ...value]),
		0x75,
	],
	none: [0x4e],
	reduce: [0x52],
	newObject: [0x81],
	build: [0x62],
	put: (place: number) => [0x71, place],
	get: (place: number) => [0x68, place],
};

export function pickle(...parts: readonly (readonly number[])[]): number[] {
	return [0x80, 2, ...parts.flat(), 0x2e];
}

/** A float32 tensor in storage `key` of `count` elements. */
export function tensor(
	key: string,
	count: number,
	shape: readonly number[],
	options: { offset?: number; strides?: readonly number[] } = {},
): number[] {
	const { offset = 0, strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1)) } =
		options;
	const id = op.tuple(
		op.text('storage'),
		op.global('torch', 'FloatStorage'),
		op.text(key),
		op.text('cpu'),
		op.int(count),
	);
	return [
		...op.global('torch._utils', '_rebuild_tensor_v2'),
		...op.tuple(
			[...id, 0x51],
			op.int(offset),
			op.tuple(...shape.map(op.int)),
			op.tuple(...strides.map(op.int)),
			[0x89],
			op.dict(),
		),
		...op.reduce,
	];
}

const floats = (numbers: readonly number[]) => [...new Uint8Array(Float32Array.from(numbers).buffer)];

/** The archive that torch.save writes since version 1.6. */
export function torchArchive(
	content: number[],
	storages: Readonly<Record<string, readonly number[]>> = {},
	method = 0,
): Uint8Array {
	const entries: [name: string, bytes: number[]][] = [['archive/data.pkl', content]];
	for (const [key, numbers] of Object.entries(storages))
		entries.push([`archive/data/${key}`, floats(numbers)]);
	const out: number[] = [];
	const directory: number[] = [];
	for (const [name, bytes] of entries) {
		const sizes = [...little(bytes.length, 4), ...little(bytes.length, 4), ...little(name.length, 2), 0, 0];
		const common = [0, 0, 0, 0, ...little(method, 2), ...Array(8).fill(0), ...sizes] as number[];
		const offset = little(out.length, 4);
		directory.push(...ascii('PK\x01\x02'), 0, 0, ...common, ...(Array(10).fill(0) as number[]), ...offset);
		directory.push(...ascii(name));
		out.push(...ascii('PK\x03\x04'), ...common, ...ascii(name));
		for (const byte of bytes) out.push(byte); // too many for the arguments of a call
	}
	const [size, start, count] = [
		little(directory.length, 4),
		little(out.length, 4),
		little(entries.length, 2),
	];
	const end = [...ascii('PK\x05\x06'), 0, 0, 0, 0, ...count, ...count, ...size, ...start, 0, 0];
	return Uint8Array.from([...out, ...directory, ...end]);
}

const MAGIC = [0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/** The format of torch.save before version 1.6: consecutive pickles, then the storages. */
export function torchLegacy(
	content: number[],
	storages: Readonly<Record<string, readonly number[]>> = {},
	changes: { magic?: number[]; protocol?: number; littleEndian?: boolean } = {},
): Uint8Array {
	const { magic = MAGIC, protocol = 1001, littleEndian = true } = changes;
	return Uint8Array.from([
		...pickle(magic),
		...pickle(op.int(protocol)),
		...pickle(op.dict(['little_endian', [littleEndian ? 0x88 : 0x89]])),
		...content,
		...pickle(op.list(...Object.keys(storages).map(op.text))),
		...Object.values(storages).flatMap((numbers) => [...little(numbers.length, 8), ...floats(numbers)]),
	]);
}
