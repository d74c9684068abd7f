import { assert } from '../../domain/errors.ts';
import type { NamedArrays } from '../../domain/named-arrays.ts';
import type { GraphTensor } from '../../runtime/runtime.ts';
import { tokenTotal, type VitPlan } from '../../vit/plan.ts';
import { distinctLayouts, extraTokens } from './memory-layout.ts';
import { MovingPositions, successors } from './moving-tokens.ts';
import { RememberedAnswers } from './remembered-answers.ts';
import { RowOrder } from './row-order.ts';
import { WindowIndices } from './window-indices.ts';

/** What a store knows of tokens wherever its memories lie: the rows that they have there, their positions, and what they answered. */
export class TokenPlaces {
	readonly extraTokens: Int32Array;
	readonly rows: RowOrder;
	readonly positions: MovingPositions;
	readonly remembered: RememberedAnswers;
	readonly #plan: VitPlan;
	readonly #windows: readonly WindowIndices[];

	constructor(plan: VitPlan) {
		this.#plan = plan;
		this.extraTokens = extraTokens(plan);
		this.rows = new RowOrder(tokenTotal(plan), this.extraTokens);
		this.positions = new MovingPositions(plan);
		this.remembered = new RememberedAnswers(plan);
		this.#windows = distinctLayouts(plan).layouts.map((layout) => new WindowIndices(layout, plan.heads));
	}

	/**
	 * The first `count` of the grid's `tokens`, filled up to `filled` with themselves, and all extra ones, as the plan counts them. They come
	 * again in turns, so that no window gets many more than it has.
	 */
	computed(tokens: Int32Array, count: number, filled = count): Int32Array {
		const computed = new Int32Array(filled + this.extraTokens.length);
		for (let i = 0; i < filled; i++) computed[i] = this.#plan.extra.before + tokens[i % count]!;
		computed.set(this.extraTokens, filled);
		return computed;
	}

	/** What a partial graph gathers for the `computed` tokens' windows; `less`: as in `WindowIndices.of`. */
	windowTensors(computed: Int32Array, less: number): Record<string, GraphTensor> {
		const tensors: Record<string, GraphTensor> = {};
		this.#windows.forEach((indices, layout) => {
			for (const [name, tensor] of Object.entries(indices.of(computed, this.rows.rowOf, less))) {
				tensors[`windows.${layout}.${name}`] = tensor;
			}
		});
		return tensors;
	}

	/** As before the first frame, but for what was answered. */
	reset(): void {
		this.rows.reset();
		this.positions.reset();
	}

	/** As `TokenStore.roll`. */
	roll(rows: number, cols: number): void {
		this.rows.rename(successors(this.#plan.grid, rows, cols));
		this.positions.roll(rows, cols);
		this.remembered.roll(rows, cols);
	}

	saveState(): NamedArrays {
		const state: NamedArrays = {
			'store.tokenAt': this.rows.tokenAt.slice(),
			'store.rolled': Int32Array.from(this.positions.rolled),
		};
		for (const [name, data] of Object.entries(this.remembered.arrays)) state[`store.${name}`] = data.slice();
		return state;
	}

	restoreState(state: NamedArrays): void {
		for (const [name, data] of Object.entries(this.remembered.arrays)) {
			data.set(savedArray(state, name, data.length));
		}
		const { 'store.tokenAt': tokenAt, 'store.rolled': rolled = [] } = state;
		assert(
			tokenAt instanceof Int32Array && tokenAt.length === tokenTotal(this.#plan),
			'a snapshot holds store.tokenAt',
		);
		this.rows.settle(tokenAt);
		this.positions.reset();
		this.positions.roll(rolled[0] ?? 0, rolled[1] ?? 0);
	}
}

/** What a snapshot holds of a store's array of `length` numbers. */
export function savedArray(state: NamedArrays, name: string, length: number): Float32Array {
	const saved = state[`store.${name}`];
	assert(saved instanceof Float32Array && saved.length === length, `a snapshot holds store.${name}`);
	return saved;
}
