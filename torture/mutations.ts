import { type Chance, oneOf } from '../main/domain/chance.fixture.ts';

/** Something done to the bytes of a file. */
export type Mutation = (bytes: Uint8Array, chance: Chance) => Uint8Array;

/** In long files, half of all changes lie among the first or last bytes, where headers and directories are. */
const REACH = 1500;
const LONGEST_PART = 64;

export const BYTE_MUTATIONS: Readonly<Record<string, Mutation>> = {
	'a flipped bit': (bytes, chance) => {
		const at = placeIn(bytes, chance);
		return bytes.with(at, bytes[at]! ^ (1 << chance(8)));
	},
	'many flipped bits': (bytes, chance) => {
		const changed = bytes.slice();
		for (let i = 0; i < 20; i++) changed[placeIn(bytes, chance)]! ^= 1 << chance(8);
		return changed;
	},
	'an end cut off': (bytes, chance) => bytes.slice(0, placeIn(bytes, chance)),
	'a part left out': (bytes, chance) => {
		const at = placeIn(bytes, chance);
		return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + chance(LONGEST_PART))]);
	},
	'a part twice': (bytes, chance) => {
		const at = placeIn(bytes, chance);
		return Buffer.concat([bytes.subarray(0, at + chance(LONGEST_PART)), bytes.subarray(at)]);
	},
	'a part of elsewhere': (bytes, chance) => {
		const [at, from] = [placeIn(bytes, chance), placeIn(bytes, chance)];
		const part = bytes.subarray(from, from + 1 + chance(LONGEST_PART));
		return Buffer.concat([bytes.subarray(0, at), part, bytes.subarray(at)]);
	},
	'bytes of chance': (bytes, chance) => {
		const at = placeIn(bytes, chance);
		const part = Uint8Array.from({ length: 1 + chance(16) }, () => chance(256));
		return Buffer.concat([bytes.subarray(0, at), part, bytes.subarray(at)]);
	},
	'a large number': (bytes, chance) => {
		const numbers = [0xff, 0x7f, 0x80, 0];
		const changed = bytes.slice();
		const at = placeIn(bytes, chance);
		const size = oneOf(chance, [1, 2, 4, 8]);
		changed.fill(0xff, at, at + size);
		const end = chance(2) === 0 ? at : at + size - 1; // of either order of bytes
		if (end < changed.length) changed[end] = oneOf(chance, numbers);
		return changed;
	},
};

function placeIn(bytes: Uint8Array, chance: Chance): number {
	const { length } = bytes;
	if (length === 0) return 0;
	if (length > 2 * REACH && chance(2) === 0) {
		const at = chance(REACH);
		return chance(2) === 0 ? at : length - 1 - at;
	}
	return chance(length);
}

/** What no field expects, as it stands in a JSON text: some of it is no JSON. */
const ODD_VALUES = [
	'null',
	'true',
	'-1',
	'0',
	'0.5',
	'1e308',
	'-1e308',
	'1e999',
	'9007199254740993',
	'4294967296',
	'NaN',
	'Infinity',
	'""',
	'"__proto__"',
	'"\\u0000"',
	'"\\ud800"',
	'[]',
	'{}',
	'[[]]',
	'{"__proto__":{"polluted":1}}',
	'{"toString":null,"valueOf":1}',
	`${'['.repeat(4000)}${']'.repeat(4000)}`,
	`"${'x'.repeat(100_000)}"`,
];
const ODD_NAMES = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '', '\n', 'length'];

