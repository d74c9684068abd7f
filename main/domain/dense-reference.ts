/** What decides whether a run is the reference of others. */
export type Comparable = { mode: string; model: string };

/**
 * The dense run that `shown` runs are measured against: one of the model of the first run that is not dense (only a
 * model's own dense answers tell how far reuse drifted), else of the next such model. If all are dense, the first.
 * `kept` are further candidates. Null if there is none.
 */
export function denseReference<Run>(
	shown: readonly Run[],
	of: (run: Run) => Comparable,
	kept: readonly Run[] = [],
): Run | null {
	const isDense = (run: Run) => of(run).mode === 'dense';
	const reduced = shown.filter((run) => !isDense(run));
	const models = new Set((reduced.length > 0 ? reduced : shown).map((run) => of(run).model));
	const dense = [...shown, ...kept].filter(isDense);
	for (const model of models) {
		const reference = dense.find((run) => of(run).model === model);
		if (reference) return reference;
	}
	return null;
}
