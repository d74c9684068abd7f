import { FAILSAFE_SCHEMA, load } from 'js-yaml';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { markedEncoding } from '../../domain/byte-order-mark.ts';
import { UserFacingError } from '../../domain/errors.ts';
import { COCO_ID_COUNT, COCO_INDEX_BY_ID, COCO_NAMES } from '../coco-names.ts';
import type { OnnxCard } from './card.ts';
import type { OnnxFile } from './onnx-file.ts';

export type StatedNames = { names: readonly string[]; source: string };

/** Keys of metadata under which exporters put names. */
const METADATA_KEYS = ['names', 'class_names', 'classes', 'labels'];
const NAME_FILES = ['.names', '.txt', '.yaml', '.yml', '.json'];
/** Of a file of names, and of a text that a person gives. */
const MOST_BYTES = 2 ** 20;

/**
 * The names that a file brings: in its metadata, in a file beside it that is called like it, or in a config.json beside it; null
 * where there are none. Throws `model-unreadable` where a file beside it can't be read.
 */
export function statedNames(file: OnnxFile): StatedNames | null {
	for (const key of METADATA_KEYS) {
		const text = file.metadata.get(key);
		const names = text === undefined ? null : namesOf(parseLiteral(text));
		if (names) return { names, source: `metadata (${key})` };
	}
	const folder = dirname(file.path);
	const stem = basename(file.path, extname(file.path));
	const neighbours = filesIn(folder);
	for (const ending of NAME_FILES) {
		const name = `${stem}${ending}`;
		if (neighbours.includes(name)) return { names: readNames(join(folder, name)), source: name };
	}
	const config = configBeside(file);
	const names = namesOf(config?.['id2label']);
	return names && { names, source: 'config.json' };
}

/** A config.json beside an ONNX file, if there is a readable one. */
export function configBeside(file: Pick<OnnxFile, 'path'>): Record<string, unknown> | null {
	try {
		const json: unknown = JSON.parse(readFileSync(join(dirname(file.path), 'config.json'), 'utf8'));
		return typeof json === 'object' ? (json as Record<string, unknown> | null) : null;
	} catch {
		return null;
	}
}

/** Reads names from a file: one a line, a YAML file's `names:`, or JSON. Throws `model-unreadable`. */
export function readNames(place: string): string[] {
	const names = namesFrom(textOf(place), extname(place), place);
	if (names && names.length > 0) return names;
	throw noNames(place);
}

function textOf(place: string): string {
	try {
		const { size } = statSync(place);
		if (size <= MOST_BYTES) {
			const bytes = readFileSync(place);
			return new TextDecoder(markedEncoding(bytes)).decode(bytes);
		}
		throw new UserFacingError(
			'model-unreadable',
			`${place} has ${size} bytes: names of classes were expected, in ${MOST_BYTES} at most.`,
		);
	} catch (cause) {
		if (cause instanceof UserFacingError) throw cause;
		throw new UserFacingError('model-unreadable', `${place} cannot be read.`, { cause });
	}
}

