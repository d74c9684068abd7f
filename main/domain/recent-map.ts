/** A map of at most `capacity` entries: a further one replaces the entry that was least recently set or got. */
export class RecentMap<Key, Value> {
	readonly #entries = new Map<Key, Value>(); // least recently used first
	readonly #capacity: number;

	constructor(capacity: number) {
		this.#capacity = capacity;
	}

	get(key: Key): Value | undefined {
		const value = this.#entries.get(key);
		if (value !== undefined) this.set(key, value);
		return value;
	}

	set(key: Key, value: Value): void {
		this.#entries.delete(key);
		this.#entries.set(key, value);
		if (this.#entries.size <= this.#capacity) return;
		for (const longestUnused of this.#entries.keys()) {
			this.#entries.delete(longestUnused);
			return;
		}
	}

	delete(key: Key): void {
		this.#entries.delete(key);
	}
}
