import type { WeightLookup } from '../graph/layers.ts';
import type { VitPlan } from '../vit/plan.ts';
import type { Behind, Host } from './host.ts';
import { hostOfVit } from './vit-host.ts';

/** What the tokens of a plan answer; `emitting` is empty where all of them count. */
export type BareAnswers = { grid: Float32Array; extra: Float32Array; emitting: Int32Array };

/** A plan as a host with nothing behind it: its output is what the tokens answer. */
export function bareHost(plan: VitPlan, weights: WeightLookup): Host<BareAnswers> {
	const behind: Behind<BareAnswers> = {
		run: ({ grid, extra, emitting }) =>
			Promise.resolve({ output: { grid, extra, emitting: emitting ?? new Int32Array(0) }, macs: 0 }),
		release: () => Promise.resolve(),
	};
	return hostOfVit({ plan, weights, behind: { macs: () => 0, load: () => Promise.resolve(behind) } });
}
