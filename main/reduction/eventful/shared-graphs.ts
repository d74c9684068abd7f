import type { GraphRuntime, GraphSession } from '../../runtime/runtime.ts';

/**
 * Sessions of graphs that have no weights of their own, one for all blocks of the same sizes: what a run needs for its
 * intermediate results is then fetched once, and is warm in the caches when the next block comes.
 */
export class SharedGraphs {
	readonly #runtime: GraphRuntime;
	readonly #sessions = new Map<string, Promise<GraphSession>>();

	constructor(runtime: GraphRuntime) {
		this.#runtime = runtime;
	}

	/** The session of the graph that `compile` makes of `sizes`; `name` and sizes tell graphs apart. */
	load<Sizes extends object>(
		name: string,
		sizes: Sizes,
		compile: (sizes: Sizes) => Uint8Array,
	): Promise<GraphSession> {
		const key = `${name} ${JSON.stringify(sizes)}`;
		const session = this.#sessions.get(key) ?? this.#runtime.load(compile(sizes), name);
		this.#sessions.set(key, session);
		return session;
	}

	async release(): Promise<void> {
		for (const session of this.#sessions.values()) await (await session).release();
	}
}
