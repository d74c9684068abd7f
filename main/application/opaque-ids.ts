import { randomBytes } from 'node:crypto';

/** An id that carries no meaning and cannot be guessed. */
export function newId(): string {
	return randomBytes(10).toString('hex');
}

/** Gives things opaque ids; equal things (by `keyOf`) have the same id. */
export class OpaqueIds<T> {
	readonly #byId = new Map<string, T>();
	readonly #idOfKey = new Map<string, string>();
	readonly #keyOf: (thing: T) => string;

	constructor(keyOf: (thing: T) => string) {
		this.#keyOf = keyOf;
	}

	/** `preferred` is used for a thing without an id if it is free. */
	idOf(thing: T, preferred?: string): string {
		const key = this.#keyOf(thing);
		const known = this.#idOfKey.get(key);
		if (known !== undefined) return known;
		const id = preferred !== undefined && !this.#byId.has(preferred) ? preferred : newId();
		this.#idOfKey.set(key, id);
		this.#byId.set(id, thing);
		return id;
	}

	find(id: string): T | undefined {
		return this.#byId.get(id);
	}
}
