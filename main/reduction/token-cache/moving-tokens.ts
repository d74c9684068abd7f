import { tokenCount, type TokenGrid } from '../../domain/tokens.ts';
import { float32 } from '../../runtime/tensors.ts';
import type { GraphTensors } from '../../runtime/runtime.ts';
import { attendsPlainly, extraTotal, headDim, type VitPlan } from '../../vit/plan.ts';

/**
 * Why tokens of a plan can't move through the view with the scene while what is remembered of them stays valid; null where they
 * can. Positions must be rotary, so that attention knows differences of them only.
 */
export function staysInPlace(plan: VitPlan): string | null {
	const { blocks, absolute, rotary, name } = plan;
	if (absolute || blocks.some((block) => block.positionsAfter))
		return `${name} has learned absolute positions`;
	if (blocks.some((block) => block.pool)) return `${name} pools keys and values of several tokens into one`;
	if (!blocks.every(attendsPlainly)) return `${name} attends within windows or by relative positions`;
	if (extraTotal(plan) > 0) return `${name} has tokens that belong to the whole picture`;
	if (blocks.some((block) => block.residual)) return `${name} has residuals over the whole grid`;
	return rotary?.moved ? null : `${name} has no positions that go on beyond the picture`;
}

/** The rotary table of the tokens in view, as inputs of a partial graph; none where positions can't move. */
export class MovingPositions {
	readonly #plan: VitPlan;
	/** By how many tokens everything has moved down and to the right. */
	#rows = 0;
	#cols = 0;
	#tensors: GraphTensors = {};

	constructor(plan: VitPlan) {
		this.#plan = plan;
		this.roll(0, 0);
	}

	get tensors(): GraphTensors {
		return this.#tensors;
	}

	get rolled(): readonly [rows: number, cols: number] {
		return [this.#rows, this.#cols];
	}

	reset(): void {
		this.roll(-this.#rows, -this.#cols);
	}

	roll(rows: number, cols: number): void {
		const { rotary } = this.#plan;
		if (rows === 0 && cols === 0 && 'rotary.cos' in this.#tensors) return;
		this.#rows += rows;
		this.#cols += cols;
		// What has moved down stands for a part of the scene whose number is lower by as much.
		const table = rotary?.moved?.(-this.#rows, -this.#cols);
		if (!table) return;
		const shape = [tokenCount(this.#plan.grid), headDim(this.#plan) / 2];
		this.#tensors = { 'rotary.cos': float32(table.cos, shape), 'rotary.sin': float32(table.sin, shape) };
	}
}

/** For each token the one `rows` further down and `cols` to the right; for those that leave the view, one each that comes in. */
export function successors(grid: TokenGrid, rows: number, cols: number): Int32Array {
	const moved = (token: number, down: number, right: number) => {
		const row = Math.floor(token / grid.cols) + down;
		const col = (token % grid.cols) + right;
		return row >= 0 && row < grid.rows && col >= 0 && col < grid.cols ? row * grid.cols + col : -1;
	};
	const all = Array.from({ length: tokenCount(grid) }, (_, token) => token);
	const entering = all.filter((token) => moved(token, -rows, -cols) < 0);
	let next = 0;
	return Int32Array.from(all, (token) => {
		const to = moved(token, rows, cols);
		return to < 0 ? entering[next++]! : to;
	});
}
