import type { Extent } from './tile-layout.ts';

/** Where a rectangle was put: its first row and column. */
export type Spot = { row: number; col: number };

/** A step of the skyline: what is below `row` is free from `col` on, for so many columns. */
type Step = { col: number; width: number; row: number };

/**
 * Puts rectangles into an input so that none touch: each as high up as it fits, then as far to the left (the skyline heuristic;
 * Jylänki, A thousand ways to pack the bin, 2010). Everything in cells.
 */
export class Skyline {
	readonly #size: Extent;
	readonly #gap: number;
	#steps: Step[];

	/** `gap`: cells between rectangles. */
	constructor({ rows, cols }: Extent, gap: number) {
		this.#size = { rows: rows + gap, cols: cols + gap };
		this.#gap = gap;
		this.#steps = [{ col: 0, width: this.#size.cols, row: 0 }];
	}

	/** Finds a place for a rectangle and takes it; null where there is none. */
	put(extent: Extent): Spot | null {
		const { rows, cols } = { rows: extent.rows + this.#gap, cols: extent.cols + this.#gap };
		let best: Spot | null = null;
		for (const [i, { col }] of this.#steps.entries()) {
			if (col + cols > this.#size.cols) break;
			const row = this.#rowOver(i, cols);
			if (row + rows <= this.#size.rows && (best === null || row < best.row)) best = { row, col };
		}
		if (best) this.#cover(best, { rows, cols });
		return best;
	}

	/** The first row that is free over `cols` columns from where a step begins. */
	#rowOver(from: number, cols: number): number {
		let [row, left] = [0, cols];
		for (let i = from; left > 0; i++) {
			row = Math.max(row, this.#steps[i]!.row);
			left -= this.#steps[i]!.width;
		}
		return row;
	}

	#cover({ row, col }: Spot, { rows, cols }: Extent): void {
		const end = col + cols;
		const steps: Step[] = [];
		for (const step of this.#steps) {
			const stepEnd = step.col + step.width;
			if (step.col < col || step.col >= end) steps.push(step);
			if (step.col === col) steps.push({ col, width: cols, row: row + rows });
			if (step.col >= col && step.col < end && stepEnd > end) {
				steps.push({ col: end, width: stepEnd - end, row: step.row });
			}
		}
		this.#steps = steps;
	}
}
