import { UserFacingError } from '../domain/errors.ts';
import { PickleBytes } from './pickle-bytes.ts';

/**
 * A class or function that a pickle may name. No Python code runs: `make` returns plain data in place of the result of
 * a call; absent if it may only be named (as a type, say).
 */
export class PickleGlobal {
	readonly name: string;
	readonly make: ((args: readonly unknown[]) => unknown) | null;

	constructor(name: string, make: ((args: readonly unknown[]) => unknown) | null = null) {
		this.name = name;
		this.make = make;
	}
}

/** An instance of a class whose state is data, such as argparse.Namespace. */
export class PickleObject {
	readonly className: string;
	/** Attributes by name. */
	readonly fields = new Map<unknown, unknown>();

	constructor(className: string) {
		this.className = className;
	}
}

/** What a pickle may name, and what its persistent ids stand for. */
export type PickleRules = {
	/** Null if a pickle must not name it. */
	findGlobal(name: string): PickleGlobal | null;
	findPersistent(id: unknown): unknown;
};

const MARK = Symbol('mark');

/** What calls in a pickle may copy, counted in entries and characters: a short pickle could ask for copies without end. */
const MOST_COPIED = 4_000_000;

/**
 * Reads the pickle (protocols 0 to 5, https://peps.python.org/pep-3154/) that starts at `start`, as data: None is null,
 * tuples and lists are arrays, dictionaries are Maps, integers are bigint if a number can't hold them. Throws
 * `model-unreadable`, naming `place`, for a global that the rules don't know, an operation that plain data doesn't
 * need, and a pickle that ends early.
 */
export function readPickle(
	bytes: Uint8Array,
	start: number,
	rules: PickleRules,
	place: string,
): { value: unknown; end: number } {
	const reader = new PickleReader(new PickleBytes(bytes, start, place), rules, place);
	return { value: reader.read(), end: reader.end };
}

class PickleReader {
	readonly #in: PickleBytes;
	readonly #rules: PickleRules;
	readonly #place: string;
	readonly #memo = new Map<number, unknown>();
	#stack: unknown[] = [];
	#copied = 0;

	constructor(input: PickleBytes, rules: PickleRules, place: string) {
		this.#in = input;
		this.#rules = rules;
		this.#place = place;
	}

	get end(): number {
		return this.#in.at;
	}

	read(): unknown {
		for (;;) {
			const code = this.#in.byte();
			if (code === 0x2e) return this.#pop(); // STOP
			if (!this.#constant(code) && !this.#container(code) && !this.#object(code)) {
				throw this.#refuse(`it uses the operation 0x${code.toString(16)}, which plain data do not need`);
			}
		}
	}

