import { assert } from '../../domain/errors.ts';
import { tokenCount } from '../../domain/tokens.ts';
import { countOperations, type OperationCount } from '../../graph/operation-count.ts';
import type { FramePixels } from '../../pixels/frame-pixels.ts';
import type { GraphRuntime, GraphSession } from '../../runtime/runtime.ts';
import { numbers, pictureTensor } from '../full-graph.ts';
import type { Behind, NetworkOutput, RankedNetwork, VitOffer } from '../host.ts';
import type { Computed } from '../mode.ts';
import { relevanceMap } from '../relevance.ts';
import { compileSparse, gridAnswer, KEPT, LEFT_OUT } from '../vit-graphs.ts';

const NO_ANSWERS = new Float32Array(0);

type SparseGraph = { session: GraphSession; operations: OperationCount };
/** Where the weights have blocks for few tokens, `few` runs them up to a keep ratio of `upTo`. */
type SparseGraphs = { usual: SparseGraph; few: (SparseGraph & { upTo: number }) | null };

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
		const load = async (own: boolean): Promise<SparseGraph> => {
			const graph = compileSparse(plan, weights, { own });
			return { session: await runtime.load(graph.bytes, graph.name), operations: graph.operations };
		};
		const own = plan.scorer?.own;
		const few = own ? { ...(await load(true)), upTo: own.upTo } : null;
		return new RankedVit(vit, { usual: await load(false), few }, await behind.load(runtime));
	}

	async run(pixels: FramePixels, keep: number): Promise<Computed<Output>> {
		const { plan } = this.#vit;
		const { width } = gridAnswer(plan);
		const tokens = this.#tokens;
		const count = Math.max(1, Math.ceil(keep * tokens));
		const { session, operations } = this.#graphFor(count);
		const outputs = await session.run(
			{
				picture: pictureTensor(plan, pixels),
				keep: { type: 'int64', data: BigInt64Array.of(BigInt(count)), shape: [1] },
			},
			['head', 'kept', 'scores'],
		);
		const kept = outputs['kept']?.data;
		assert(kept instanceof BigInt64Array && kept.length === count, `the sparse graph keeps ${count} tokens`);
		const emitting = Int32Array.from(kept, Number);
		const rows = numbers(outputs, 'head');
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
			macs: macs + countOperations(operations, { [KEPT]: count, [LEFT_OUT]: tokens - count }),
			selection: { kind: count === tokens ? 'flush' : 'partial', tokens: emitting, count },
			maps: [relevanceMap(numbers(outputs, 'scores'))],
		};
	}

	async release(): Promise<void> {
		await this.#graphs.usual.session.release();
		await this.#graphs.few?.session.release();
		await this.#behind.release();
	}

	#graphFor(count: number): SparseGraph {
		const { usual, few } = this.#graphs;
		return few && count < this.#tokens && count <= Math.ceil(few.upTo * this.#tokens) ? few : usual;
	}
}
