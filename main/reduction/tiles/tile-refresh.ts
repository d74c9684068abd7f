import { assert } from '../../domain/errors.ts';
import type { NamedArrays } from '../../domain/named-arrays.ts';
import { markDue } from '../reuse/refresh.ts';
import type { InputPlan } from './plan-inputs.ts';
import type { TileLayout } from './tile-layout.ts';

/**
 * Which tiles must run whole: those where something was cut that only a whole tile shows, and now and then every one in which
 * something changed since it last did. What is still is never run again.
 */
export class TileRefresh {
	/** By tile, 1 where it must run whole in this frame. */
	readonly due: Uint8Array;
	readonly #layout: TileLayout;
	/** By tile: the frame of its last whole run, whether anything changed since then, and whether a whole run was asked for. */
	readonly #lastWhole: Int32Array;
	readonly #changed: Uint8Array;
	readonly #asked: Uint8Array;

	constructor(layout: TileLayout) {
		const { length } = layout.tiles;
		this.#layout = layout;
		this.due = new Uint8Array(length);
		this.#lastWhole = new Int32Array(length);
		this.#changed = new Uint8Array(length);
		this.#asked = new Uint8Array(length);
	}

	/** Takes a frame: change by cell, of which what is not above `floor` is noise. Each tile's turn comes within `period` frames. */
	mark(change: Float32Array, floor: number, frame: number, period: number): void {
		const { home } = this.#layout;
		for (let cell = 0; cell < home.length; cell++) if (change[cell]! > floor) this.#changed[home[cell]!] = 1;
		markDue(this.#lastWhole, frame, period, this.due);
		for (let tile = 0; tile < this.due.length; tile++) {
			this.due[tile] = this.#asked[tile]! | (this.due[tile]! & this.#changed[tile]!);
		}
	}

	/** The tiles of these cells must run whole. */
	ask(cells: readonly number[]): void {
		for (const cell of cells) this.#asked[this.#layout.home[cell]!] = 1;
	}

	/** The tiles that a plan runs whole are as new. */
	planned({ inputs }: InputPlan, frame: number): void {
		for (const { parts } of inputs) {
			const tile = this.#layout.tiles.indexOf(parts[0]!.source);
			if (tile < 0) continue;
			this.#lastWhole[tile] = frame;
			this.#changed[tile] = this.#asked[tile] = 0;
		}
	}

	saveState(): NamedArrays {
		return {
			'tiles.lastWhole': this.#lastWhole.slice(),
			'tiles.changed': this.#changed.slice(),
			'tiles.asked': this.#asked.slice(),
		};
	}

	restoreState(state: NamedArrays): void {
		const { 'tiles.lastWhole': lastWhole, 'tiles.changed': changed, 'tiles.asked': asked } = state;
		assert(lastWhole && changed && asked, 'a snapshot holds when tiles ran whole');
		this.#lastWhole.set(lastWhole);
		this.#changed.set(changed);
		this.#asked.set(asked);
	}
}
