import { tokenCount } from '../../domain/tokens.ts';
import type { FramePixels } from '../../pixels/frame-pixels.ts';
import type { GraphRuntime } from '../../runtime/runtime.ts';
import type { Behind, NetworkOutput, RankedNetwork, VitOffer } from '../host.ts';
import { relevanceMap } from '../relevance.ts';
import type { Computed } from '../selection.ts';
import { gridAnswer } from '../vit-graphs.ts';
import { loadRankedGraphs, type RankedGraphs } from './ranked-graphs.ts';

const NO_ANSWERS = new Float32Array(0);

/** A vision transformer whose scorer ranks its tokens; only the kept ones answer. */
export class RankedVit<Output extends NetworkOutput> implements RankedNetwork<Output> {
	readonly #graphs: RankedGraphs;
	readonly #behind: Behind<Output>;
	readonly #tokens: number;
	/** Numbers that each token answers. */
	readonly #width: number;
	/** [tokens, width]; rows of tokens that are not kept hold what they held. */
	readonly #answers: Float32Array;

	private constructor({ plan }: VitOffer<Output>, graphs: RankedGraphs, behind: Behind<Output>) {
		this.#graphs = graphs;
		this.#behind = behind;
		this.#tokens = tokenCount(plan.grid);
		this.#width = gridAnswer(plan).width;
		this.#answers = new Float32Array(this.#tokens * this.#width);
	}

	static async load<Output extends NetworkOutput>(
		vit: VitOffer<Output>,
		runtime: GraphRuntime,
	): Promise<RankedVit<Output>> {
		const graphs = await loadRankedGraphs(vit.plan, vit.weights, runtime);
		return new RankedVit(vit, graphs, await vit.behind.load(runtime));
	}

	async run(pixels: FramePixels, keep: number): Promise<Computed<Output>> {
		const tokens = this.#tokens;
		const width = this.#width;
		const count = Math.max(1, Math.ceil(keep * tokens));
		const { kept: emitting, head, scores, macs: before } = await this.#graphs.run(pixels, count);
		emitting.forEach((token, i) =>
			this.#answers.set(head.subarray(i * width, (i + 1) * width), token * width),
		);
		const { output, macs } = await this.#behind.run({ grid: this.#answers, extra: NO_ANSWERS, emitting });
		return {
			output,
			macs: macs + before,
			selection: { kind: count === tokens ? 'flush' : 'partial', tokens: emitting, count },
			maps: [relevanceMap(scores)],
		};
	}

	async release(): Promise<void> {
		await this.#graphs.release();
		await this.#behind.release();
	}
}
