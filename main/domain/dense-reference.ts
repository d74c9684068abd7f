import { ON_CPU, type Precision } from './execution.ts';
import type { SettingValues } from './settings-table.ts';

/** What decides whether a run is the reference of others. */
export type Comparable = { mode: string; model: string; settings: SettingValues; precision: Precision };

/** Whether a run computes all tiles of every frame: what mode tiles is to be compared with, for dense sees another picture. */
export function isPlainSlicing({ mode, settings }: Pick<Comparable, 'mode' | 'settings'>): boolean {
	return mode === 'tiles' && settings['policy'] === 'all';
}

/**
 * The run that `run`, one of `shown`, is measured against: what reuses something, against a whole run of its own model, plain slicing
 * before dense for tiles, and against nothing where there is none; a whole run against the reference of all, `denseReference`.
 */
export function referenceFor<Run>(
	run: Run,
	shown: readonly Run[],
	of: (run: Run) => Comparable,
	kept: readonly Run[] = [],
): Run | null {
	const { mode, model } = of(run);
	if (isWhole(of(run))) return denseReference(shown, of, kept);
	const all = [...shown, ...kept];
	const own = exactFirst(
		all.filter((other) => of(other).model === model),
		of,
	);
	const sliced = mode === 'tiles' ? own.find((other) => isPlainSlicing(of(other))) : undefined;
	return sliced ?? denseOfModel(model, all, of);
}

/** The dense run of a model, in float32 rather than in int8; null if there is none. */
export function denseOfModel<Run>(
	model: string,
	runs: readonly Run[],
	of: (run: Run) => Comparable,
): Run | null {
	const dense = runs.filter((run) => of(run).mode === 'dense' && of(run).model === model);
	return exactFirst(dense, of)[0] ?? null;
}

/** Whether a run reuses nothing. */
export function isWhole(run: Pick<Comparable, 'mode' | 'settings'>): boolean {
	return run.mode === 'dense' || isPlainSlicing(run);
}

/** Milliseconds of the run stage and of all stages. */
type Times = { run: number; total: number };

/** How many times as fast as its reference a run is; null without one. A mode that skips frames may take no time at all. */
export function speedUpOver(reference: Times | null, own: Times): Times | null {
	if (!reference || own.total <= 0) return null;
	const atLeast = (milliseconds: number) => Math.max(milliseconds, 1e-6);
	return { run: atLeast(reference.run) / atLeast(own.run), total: reference.total / own.total };
}

/**
 * The run that a comparison of `shown` runs shows as its reference: one of the model of the first run that reuses something (only a
 * model's own answers tell how far reuse drifted), else of the next such model: plain slicing where a run of tiles is among them and
 * there is one, else the dense run. If nothing is reused, the first dense one. In float32 rather than in int8, where there are both.
 * `kept` are further candidates. Null if there is none.
 */
export function denseReference<Run>(
	shown: readonly Run[],
	of: (run: Run) => Comparable,
	kept: readonly Run[] = [],
): Run | null {
	const isDense = (run: Run) => of(run).mode === 'dense';
	const reduced = shown.filter((run) => !isWhole(of(run)));
	const models = new Set((reduced.length > 0 ? reduced : shown).map((run) => of(run).model));
	const all = [...shown, ...kept];
	const sliced = reduced.some((run) => of(run).mode === 'tiles')
		? all.filter((run) => isPlainSlicing(of(run)))
		: [];
	const whole = [...exactFirst(sliced, of), ...exactFirst(all.filter(isDense), of)];
	for (const model of models) {
		const reference = whole.find((run) => of(run).model === model);
		if (reference) return reference;
	}
	return null;
}

function exactFirst<Run>(runs: readonly Run[], of: (run: Run) => Comparable): Run[] {
	const isExact = (run: Run) => of(run).precision === ON_CPU.precision;
	return [...runs.filter(isExact), ...runs.filter((run) => !isExact(run))];
}
