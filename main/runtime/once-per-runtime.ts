import type { GraphRuntime } from './runtime.ts';

/** What `find` finds out of a runtime, once for each; where that fails, the next who asks tries anew. */
export function oncePerRuntime<Found>(
	find: (runtime: GraphRuntime) => Promise<Found>,
): (runtime: GraphRuntime) => Promise<Found> {
	const known = new WeakMap<GraphRuntime, Promise<Found>>();
	return (runtime) => {
		const begun = known.get(runtime);
		if (begun) return begun;
		const finding = find(runtime);
		known.set(runtime, finding);
		finding.catch(() => known.delete(runtime));
		return finding;
	};
}