/** Names in a text of any of the forms that files have. Throws `model-unreadable`. */
export function namesInText(text: string, place: string): string[] {
	const ending = /^\s*[[{]/.test(text) ? '.json' : /^(names|classes|labels)\s*:/m.test(text) ? '.yaml' : '';
	const names = namesFrom(text.slice(0, MOST_BYTES), ending, place);
	if (names && names.length > 0) return names;
	throw noNames(place);
}

function noNames(place: string): UserFacingError {
	return new UserFacingError(
		'model-unreadable',
		`${place} names no classes: one name a line, a list under "names:" or a JSON list was expected.`,
	);
}

function namesFrom(text: string, ending: string, place: string): string[] | null {
	switch (ending) {
		case '.json':
			return namesIn(parseLiteral(text));
		case '.yaml':
		case '.yml':
			return namesIn(yamlIn(text, place));
		default:
			return text
				.split('\n')
				.map(withoutControls)
				.filter((line) => line !== '');
	}
}

/** Names by themselves, or under one of the usual keys. */
function namesIn(data: unknown): string[] | null {
	const own = namesOf(data);
	if (own || typeof data !== 'object' || data === null) return own;
	const keys = [...METADATA_KEYS, 'id2label'];
	return keys.map((key) => namesOf((data as Record<string, unknown>)[key])).find((names) => names) ?? null;
}

/** YAML as data, every scalar as the text that stands there. Throws `model-unreadable`. */
function yamlIn(text: string, place: string): unknown {
	try {
		return load(text, { schema: FAILSAFE_SCHEMA, json: true });
	} catch (cause) {
		const [reason] = cause instanceof Error ? cause.message.split('\n') : [String(cause)];
		throw new UserFacingError('model-unreadable', `${place} is not YAML: ${reason}.`, { cause });
	}
}

/** Names in the order of their numbers, from a list or from an object whose keys are 0 to n − 1; null for anything else. */
function namesOf(value: unknown): string[] | null {
	if (typeof value !== 'object' || value === null) return null;
	const count = Array.isArray(value) ? value.length : Object.keys(value).length;
	const names = Array.from({ length: count }, (_, i) => (value as Record<string, unknown>)[String(i)]);
	if (count === 0 || !names.every((name) => typeof name === 'string')) return null;
	const clean = names.map(withoutControls);
	return clean.includes('') ? null : clean;
}

/** A name, on one line. */
function withoutControls(name: string): string {
	return name.replace(/\p{Cc}+/gu, ' ').trim();
}

/**
 * A literal of JSON or of Python, such as `{0: 'person', 1: "driver's seat"}`, as data; undefined for anything else. Nothing
 * is run: strings, numbers, lists and dictionaries are all that there is.
 */
export function parseLiteral(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return new PythonLiteral(text).read();
	}
}

/** Of what Python writes with a backslash. */
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

function unescaped(text: string): string {
	return text.replace(
		/\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|(.))/g,
		(_, ...[two, four, eight, other]: (string | undefined)[]) => {
			const code = Number.parseInt(two ?? four ?? eight ?? '', 16);
			if (Number.isNaN(code)) return ESCAPES[other!] ?? other!;
			return code > 0x10ffff ? '' : String.fromCodePoint(code);
		},
	);
}

class PythonLiteral {
	readonly #tokens: string[];
	#next = 0;

	constructor(text: string) {
		this.#tokens = text.match(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[-+.\w]+|[^\s]/g) ?? [];
	}

	read(): unknown {
		const value = this.#value(0);
		return this.#next === this.#tokens.length ? value : undefined;
	}

