import { isWhole } from '../domain/dense-reference.ts';
import { ON_CPU } from '../domain/execution.ts';
import type { AnalysisJob } from '../analysis/protocol.ts';
import { findModel } from '../models/catalog.ts';
import { parseRunSpec, type RunSpec } from './arguments.ts';
import type { CommonJob } from './options.ts';

/** A run with the file of its model. */
export type PlacedSpec = RunSpec & { modelPath: string };

/**
 * The specs with the files of their models, and a dense run before the others of each model that is reduced and has none: what
 * reuses something is measured against its own model. Without any run, a dense one.
 */
export async function withDense(specs: readonly RunSpec[], modelPath: string): Promise<PlacedSpec[]> {
	const given = await Promise.all(
		specs.map(async (spec) => ({
			...spec,
			modelPath: spec.model === null ? modelPath : await findModel(spec.model),
		})),
	);
	if (given.length === 0) return [{ ...parseRunSpec('dense'), modelPath }];
	const isRounded = ({ precision }: RunSpec) => precision === 'int8';
	const dense = new Set(
		given.filter((spec) => spec.mode.id === 'dense' && !isRounded(spec)).map((spec) => spec.modelPath),
	);
	const added: typeof given = [];
	for (const spec of given) {
		const { mode, settings, model, modelPath: path } = spec;
		if ((isWhole({ mode: mode.id, settings }) && !isRounded(spec)) || dense.has(path)) continue;
		dense.add(path);
		added.push({ ...parseRunSpec(model === null ? 'dense' : `dense@${model}`), modelPath: path });
	}
	return [...added, ...given];
}

/** What a run adds to the job that all runs have in common. */
export function specJob(
	{ mode, settings, precision, modelPath }: PlacedSpec,
	common: CommonJob,
): Omit<AnalysisJob, 'runFolder' | 'start'> {
	const execution = precision === null ? common.execution : { ...ON_CPU, precision };
	return { ...common, modelPath, mode: mode.id, settings, execution };
}
