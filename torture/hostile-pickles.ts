import { op, pickle, tensor } from '../main/weights/torch-file.fixture.ts';
import { type Chance, oneOf } from '../main/domain/chance.fixture.ts';

const LEVELS = 40;

/** A list of twice the same list, of twice the same list …: 2^40 entries for whoever doesn't notice that they are the same. */
function doubling(): number[] {
	const start = [...op.list(op.text('x'), op.text('y')), ...op.put(1)];
	const level = [0x30, ...op.list(op.get(1), op.get(1)), ...op.put(1)];
	return [...start, ...Array.from({ length: LEVELS }, () => level).flat()];
}

/** Copies of one large thing, each made by a short call. */
function copies(large: number[], global: number[], count: number, argument = op.get(2)): number[] {
	const call = [...global, ...argument, 0x85, ...op.reduce];
	return [...large, ...op.put(2), ...op.list(...Array.from({ length: count }, () => call))];
}

const manyEntries = (): number[] =>
	op.dict(...Array.from({ length: 8000 }, (_, i): [string, number[]] => [`k${i}`, op.none]));

/** Pickles that run code, grow without end, or lie, as parts to stand in a checkpoint's. */
const HOSTILE: Readonly<Record<string, () => number[]>> = {
	'a call of the system': () => [
		...op.global('os', 'system'),
		...op.tuple(op.text('touch owned')),
		...op.reduce,
	],
	'a call of eval': () => [...op.global('builtins', 'eval'), ...op.tuple(op.text('1')), ...op.reduce],
	'a name of many dots': () => op.stackGlobal('torch._utils', '__class__.__init__.__globals__'),
	'a name of doubling lists': () => [...doubling(), ...op.text('x'), 0x93],
	'doubling lists': doubling,
	'doubling lists as a key': () => [0x7d, 0x28, ...doubling(), ...op.none, 0x75],
	'a storage named by doubling lists': () => [
		...op.tuple(
			op.text('storage'),
			op.global('torch', 'FloatStorage'),
			doubling(),
			op.text('cpu'),
			op.int(1),
		),
		0x51,
	],
	'copies of a dictionary': () => copies(manyEntries(), op.global('collections', 'OrderedDict'), 8000),
	'copies of bytes': () => [
		...op.text('x'.repeat(200_000)),
		...op.put(2),
		...op.list(
			...Array.from({ length: 20_000 }, () => [
				...op.global('_codecs', 'encode'),
				...op.get(2),
				...op.text('latin1'),
				0x86,
				...op.reduce,
			]),
		),
	],
	'the same bytes many times': () => [
		0x42,
		0x40,
		0x0d,
		0x03,
		0,
		...Array<number>(200_000).fill(7),
		...op.put(2),
		...op.list(...Array.from({ length: 20_000 }, () => op.get(2))),
	],
	'a list in itself': () => [0x5d, ...op.put(3), ...op.get(3), 0x61],
	'a dictionary in itself': () => [0x7d, ...op.put(3), ...op.text('self'), ...op.get(3), 0x73],
	'deep lists': () => [...Array<number>(20_000).fill(0x5d), ...Array<number>(19_999).fill(0x61)],
	'a text of four gigabytes': () => [0x58, 0xff, 0xff, 0xff, 0xff],
	'a number of many digits': () => [0x8b, 0xff, 0xff, 0, 0, ...Array<number>(65_535).fill(0x7f)],
	'a decimal of many digits': () => [0x4c, ...Array<number>(300_000).fill(0x39), 0x4c, 0x0a],
	'a tensor of 2^53 numbers': () => tensor('0', 4, [2 ** 30, 2 ** 23], { strides: [0, 0] }),
	'a tensor without end': () => tensor('0', 4, [2 ** 30, 2 ** 30, 2 ** 30, 0], { strides: [0, 0, 0, 0] }),
	'a storage of 2^31 numbers': () => tensor('9', 2 ** 31 - 1, [1]),
	'a name that objects have': () => op.dict(['__proto__', op.dict(['polluted', op.int(1)])]),
	'a memo far away': () => [0x72, 0xff, 0xff, 0xff, 0xff],
};

/** A checkpoint's pickle with something hostile beside its tensors or in place of them. */
export function hostilePickle(chance: Chance): number[] {
	const part = HOSTILE[oneOf(chance, Object.keys(HOSTILE))]!();
	const weights = op.dict(['weight', tensor('0', 4, [2, 2])], ['bias', tensor('0', 4, [2], { offset: 2 })]);
	switch (chance(3)) {
		case 0:
			return pickle(part);
		case 1:
			return pickle(op.dict(['model', weights], ['extra', part]));
		default:
			return pickle(op.dict(['model', part], ['state_dict', weights]));
	}
}
