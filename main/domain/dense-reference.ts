/** What decides whether others are measured against a run. */
export type Comparable = { mode: string; model: string };

/**
 * The dense run that `shown` runs are measured against: of the model of the first one that is not dense itself, since how
 * far reuse drifted only its own model's dense answers tell; then of the next such model. Where all are dense, the
 * first. `kept` are further ones that may stand in. Null where there is none.
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
