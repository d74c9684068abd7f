import { assert } from '../domain/errors.ts';
import type { NamedArrays } from '../domain/named-arrays.ts';
import { rollGrid } from '../domain/roll-grid.ts';
import { tokenCount, type TokenGrid } from '../domain/tokens.ts';

/** A window that was cut is worth computing anew when it knows so many more columns or rows, or all. */
const KNOWS_MORE = 8;

/** Whole pixels of a view, ends not included. */
export type Rect = { left: number; right: number; top: number; bottom: number };

/** Which part of each token's window the frame shows, and which part it showed when the token was remembered. */
export class KnownWindows {
	readonly #grid: TokenGrid;
	/** [tokens, 4]: first and end of the columns, then of the rows of each window. */
	readonly #now: Uint8Array;
	readonly #then: Uint8Array;

	constructor(grid: TokenGrid) {
		this.#grid = grid;
		this.#now = new Uint8Array(4 * tokenCount(grid));
		this.#then = new Uint8Array(4 * tokenCount(grid));
	}

	/** The frame shows this part of the view. */
	show({ left, right, top, bottom }: Rect): void {
		const { rows, cols, stride, windowSize, windowOffset } = this.#grid;
		const within = (side: number, start: number) => Math.min(windowSize, Math.max(0, side - start));
		for (let row = 0; row < rows; row++) {
			const startY = row * stride + windowOffset;
			for (let col = 0; col < cols; col++) {
				const startX = col * stride + windowOffset;
				const at = 4 * (row * cols + col);
				this.#now[at] = within(left, startX);
				this.#now[at + 1] = within(right, startX);
				this.#now[at + 2] = within(top, startY);
				this.#now[at + 3] = within(bottom, startY);
			}
		}
	}

	/** Whether the frame shows the whole square of a token. */
	showsSquare(token: number): boolean {
		const { stride, windowOffset } = this.#grid;
		const at = 4 * token;
		const first = -windowOffset;
		const end = first + stride;
		const now = this.#now;
		return now[at]! <= first && now[at + 1]! >= end && now[at + 2]! <= first && now[at + 3]! >= end;
	}

	/** Writes [tokens, 4] as above to `compared`: what of windows is known now and was then. */
	writeCommon(compared: Uint8Array): void {
		for (let i = 0; i < this.#now.length; i += 2) {
			compared[i] = Math.max(this.#now[i]!, this.#then[i]!);
			const end = Math.min(this.#now[i + 1]!, this.#then[i + 1]!);
			compared[i + 1] = Math.max(end, compared[i]!);
		}
	}

	/** Sets `due` to 1 for tokens that were computed from windows that were cut, or never, and of which enough more is known now. */
	markCut(due: Uint8Array): void {
		const { windowSize } = this.#grid;
		for (let token = 0; token < due.length; token++) {
			const i = 4 * token;
			const gain = Math.max(
				this.#then[i]! - this.#now[i]!,
				this.#now[i + 1]! - this.#then[i + 1]!,
				this.#then[i + 2]! - this.#now[i + 2]!,
				this.#now[i + 3]! - this.#then[i + 3]!,
			);
			if (gain <= 0) continue;
			const whole =
				this.#now[i] === 0 &&
				this.#now[i + 2] === 0 &&
				this.#now[i + 1] === windowSize &&
				this.#now[i + 3] === windowSize;
			const never = this.#then[i + 1] === 0;
			if (whole || never || gain >= KNOWS_MORE) due[token] = 1;
		}
	}

	/** What is remembered of all tokens is computed from what is known now. */
	rememberAll(): void {
		this.#then.set(this.#now);
	}

	/** `tokens[0..count)` are computed from what is known now. */
	remember(tokens: Int32Array, count: number): void {
		for (let i = 0; i < count; i++) {
			const at = 4 * tokens[i]!;
			this.#then.set(this.#now.subarray(at, at + 4), at);
		}
	}

	/** What was known of each token is that of the token `rows` further down and `cols` to the right; of new ones nothing. */
	roll(rows: number, cols: number): void {
		rollGrid(this.#grid, this.#then, 4, rows, cols, 0);
	}

	saveState(): NamedArrays {
		return { 'view.known': this.#then.slice() };
	}

	restoreState(state: NamedArrays): void {
		const known = state['view.known'];
		assert(known instanceof Uint8Array, 'a snapshot holds what was known of windows');
		this.#then.set(known);
	}
}
