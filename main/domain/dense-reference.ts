import type { SettingValues } from './settings-table.ts';

/** What decides whether a run is the reference of others. */
export type Comparable = { mode: string; model: string; settings: SettingValues };

/** Whether a run computes all tiles of every frame: what mode tiles is to be compared with, for dense sees another picture. */
export function isPlainSlicing({ mode, settings }: Omit<Comparable, 'model'>): boolean {
	return mode === 'tiles' && settings['policy'] === 'all';
}

/**
 * The run that `shown` runs are measured against: one of the model of the first run that reuses something (only a model's own answers
 * tell how far reuse drifted), else of the next such model: plain slicing where a run of tiles is among them and there is one, else
 * the dense run. If nothing is reused, the first dense one. `kept` are further candidates. Null if there is none.
 */
export function denseReference<Run>(
	shown: readonly Run[],
	of: (run: Run) => Comparable,
	kept: readonly Run[] = [],
): Run | null {
	const isDense = (run: Run) => of(run).mode === 'dense';
	const reduced = shown.filter((run) => !isDense(run) && !isPlainSlicing(of(run)));
	const models = new Set((reduced.length > 0 ? reduced : shown).map((run) => of(run).model));
	const all = [...shown, ...kept];
	const sliced = reduced.some((run) => of(run).mode === 'tiles')
		? all.filter((run) => isPlainSlicing(of(run)))
		: [];
	const whole = [...sliced, ...all.filter(isDense)];
	for (const model of models) {
		const reference = whole.find((run) => of(run).model === model);
		if (reference) return reference;
	}
	return null;
}