/** Of texts that are JSON; what is not is left as it is. */
export const JSON_MUTATIONS: Readonly<Record<string, Mutation>> = {
	'an odd value': (bytes, chance) =>
		changedJson(bytes, chance, ({ parent, key }) => setOwn(parent, key, standIn(oneOf(chance, ODD_VALUES)))),
	'two odd values': (bytes, chance) =>
		JSON_MUTATIONS['an odd value']!(JSON_MUTATIONS['an odd value']!(bytes, chance), chance),
	'an odd name': (bytes, chance) =>
		changedJson(bytes, chance, ({ parent, key }) => {
			const value: unknown = Reflect.get(parent, key);
			const name = oneOf(chance, ODD_NAMES);
			if (Array.isArray(parent)) return void parent.push(value);
			Reflect.deleteProperty(parent, key);
			setOwn(parent, name, value);
		}),
	'a field left out': (bytes, chance) =>
		changedJson(bytes, chance, ({ parent, key }) => {
			if (Array.isArray(parent)) parent.splice(Number(key), 1);
			else Reflect.deleteProperty(parent, key);
		}),
	'a value of elsewhere': (bytes, chance) =>
		changedJson(bytes, chance, ({ parent, key }, places) => {
			const other = oneOf(chance, places);
			setOwn(parent, key, structuredClone(Reflect.get(other.parent, other.key)));
		}),
};

type JsonPlace = { parent: object; key: string };

const MARK = '\u{e000}'; // of a private area: what stands between two is put into the text as it is

function standIn(text: string): string {
	return `${MARK}${Buffer.from(text).toString('base64')}${MARK}`;
}

function setOwn(parent: object, key: string, value: unknown): void {
	Object.defineProperty(parent, key, { value, enumerable: true, writable: true, configurable: true });
}

function changedJson(
	bytes: Uint8Array,
	chance: Chance,
	change: (place: JsonPlace, places: readonly JsonPlace[]) => void,
): Uint8Array {
	let json: unknown;
	try {
		json = JSON.parse(Buffer.from(bytes).toString('utf8'));
	} catch {
		return bytes;
	}
	const root = { json };
	const places = placesIn(root);
	change(oneOf(chance, places), places);
	const text = JSON.stringify(root.json) ?? '';
	return Buffer.from(
		text.replaceAll(new RegExp(`"${MARK}([^${MARK}]*)${MARK}"`, 'g'), (_, inner: string) =>
			Buffer.from(inner, 'base64').toString('utf8'),
		),
	);
}

const MOST_LEVELS = 100;

function placesIn(parent: object, level = 0): JsonPlace[] {
	if (level > MOST_LEVELS) return [];
	return Object.keys(parent)
		.filter((key) => key !== 'length' || !Array.isArray(parent))
		.flatMap((key) => {
			const value: unknown = Reflect.get(parent, key);
			return [
				{ parent, key },
				...(typeof value === 'object' && value !== null ? placesIn(value, level + 1) : []),
			];
		});
}

const ODD_WORDS = ['', '-1', 'NaN', '1e308', '1e999', '99999999999', '__proto__', '"', '<', '&', '\0', 'ü'];
const SEPARATORS = [',', ' ', '\t', ';', '\n', '\r', '<!--', '<![CDATA['];

/** Of texts of lines, words and numbers. */
export const TEXT_MUTATIONS: Readonly<Record<string, Mutation>> = {
	'an odd word': (bytes, chance) => replacedIn(bytes, chance, /[\w.+-]+/g, () => oneOf(chance, ODD_WORDS)),
	'an odd separator': (bytes, chance) =>
		replacedIn(bytes, chance, /[^\w.+-]/g, () => oneOf(chance, SEPARATORS)),
	'a line left out': (bytes, chance) => replacedIn(bytes, chance, /.*\n/g, () => ''),
	'a line twice': (bytes, chance) => replacedIn(bytes, chance, /.*\n/g, (line) => line + line),
	'a number changed': (bytes, chance) =>
		replacedIn(bytes, chance, /\d+/g, (digits) => String(chance(2) === 0 ? -digits : 1000 * Number(digits))),
};

function replacedIn(
	bytes: Uint8Array,
	chance: Chance,
	part: RegExp,
	by: (text: string) => string,
): Uint8Array {
	const text = Buffer.from(bytes).toString('utf8');
	const found = [...text.matchAll(part)];
	if (found.length === 0) return bytes;
	const { 0: old, index } = oneOf(chance, found);
	return Buffer.from(text.slice(0, index) + by(old) + text.slice(index + old.length));
}
