import { assert } from '../../domain/errors.ts';
import { elementCount } from '../../domain/float-tensor.ts';
import type { NamedArrays } from '../../domain/named-arrays.ts';
import { tokenCount } from '../../domain/tokens.ts';
import type { WeightLookup } from '../../graph/layers.ts';
import { LoadedGraph } from '../../runtime/loaded-graph.ts';
import type {
	DeviceMemory,
	DeviceTensor,
	GraphRuntime,
	GraphTensor,
	GraphTensors,
} from '../../runtime/runtime.ts';
import { float32 } from '../../runtime/tensors.ts';
import { tokenTotal, type VitPlan } from '../../vit/plan.ts';
import { compileFull } from '../vit-graphs.ts';
import { asMemory } from './memory-from-graph.ts';
import { blockMemory, ROWS } from './memory-layout.ts';
import { compilePartial, SELECTED } from './partial-graph.ts';
import { savedArray, TokenPlaces } from './token-places.ts';
import type { TokenStore } from './token-store.ts';

/** Selected tokens are filled up to a multiple of this: devices compute so many rows at once, and know fewer shapes. */
const BUCKET = 32;

/**
 * Keys, values and what residuals read, in a device's memory: graphs scatter fresh rows into it where it lies, and what crosses are
 * the windows of selected tokens and their answers. Tokens keep their rows, unless the view moves. Snapshots are those of
 * `StoreInPlace`, so that a run can go on without the device.
 */
export class StoreOnDevice implements TokenStore {
	readonly flushMacs: number;
	readonly #plan: VitPlan;
	readonly #device: DeviceMemory;
	readonly #full: LoadedGraph;
	readonly #partial: LoadedGraph;
	readonly #places: TokenPlaces;
	/** `keys.i` and `values.i` [1, heads, memory rows, width], `residual.i` [tokens, dim]. */
	readonly #memories: Record<string, DeviceTensor>;
	readonly #paddings: readonly number[];
	readonly #picked: Float32Array;
	/** The tables of rotary positions on the device, and the ones that they are copies of. */
	#rotary: { of: GraphTensors; tensors: Readonly<Record<string, DeviceTensor>> } = { of: {}, tensors: {} };
	/** What a snapshot says of memories, until the next frame brings it to the device. */
	#restored: NamedArrays | null = null;

	static async load(
		plan: VitPlan,
		weights: WeightLookup,
		runtime: GraphRuntime,
		device: DeviceMemory,
	): Promise<StoreOnDevice> {
		const full = compileFull(plan, weights, {
			keepKeysAndValues: true,
			withScores: plan.scorer !== null,
			asKept: (layers, i, of, all) => asMemory(plan, weights, layers, plan.blocks[i]!, of, all),
		});
		const memories: Record<string, DeviceTensor> = {};
		for (const [name, shape] of Object.entries(memoryShapes(plan))) {
			memories[name] = await device.upload(new Float32Array(elementCount(shape)), shape);
		}
		return new StoreOnDevice(plan, device, memories, {
			full: await LoadedGraph.load(runtime, full),
			partial: await LoadedGraph.load(runtime, compilePartial(plan, weights, { writes: 'scattered' })),
		});
	}

	private constructor(
		plan: VitPlan,
		device: DeviceMemory,
		memories: Record<string, DeviceTensor>,
		graphs: { full: LoadedGraph; partial: LoadedGraph },
	) {
		this.flushMacs = graphs.full.macs();
		this.#plan = plan;
		this.#device = device;
		this.#full = graphs.full;
		this.#partial = graphs.partial;
		this.#memories = memories;
		this.#places = new TokenPlaces(plan);
		this.#paddings = [...new Set(plan.blocks.map((block) => blockMemory(plan, block).padding))];
		this.#picked = new Float32Array(tokenCount(plan.grid) * this.#windowNumbers);
	}

	get answers() {
		return this.#places.remembered.answers;
	}

	get scores() {
		return this.#places.remembered.scores;
	}

	macs(count: number): number {
		const filled = this.#filled(count);
		return this.#partial.macs({ [SELECTED]: filled, [ROWS]: filled + this.#places.extraTokens.length });
	}

