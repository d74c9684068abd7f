import { encodeGraph } from '../graph/graph-builder.ts';
import type { WeightLookup } from '../graph/layers.ts';
import { compileFull } from '../reduction/vit-graphs.ts';
import { createRuntime } from '../runtime/onnx-runtime.ts';
import type { Extent, VitPlan } from '../vit/plan.ts';
import type { HfPictures } from './hf-pictures.ts';

/** Outputs of a plan's full graph by name. */
export type VitOutputs = Readonly<Record<string, Float32Array>>;

/** What a full graph calls the outputs of a plan's blocks, as cases do. */
export function blockNames({ blocks }: VitPlan): string[] {
	return blocks.map((_, i) => `block.${i}`);
}

/** A batch's pictures for vision transformers, which see its whole patches. */
export class VitPictures {
	readonly grid: Extent;
	readonly #pictures: HfPictures;
	readonly #patch: number;

	constructor(pictures: HfPictures, patch: number) {
		const { width, height } = pictures.size;
		this.#pictures = pictures;
		this.#patch = patch;
		this.grid = { rows: Math.floor(height / patch), cols: Math.floor(width / patch) };
	}

	/** What a plan's full graph gives for each picture, taps included. */
	async run(plan: VitPlan, weights: WeightLookup, wanted: readonly string[]): Promise<VitOutputs[]> {
		const options = { keepKeysAndValues: false, withScores: false, taps: true };
		const graph = compileFull(plan, weights, options);
		const session = await createRuntime(1).load(encodeGraph(graph), graph.name);
		const results: VitOutputs[] = [];
		for (let n = 0; n < this.#pictures.batch; n++) {
			const outputs = await session.run({ picture: this.#picture(n) }, wanted);
			const numbers = wanted.map((name) => [name, outputs[name]!.data as Float32Array] as const);
			results.push(Object.fromEntries(numbers));
		}
		await session.release();
		return results;
	}

	/** The whole patches of picture n: [1, 3, height, width]. */
	#picture(n: number) {
		const { pixels, size } = this.#pictures;
		const [rows, cols] = [this.grid.rows * this.#patch, this.grid.cols * this.#patch];
		const data = new Float32Array(3 * rows * cols);
		for (let line = 0; line < 3 * rows; line++) {
			const [channel, y] = [Math.floor(line / rows), line % rows];
			const from = ((3 * n + channel) * size.height + y) * size.width;
			data.set((pixels.data as Float32Array).subarray(from, from + cols), line * cols);
		}
		return { type: 'float32' as const, data, shape: [1, 3, rows, cols] };
	}
}
