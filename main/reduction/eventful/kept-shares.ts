import type { GraphTensor } from '../../runtime/runtime.ts';
import { float32 } from '../../runtime/tensors.ts';
import type { Lanes } from './attention.ts';
import type { GateMemory } from './gate-memory.ts';

/** What the delta product remembers beside its result: shares [heads, keys, tokens], as each key's last update left them. */
export class KeptShares {
	readonly data: Float32Array;
	readonly #memory: GateMemory;
	readonly #keys: number;
	readonly #tokens: number;

	constructor({ heads, keys, tokens }: { heads: number; keys: number; tokens: number }, memory: GateMemory) {
		this.data = new Float32Array(heads * keys * tokens);
		this.#memory = memory;
		this.#keys = keys;
		this.#tokens = tokens;
	}

	/** Takes all shares of some heads, [lanes, keys, tokens]. */
	start(shares: Float32Array, { first }: Lanes): void {
		this.data.set(shares, first * this.#keys * this.#tokens);
	}

	/** For an update of `cells`: their shares as they are kept, and room for fresh ones; [lanes, cells, tokens] each. */
	exchange(cells: Int32Array, lanes: Lanes): { stale: GraphTensor; fresh: GraphTensor } {
		const { stale, fresh } = this.#room(cells, lanes);
		this.#each(cells, lanes, (kept, at) => stale.set(kept, at));
		const shape = [lanes.count, cells.length, this.#tokens];
		return { stale: float32(stale, shape), fresh: float32(fresh, shape) };
	}

	/** Keeps the fresh shares of `cells` that an update has put into that room. */
	keep(cells: Int32Array, lanes: Lanes): void {
		const { fresh } = this.#room(cells, lanes);
		this.#each(cells, lanes, (kept, at) => kept.set(fresh.subarray(at, at + this.#tokens)));
	}

	/** Shared room, which is the same for the same cells. */
	#room(cells: Int32Array, { count }: Lanes) {
		const floats = count * cells.length * this.#tokens;
		const columns = this.#memory.columns(2 * floats);
		return { stale: columns.subarray(0, floats), fresh: columns.subarray(floats) };
	}

	/** Calls `use` with the kept shares of every cell [tokens], and with where they stand among those of all cells. */
	#each(cells: Int32Array, { first, count }: Lanes, use: (kept: Float32Array, at: number) => void): void {
		for (let lane = 0; lane < count; lane++) {
			for (let i = 0; i < cells.length; i++) {
				const from = ((first + lane) * this.#keys + cells[i]!) * this.#tokens;
				use(this.data.subarray(from, from + this.#tokens), (lane * cells.length + i) * this.#tokens);
			}
		}
	}
}