	async flush(picture: Float32Array): Promise<void> {
		const { grid } = this.#plan;
		this.#restored = null;
		const outputs = await this.#full.run(
			{ picture: float32(picture, [1, 3, grid.rows * grid.stride, grid.cols * grid.stride]) },
			this.#places.remembered.names,
			this.#memories,
		);
		this.#places.reset();
		this.#places.remembered.putAll(outputs);
	}

	async update(tokens: Int32Array, count: number, windows: Float32Array): Promise<number> {
		await this.#bringRestored();
		const { windowSize } = this.#plan.grid;
		const selected = this.#filled(count);
		const computed = this.#places.computed(tokens, count, selected);
		const outputs = await this.#partial.run(
			{
				windows: float32(this.#filledWindows(windows, count, selected), [
					selected,
					3,
					windowSize,
					windowSize,
				]),
				...this.#memories,
				...(await this.#rotaryTables()),
				...this.#places.windowTensors(computed, 0),
				...this.#rowPlaces(computed),
				...this.#tokenNumbers(computed),
			},
			this.#places.remembered.names,
			Object.fromEntries(Object.entries(this.#memories).map(([name, memory]) => [`${name}.renewed`, memory])),
		);
		this.#places.remembered.put(outputs, tokens.subarray(0, count));
		return this.macs(count);
	}

	roll(rows: number, cols: number): void {
		this.#places.roll(rows, cols);
	}

	async saveState(): Promise<NamedArrays> {
		await this.#bringRestored();
		const state = this.#places.saveState();
		for (const [name, memory] of Object.entries(this.#memories)) {
			state[`store.${name}`] = await this.#device.download(memory);
		}
		return state;
	}

	restoreState(state: NamedArrays): void {
		for (const [name, { shape }] of Object.entries(this.#memories))
			savedArray(state, name, elementCount(shape));
		this.#places.restoreState(state);
		this.#restored = state;
	}

	async release(): Promise<void> {
		for (const tensor of [...Object.values(this.#memories), ...Object.values(this.#rotary.tensors)]) {
			tensor.dispose();
		}
		await this.#full.release();
		await this.#partial.release();
	}

	get #windowNumbers(): number {
		return 3 * this.#plan.grid.windowSize ** 2;
	}

	/** How many rows are computed for `count` selected tokens. */
	#filled(count: number): number {
		return Math.min(Math.ceil(count / BUCKET) * BUCKET, Math.max(count, tokenCount(this.#plan.grid)));
	}

	#filledWindows(windows: Float32Array, count: number, selected: number): Float32Array {
		if (selected === count) return windows;
		const numbers = this.#windowNumbers;
		this.#picked.set(windows.subarray(0, count * numbers));
		for (let i = count; i < selected; i++) {
			const from = (i % count) * numbers;
			this.#picked.set(windows.subarray(from, from + numbers), i * numbers);
		}
		return this.#picked.subarray(0, selected * numbers);
	}

	/** By padding, the places [heads, rows, 3] of the computed tokens' rows in a memory. */
	#rowPlaces(computed: Int32Array): Record<string, GraphTensor> {
		const { heads } = this.#plan;
		const rows = computed.length;
		const tensors: Record<string, GraphTensor> = {};
		for (const padding of this.#paddings) {
			const data = new BigInt64Array(heads * rows * 3);
			for (let head = 0, at = 0; head < heads; head++) {
				for (let row = 0; row < rows; row++, at += 3) {
					data[at + 1] = BigInt(head);
					data[at + 2] = BigInt(padding + this.#places.rows.rowOf[computed[row]!]!);
				}
			}
			tensors[`places.${padding}`] = { type: 'int64', data, shape: [heads, rows, 3] };
		}
		return tensors;
	}

	/** The computed tokens, in the shapes in which positions and residuals know them too. */
	#tokenNumbers(computed: Int32Array): Record<string, GraphTensor> {
		const { blocks, rotary } = this.#plan;
		const data = BigInt64Array.from(computed, BigInt);
		const rows = data.length;
		return {
			tokens: { type: 'int64', data, shape: [rows] },
			...(rotary && { 'tokens.positions': { type: 'int64', data, shape: [1, rows] } }),
			...(blocks.some(({ residual }) => residual) && {
				'tokens.places': { type: 'int64', data, shape: [rows, 1] },
			}),
		};
	}

	/** On the device; brought there anew when the view has moved. */
	async #rotaryTables(): Promise<Readonly<Record<string, DeviceTensor>>> {
		const { tensors } = this.#places.positions;
		if (this.#rotary.of === tensors) return this.#rotary.tensors;
		for (const tensor of Object.values(this.#rotary.tensors)) tensor.dispose();
		this.#rotary = { of: tensors, tensors: {} };
		const onDevice: Record<string, DeviceTensor> = {};
		for (const [name, tensor] of Object.entries(tensors)) {
			assert(tensor.type === 'float32', `${name} is float32`);
			onDevice[name] = await this.#device.upload(tensor.data, tensor.shape);
		}
		this.#rotary = { of: tensors, tensors: onDevice };
		return onDevice;
	}

	async #bringRestored(): Promise<void> {
		const state = this.#restored;
		this.#restored = null;
		if (!state) return;
		for (const [name, memory] of Object.entries(this.#memories)) {
			const data = savedArray(state, name, elementCount(memory.shape));
			this.#memories[name] = await this.#device.upload(data, memory.shape);
			memory.dispose();
		}
	}
}

function memoryShapes(plan: VitPlan): Record<string, readonly number[]> {
	const shapes: Record<string, readonly number[]> = {};
	plan.blocks.forEach((block, i) => {
		const { rows, keyWidth, valueWidth } = blockMemory(plan, block);
		shapes[`keys.${i}`] = [1, plan.heads, rows, keyWidth];
		shapes[`values.${i}`] = [1, plan.heads, rows, valueWidth];
		if (block.residual) shapes[`residual.${i}`] = [tokenTotal(plan), plan.dim];
	});
	return shapes;
}