	/** Numbers, strings and the like; false if `code` is none of them. */
	#constant(code: number): boolean {
		const input = this.#in;
		switch (code) {
			case 0x80: // PROTO
				if (input.byte() > 5) throw this.#refuse('its protocol is newer than 5');
				return true;
			case 0x95: // FRAME
				input.skip(8);
				return true;
			case 0x4e:
				return this.#push(null);
			case 0x88:
				return this.#push(true);
			case 0x89:
				return this.#push(false);
			case 0x4b: // BININT1
				return this.#push(input.byte());
			case 0x4d: // BININT2
				return this.#push(input.unsigned(2));
			case 0x4a: // BININT
				return this.#push(input.int32());
			case 0x8a: // LONG1
				return this.#push(input.long(input.byte()));
			case 0x8b: // LONG4
				return this.#push(input.long(input.unsigned(4)));
			case 0x47: // BINFLOAT
				return this.#push(input.float64());
			case 0x49: // INT
			case 0x4c: // LONG
				return this.#push(this.#decimal(input.line()));
			case 0x46: // FLOAT
				return this.#push(Number(input.line()));
			case 0x58: // BINUNICODE
				return this.#push(input.text(input.unsigned(4)));
			case 0x8c: // SHORT_BINUNICODE
				return this.#push(input.text(input.byte()));
			case 0x8d: // BINUNICODE8
				return this.#push(input.text(input.unsigned(8)));
			case 0x56: // UNICODE
				return this.#push(input.line());
			case 0x55: // SHORT_BINSTRING
				return this.#push(input.text(input.byte(), 'latin1'));
			case 0x54: // BINSTRING
				return this.#push(input.text(input.unsigned(4), 'latin1'));
			case 0x43: // SHORT_BINBYTES
				return this.#push(input.take(input.byte()));
			case 0x42: // BINBYTES
				return this.#push(input.take(input.unsigned(4)));
			case 0x8e: // BINBYTES8
				return this.#push(input.take(input.unsigned(8)));
			default:
				return false;
		}
	}

	/** Tuples, lists, dictionaries, sets and the stack itself. */
	#container(code: number): boolean {
		switch (code) {
			case 0x28:
				return this.#push(MARK);
			case 0x30: // POP
				this.#pop();
				return true;
			case 0x31: // POP_MARK
				this.#popMarked();
				return true;
			case 0x32: // DUP
				return this.#push(this.#top());
			case 0x5d: // EMPTY_LIST
			case 0x29: // EMPTY_TUPLE
				return this.#push([]);
			case 0x6c: // LIST
			case 0x74: // TUPLE
				return this.#push(this.#popMarked());
			case 0x85:
			case 0x86:
			case 0x87: // TUPLE1 to TUPLE3
				return this.#push(Array.from({ length: code - 0x84 }, () => this.#pop()).reverse());
			case 0x61: // APPEND
				return this.#append([this.#pop()]);
			case 0x65: // APPENDS
				return this.#append(this.#popMarked());
			case 0x7d: // EMPTY_DICT
				return this.#push(new Map());
			case 0x64: // DICT
				return this.#push(setItems(new Map(), this.#popMarked()));
			case 0x73: // SETITEM
				return this.#setItems([this.#pop(), this.#pop()].reverse());
			case 0x75: // SETITEMS
				return this.#setItems(this.#popMarked());
			case 0x8f: // EMPTY_SET
				return this.#push(new Set());
			case 0x91: // FROZENSET
				return this.#push(new Set(this.#popMarked()));
			case 0x90: // ADDITEMS
				return this.#addItems(this.#popMarked());
			case 0x70: // PUT
				return this.#remember(Number(this.#in.line()));
			case 0x71: // BINPUT
				return this.#remember(this.#in.byte());
			case 0x72: // LONG_BINPUT
				return this.#remember(this.#in.unsigned(4));
			case 0x94: // MEMOIZE
				return this.#remember(this.#memo.size);
			case 0x67: // GET
				return this.#recall(Number(this.#in.line()));
			case 0x68: // BINGET
				return this.#recall(this.#in.byte());
			case 0x6a: // LONG_BINGET
				return this.#recall(this.#in.unsigned(4));
			default:
				return false;
		}
	}

	/** Operations that would run code in Python: here they make the data that the rules know, or are refused. */
	#object(code: number): boolean {
		switch (code) {
			case 0x63: // GLOBAL
				return this.#push(this.#findGlobal(this.#in.line(), this.#in.line()));
			case 0x93: {
				// STACK_GLOBAL
				const [name, module] = [this.#pop(), this.#pop()];
				if (typeof name !== 'string' || typeof module !== 'string') throw this.#refuse('a name is none');
				return this.#push(this.#findGlobal(module, name));
			}
			case 0x52: // REDUCE
			case 0x81: {
				// NEWOBJ
				const [args, callee] = [this.#pop(), this.#pop()];
				return this.#push(this.#make(callee, args));
			}
			case 0x62: // BUILD
				this.#build(this.#pop());
				return true;
			case 0x51: // BINPERSID
				return this.#push(this.#rules.findPersistent(this.#pop()));
			default:
				return false;
		}
	}

	#findGlobal(module: string, name: string): PickleGlobal {
		const full = `${module}.${name}`;
		const known = this.#rules.findGlobal(full);
		if (known) return known;
		throw new UserFacingError(
			'model-unreadable',
			`${this.#place} is refused: its pickle asks for ${full}, which is neither a tensor nor a plain container.`,
			{ remedy: 'Take it from a source you trust and save only its tensors anew, best as safetensors.' },
		);
	}

	#make(callee: unknown, args: unknown): unknown {
		if (callee instanceof PickleGlobal && callee.make && Array.isArray(args)) {
			for (const arg of args) this.#copied += entriesOf(arg);
			if (this.#copied > MOST_COPIED) throw this.#refuse('its calls copy the same data again and again');
			return callee.make(args);
		}
		throw this.#refuse(`it calls ${callee instanceof PickleGlobal ? callee.name : 'what is not a name'}`);
	}

	/** Attributes of the object made last. Those of containers, such as `_metadata`, are ignored. */
	#build(state: unknown): void {
		const target = this.#top();
		if (target instanceof Map) return;
		if (target instanceof PickleObject && state instanceof Map) {
			for (const [key, value] of state) target.fields.set(key, value);
			return;
		}
		throw this.#refuse('it gives attributes to what has none');
	}

	#push(value: unknown): true {
		this.#stack.push(value);
		return true;
	}

	#pop(): unknown {
		const value = this.#stack.pop();
		if (value === undefined || value === MARK) throw this.#refuse('it takes from an empty stack');
		return value;
	}

	#popMarked(): unknown[] {
		const mark = this.#stack.lastIndexOf(MARK);
		if (mark < 0) throw this.#refuse('a mark is missing');
		const values = this.#stack.slice(mark + 1);
		this.#stack.length = mark;
		return values;
	}

	#top(): unknown {
		const value = this.#stack.at(-1);
		if (value === undefined || value === MARK) throw this.#refuse('it takes from an empty stack');
		return value;
	}

	#append(values: readonly unknown[]): true {
		const target = this.#top();
		if (!Array.isArray(target)) throw this.#refuse('it appends to what is no list');
		for (const value of values) target.push(value);
		return true;
	}

	#setItems(items: readonly unknown[]): true {
		const target = this.#top();
		if (!(target instanceof Map) || items.length % 2 !== 0) {
			throw this.#refuse('it puts items into what is no dictionary');
		}
		setItems(target, items);
		return true;
	}

	#addItems(values: readonly unknown[]): true {
		const target = this.#top();
		if (!(target instanceof Set)) throw this.#refuse('it adds to what is no set');
		for (const value of values) target.add(value);
		return true;
	}

	#remember(place: number): true {
		this.#memo.set(place, this.#top());
		return true;
	}

	#recall(place: number): true {
		if (!this.#memo.has(place)) throw this.#refuse('it recalls what it never stored');
		return this.#push(this.#memo.get(place));
	}

	#decimal(line: string): unknown {
		if (line === '00') return false;
		if (line === '01') return true;
		if (!/^-?\d+L?$/.test(line)) throw this.#refuse('a number is none');
		const value = BigInt(line.replace('L', ''));
		return Number.isSafeInteger(Number(value)) ? Number(value) : value;
	}

	#refuse(what: string): UserFacingError {
		return new UserFacingError(
			'model-unreadable',
			`${this.#place} holds a pickle that cannot be read at byte ${this.#in.at}: ${what}.`,
		);
	}
}

function entriesOf(value: unknown): number {
	if (Array.isArray(value) || typeof value === 'string') return value.length;
	return value instanceof Map || value instanceof Set ? value.size : 0;
}

function setItems(target: Map<unknown, unknown>, items: readonly unknown[]): Map<unknown, unknown> {
	for (let i = 0; i + 1 < items.length; i += 2) target.set(items[i], items[i + 1]);
	return target;
}