	#value(depth: number): unknown {
		const token = this.#tokens[this.#next++];
		if (token === undefined || depth > 8) return undefined;
		if (token === '{') return this.#entries(depth, '}');
		if (token === '[' || token === '(') return this.#list(depth, token === '[' ? ']' : ')');
		if (/^['"]/.test(token)) return unescaped(token.slice(1, -1));
		if (token === 'True' || token === 'False') return token === 'True';
		if (token === 'None') return null;
		const number = Number(token);
		return Number.isNaN(number) ? undefined : number;
	}

	#list(depth: number, end: string): unknown {
		const list: unknown[] = [];
		while (this.#tokens[this.#next] !== end) {
			const value = this.#value(depth + 1);
			if (value === undefined) return undefined;
			list.push(value);
			if (this.#tokens[this.#next] === ',') this.#next++;
			else if (this.#tokens[this.#next] !== end) return undefined;
		}
		this.#next++;
		return list;
	}

	#entries(depth: number, end: string): unknown {
		const entries = new Map<string, unknown>();
		while (this.#tokens[this.#next] !== end) {
			const key = this.#value(depth + 1);
			if (this.#tokens[this.#next++] !== ':') return undefined;
			const value = this.#value(depth + 1);
			if (!['string', 'number'].includes(typeof key) || value === undefined) return undefined;
			entries.set(String(key), value);
			if (this.#tokens[this.#next] === ',') this.#next++;
			else if (this.#tokens[this.#next] !== end) return undefined;
		}
		this.#next++;
		return Object.fromEntries(entries);
	}
}

function filesIn(folder: string): string[] {
	try {
		return readdirSync(folder);
	} catch {
		return [];
	}
}

/** Classes for a number of labels, where they are from, and what does not fit. */
export type NamedClasses = {
	classes: OnnxCard['classes'];
	source: string;
	/** In one sentence, why the names that a file brings are not used; null = they are, or there are none. */
	mismatch: string | null;
};

/** Of a DETR's head: labels without a name are background. */
const BACKGROUND = 'background last';

/**
 * The classes of a network of `labels` labels; null = the network does not say how many. `background`: where a label of
 * none of the classes is, if the network has one at all; `maybe-last`: at the end where there is one label more than names.
 */
export function classesFor(
	stated: StatedNames | null,
	labels: number | null,
	background: 'none' | 'first' | 'last' | 'maybe-last',
): NamedClasses {
	const count = labels ?? stated?.names.length ?? COCO_NAMES.length;
	const unusedAt = { first: [0], last: [count - 1], none: [], 'maybe-last': [] }[background];
	const wanted = count - unusedAt.length;
	const mismatch = (names: readonly string[], source: string) =>
		`${source} names ${names.length} classes, and the output scores ${wanted}`;
	if (stated) {
		const { names, source } = stated;
		if (names.length === wanted) return { classes: named(names, unusedAt), source, mismatch: null };
		if (background === 'maybe-last' && names.length + 1 === count) {
			return { classes: named(names, [count - 1]), source: `${source}; ${BACKGROUND}`, mismatch: null };
		}
		if (isCocoWithGaps(names, count)) return { ...cocoIds(), mismatch: null };
		return { ...usual(wanted, unusedAt), mismatch: mismatch(names, source) };
	}
	return { ...usual(wanted, unusedAt), mismatch: null };
}

/** A card with these names, where they are as many as the network scores. Throws `model-unreadable`, saying both numbers. */
export function withNames(card: OnnxCard, names: readonly string[], place: string): OnnxCard {
	const { unused } = card.classes;
	const labels = card.classes.names.length + unused.length;
	const isOpen = !SCORES_EACH_LABEL.includes(card.output.form);
	const fits = (without: readonly number[]) => isOpen || names.length + without.length === labels;
	const choices = [unused, [], [labels - 1]];
	const fitting = choices.find(fits);
	if (!fitting) {
		throw new UserFacingError(
			'model-unreadable',
			`${place} names ${names.length} classes, and the output scores ${card.classes.names.length}.`,
		);
	}
	const classes = named(names, isOpen ? unused.filter((label) => label < names.length) : fitting);
	return { ...card, classes, sources: { ...card.sources, classes: place } };
}

/** Forms whose outputs have a number for every label; others give labels, and don't say how many there are. */
const SCORES_EACH_LABEL: readonly string[] = [
	'yolo-raw',
	'yolo-objectness',
	'yolox',
	'detr-logits',
	'anchor-pairs',
	'centerface',
];

/** COCO's 80 names where the head counts by its ids. */
function isCocoWithGaps(names: readonly string[], labels: number): boolean {
	return labels === COCO_ID_COUNT && names.length === COCO_NAMES.length;
}

function usual(count: number, unused: readonly number[]): Pick<NamedClasses, 'classes' | 'source'> {
	if (count === COCO_ID_COUNT) {
		const { classes, source } = cocoIds();
		return { source, classes: { ...classes, unused: [...new Set([...classes.unused, ...unused])] } };
	}
	if (count === COCO_NAMES.length)
		return { classes: named(COCO_NAMES, unused), source: 'the 80 classes of COCO, for there are 80' };
	const numbered = Array.from({ length: count }, (_, i) => `class ${i}`);
	return { classes: named(numbered, unused), source: 'numbers' };
}

function cocoIds(): Pick<NamedClasses, 'classes' | 'source'> {
	const unused = [...COCO_INDEX_BY_ID.keys()].filter((id) => COCO_INDEX_BY_ID[id]! < 0);
	return { classes: named(COCO_NAMES, unused), source: "COCO's ids with gaps, for there are 91" };
}

function named(names: readonly string[], unused: readonly number[]): OnnxCard['classes'] {
	return { names: [...names], unused: [...unused] };
}
