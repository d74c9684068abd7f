import { rollGrid } from '../../domain/roll-grid.ts';
import { tokenCount } from '../../domain/tokens.ts';
import type { GraphTensors } from '../../runtime/runtime.ts';
import { floats } from '../../runtime/tensors.ts';
import { extraTotal, type VitPlan } from '../../vit/plan.ts';

/** A logit of what nobody has looked at yet. */
const NO_ANSWER = -100;

/** What every token answered when it was last computed. Policies and detections read it, so it lies in the processor's memory. */
export class RememberedAnswers {
	readonly answers: { grid: Float32Array; extra: Float32Array };
	readonly scores: Float32Array | null;
	/** The outputs of a graph that hold answers. */
	readonly names: readonly string[];
	readonly #plan: VitPlan;

	constructor(plan: VitPlan) {
		const { grid, extra } = plan.answers;
		const tokens = tokenCount(plan.grid);
		this.#plan = plan;
		this.answers = {
			grid: new Float32Array(tokens * (grid?.width ?? 0)),
			extra: new Float32Array(extraTotal(plan) * (extra?.width ?? 0)),
		};
		this.scores = plan.scorer && new Float32Array(tokens);
		this.names = [...(grid ? ['head'] : []), ...(extra ? ['extra'] : []), ...(plan.scorer ? ['scores'] : [])];
	}

	/** By name, for snapshots. */
	get arrays(): Record<string, Float32Array> {
		const { grid, extra } = this.answers;
		return {
			'answers.grid': grid,
			'answers.extra': extra,
			...(this.scores && { scores: this.scores }),
		};
	}

	/** Of all tokens, as a full graph gives them. */
	putAll(outputs: GraphTensors): void {
		const { grid, extra, answers } = this.#plan;
		if (answers.grid) this.answers.grid.set(floats(outputs, 'head'));
		if (answers.extra) this.answers.extra.set(floats(outputs, 'extra'));
		const first = extra.before;
		this.scores?.set(floats(outputs, 'scores').subarray(first, first + tokenCount(grid)));
	}

	/** Of `tokens` of the grid, whose rows come first, and of all extra ones. */
	put(outputs: GraphTensors, tokens: Int32Array): void {
		const { grid, extra } = this.#plan.answers;
		if (grid) putRows(this.answers.grid, grid.width, floats(outputs, 'head'), tokens);
		if (extra) this.answers.extra.set(floats(outputs, 'extra'));
		if (this.scores) putRows(this.scores, 1, floats(outputs, 'scores'), tokens);
	}

	/** As `TokenStore.roll`. */
	roll(rows: number, cols: number): void {
		const { grid, answers } = this.#plan;
		rollGrid(grid, this.answers.grid, answers.grid?.width ?? 0, rows, cols, NO_ANSWER);
		if (this.scores) rollGrid(grid, this.scores, 1, rows, cols, NO_ANSWER);
	}
}

/** Row i of `fresh` becomes row `places[i]` of `rows`. */
export function putRows(rows: Float32Array, width: number, fresh: Float32Array, places: Int32Array): void {
	for (let i = 0; i < places.length; i++) {
		rows.set(fresh.subarray(i * width, (i + 1) * width), places[i]! * width);
	}
}
