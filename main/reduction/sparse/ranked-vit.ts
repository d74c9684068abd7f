import { assert } from '../../domain/errors.ts';
import { tokenCount } from '../../domain/tokens.ts';
import type { FramePixels } from '../../pixels/frame-pixels.ts';
import { LoadedGraph } from '../../runtime/loaded-graph.ts';
import type { GraphRuntime } from '../../runtime/runtime.ts';
import { pictureTensor } from '../full-graph.ts';
import { floats, int64, integers } from '../../runtime/tensors.ts';
import type { Behind, NetworkOutput, RankedNetwork, VitOffer } from '../host.ts';
import type { Computed } from '../selection.ts';
import { relevanceMap } from '../relevance.ts';
import { compileSparse, gridAnswer, KEPT, LEFT_OUT } from '../vit-graphs.ts';

const NO_ANSWERS = new Float32Array(0);

/** Where the weights have blocks for few tokens, `few` runs them up to a keep ratio of `upTo`. */
type SparseGraphs = { usual: LoadedGraph; few: { graph: LoadedGraph; upTo: number } | null };

/** A vision transformer whose scorer ranks its tokens; only the kept ones answer. */
export class RankedVit<Output extends NetworkOutput> implements RankedNetwork<Output> {
	readonly #vit: VitOffer<Output>;
	readonly #graphs: SparseGraphs;
	readonly #behind: Behind<Output>;
	readonly #tokens: number;
	/** [tokens, width]; rows of tokens that are not kept hold what they held. */
	readonly #answers: Float32Array;

	private constructor(vit: VitOffer<Output>, graphs: SparseGraphs, behind: Behind<Output>) {
		this.#vit = vit;
		this.#graphs = graphs;
		this.#behind = behind;
		this.#tokens = tokenCount(vit.plan.grid);
		this.#answers = new Float32Array(this.#tokens * gridAnswer(vit.plan).width);
	}

	static async load<Output extends NetworkOutput>(
		vit: VitOffer<Output>,
		runtime: GraphRuntime,
	): Promise<RankedVit<Output>> {
		const { plan, weights, behind } = vit;
		const load = (own: boolean) => LoadedGraph.load(runtime, compileSparse(plan, weights, { own }));
		const own = plan.scorer?.own;
		const few = own ? { graph: await load(true), upTo: own.upTo } : null;
		return new RankedVit(vit, { usual: await load(false), few }, await behind.load(runtime));
	}

	async run(pixels: FramePixels, keep: number): Promise<Computed<Output>> {
		const { plan } = this.#vit;
		const { width } = gridAnswer(plan);
		const tokens = this.#tokens;
		const count = Math.max(1, Math.ceil(keep * tokens));
		const graph = this.#graphFor(count);
		const outputs = await graph.run({ picture: pictureTensor(plan, pixels), keep: int64(count) }, [
			'head',
			'kept',
			'scores',
		]);
		const emitting = integers(outputs, 'kept');
		assert(emitting.length === count, `the sparse graph keeps ${count} tokens`);
		const rows = floats(outputs, 'head');
		emitting.forEach((token, i) =>
			this.#answers.set(rows.subarray(i * width, (i + 1) * width), token * width),
		);
		const { output, macs } = await this.#behind.run({
			grid: this.#answers,
			extra: NO_ANSWERS,
			emitting,
		});
		return {
			output,
			macs: macs + graph.macs({ [KEPT]: count, [LEFT_OUT]: tokens - count }),
			selection: { kind: count === tokens ? 'flush' : 'partial', tokens: emitting, count },
			maps: [relevanceMap(floats(outputs, 'scores'))],
		};
	}

	async release(): Promise<void> {
		await this.#graphs.usual.release();
		await this.#graphs.few?.graph.release();
		await this.#behind.release();
	}

	#graphFor(count: number): LoadedGraph {
		const { usual, few } = this.#graphs;
		return few && count < this.#tokens && count <= Math.ceil(few.upTo * this.#tokens) ? few.graph : usual;
	}
}
