import { assert } from '../../domain/errors.ts';
import {
	changeSettings,
	resolveSettings,
	type SettingsTable,
	type SettingValues,
	type ValuesOf,
} from '../../domain/settings-table.ts';
import { tokenCount } from '../../domain/tokens.ts';
import type { GraphSession } from '../../runtime/runtime.ts';
import { countOperations, type OperationCount } from '../../graph/operation-count.ts';
import { refusesUnlessPlain } from '../../vit/plan.ts';
import { allTokens, denseMacs, float32, numbers } from '../full-graph.ts';
import type { FramePixels, Reduction, ReductionMode, RunOutcome, Selection, VitHost } from '../mode.ts';
import { relevanceMap } from '../relevance.ts';
import { compileSparse, gridAnswer, KEPT, LEFT_OUT } from '../vit-graphs.ts';

const PLACE = 'mode sparse';

const SETTINGS = {
	keep: {
		kind: 'number',
		default: 0.3,
		min: 0.02,
		max: 1,
		step: 0.01,
		live: true,
		description: 'Share of the tokens, by the scorer’s rank, that go on being updated and may show objects.',
	},
} as const satisfies SettingsTable;

/**
 * Reduction in space (Sparse DETR, Roh et al., ICLR 2022, section 3): a scorer ranks the tokens early on, only
 * the best `keep` are updated by the remaining blocks; keys and values still come from all of them.
 */
export const sparse: ReductionMode = {
	id: 'sparse',
	title: 'Sparse',
	description:
		'Updates only the tokens that a learned scorer finds important; nothing is remembered between frames. ' +
		'At low keep ratios objects that fill the frame get lost.',
	settings: SETTINGS,
	refuses: (plan) =>
		plan.scorer ? refusesUnlessPlain(plan) : `${plan.name} has no scorer, which ranks the tokens to keep`,
	async open(host, settings) {
		const load = async (own: boolean): Promise<SparseGraph> => {
			const graph = compileSparse(host.plan, host.weights, { own });
			return { session: await host.runtime.load(graph.bytes, graph.name), operations: graph.operations };
		};
		const own = host.plan.scorer?.own;
		const few = own ? { ...(await load(true)), upTo: own.upTo } : null;
		return new Sparse(host, { usual: await load(false), few }, settings);
	},
};

type SparseGraph = { session: GraphSession; operations: OperationCount };
/** Where the weights have blocks for few tokens, `few` runs them up to a keep ratio of `upTo`. */
type SparseGraphs = { usual: SparseGraph; few: (SparseGraph & { upTo: number }) | null };

class Sparse implements Reduction {
	settings: ValuesOf<typeof SETTINGS>;
	readonly budgetMacs = null;
	readonly stateBytes = 0;
	readonly denseMacs: number;
	readonly #host: VitHost;
	readonly #graphs: SparseGraphs;
	readonly #tokens: Int32Array;
	readonly #head: Float32Array;

	constructor(host: VitHost, graphs: SparseGraphs, settings: SettingValues) {
		this.settings = resolveSettings(SETTINGS, settings, PLACE);
		this.denseMacs = denseMacs(host);
		this.#host = host;
		this.#graphs = graphs;
		this.#tokens = allTokens(host);
		this.#head = new Float32Array(this.#tokens.length * gridAnswer(host.plan).width);
	}

	change(settings: SettingValues): void {
		this.settings = changeSettings(SETTINGS, this.settings, settings, PLACE);
	}

	reset(): void {
		// Nothing outlives a frame.
	}

	/** How many tokens will be kept; which ones, the graph finds out and `run` fills in. */
	select(): Selection {
		const tokens = tokenCount(this.#host.plan.grid);
		const count = Math.max(1, Math.ceil(this.settings.keep * tokens));
		return { kind: count === tokens ? 'flush' : 'partial', tokens: this.#tokens, count };
	}

	async run(pixels: FramePixels, selection: Selection): Promise<RunOutcome> {
		const { plan } = this.#host;
		const { count } = selection;
		const { rows, cols, stride } = plan.grid;
		const { session, operations } = this.#graphFor(count);
		const outputs = await session.run(
			{
				picture: float32(pixels.planar(), [1, 3, rows * stride, cols * stride]),
				keep: { type: 'int64', data: BigInt64Array.of(BigInt(count)), shape: [1] },
			},
			['head', 'kept', 'scores'],
		);
		const { width } = gridAnswer(plan);
		const keptRows = numbers(outputs, 'head');
		const kept = outputs['kept']?.data;
		assert(kept instanceof BigInt64Array && kept.length === count, `the sparse graph keeps ${count} tokens`);
		for (let i = 0; i < count; i++) {
			const token = Number(kept[i]);
			selection.tokens[i] = token;
			this.#head.set(keptRows.subarray(i * width, (i + 1) * width), token * width);
		}
		return {
			head: this.#head,
			macs: countOperations(operations, { [KEPT]: count, [LEFT_OUT]: this.#tokens.length - count }),
			emitting: selection.tokens.subarray(0, count),
			maps: [relevanceMap(numbers(outputs, 'scores'))],
		};
	}

	observe(): void {
		// Nothing here is steered by time.
	}

	saveState(): Record<string, never> {
		return {};
	}

	restoreState(state: object): void {
		assert(
			Object.keys(state).every((name) => !name.startsWith('sparse.')),
			'sparse remembers nothing',
		);
	}

	async release(): Promise<void> {
		await Promise.all([this.#graphs.usual.session.release(), this.#graphs.few?.session.release()]);
	}

	#graphFor(count: number): SparseGraph {
		const { usual, few } = this.#graphs;
		const tokens = this.#tokens.length;
		return few && count < tokens && count <= Math.ceil(few.upTo * tokens) ? few : usual;
	}
}
