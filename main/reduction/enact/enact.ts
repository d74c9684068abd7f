import { clusterMap } from '../../domain/cluster-map.ts';
import { assert } from '../../domain/errors.ts';
import {
	changeSettings,
	resolveSettings,
	type SettingsTable,
	type SettingValues,
	type ValuesOf,
} from '../../domain/settings-table.ts';
import type { TokenMap } from '../../domain/tokens.ts';
import type { GraphSession, GraphTensor } from '../../runtime/runtime.ts';
import { countOperations, type DimValues, type OperationCount } from '../../graph/operation-count.ts';
import { clusterDims } from '../../vit/enact-clustering.ts';
import { blockClusters, compileClustered } from './enact-graph.ts';
import { allTokens, denseMacs, float32, numbers } from '../full-graph.ts';
import type { FramePixels, Reduction, ReductionMode, RunOutcome, Selection, VitHost } from '../mode.ts';

const PLACE = 'mode enact';

const SETTINGS = {
	clusterLength: {
		kind: 'integer',
		default: 0,
		min: 0,
		max: 64,
		unit: 'tokens',
		live: true,
		description:
			'Tokens per cluster of keys and values. 0 = as long as the picture asks for, anew in every block of every frame; 1 = nothing is clustered.',
	},
} as const satisfies SettingsTable;

/**
 * Reduction in space (ENACT, Savathrakis and Argyros): tokens look at clusters of keys and values instead of at each of
 * them; how long the clusters are depends on the frame.
 */
export const enact: ReductionMode = {
	id: 'enact',
	title: 'Clustered attention',
	description:
		'Tokens attend to clusters of keys and values, whose length follows from every frame; all tokens are updated. ' +
		'Lookout was only briefly trained for it and loses some accuracy.',
	settings: SETTINGS,
	refuses: (plan) => (plan.clusters ? null : `${plan.name} has no weights to cluster keys and values by`),
	async open(host, settings) {
		const graph = compileClustered(host.plan, host.weights);
		const session = await host.runtime.load(graph.bytes, graph.name);
		return new Enact(host, session, graph.operations, settings);
	},
};

class Enact implements Reduction {
	settings: ValuesOf<typeof SETTINGS>;
	readonly budgetMacs = null;
	readonly stateBytes = 0;
	readonly denseMacs: number;
	readonly #host: VitHost;
	readonly #session: GraphSession;
	readonly #operations: OperationCount;
	readonly #tokens: Int32Array;
	readonly #blocks: readonly string[];

	constructor(host: VitHost, session: GraphSession, operations: OperationCount, settings: SettingValues) {
		this.settings = resolveSettings(SETTINGS, settings, PLACE);
		this.denseMacs = denseMacs(host);
		this.#host = host;
		this.#session = session;
		this.#operations = operations;
		this.#tokens = allTokens(host);
		this.#blocks = host.plan.blocks.map((_, i) => blockClusters(i));
	}

	change(settings: SettingValues): void {
		this.settings = changeSettings(SETTINGS, this.settings, settings, PLACE);
	}

	reset(): void {
		// Nothing outlives a frame.
	}

	/** Every token is updated; what is saved is what it looks at. */
	select(): Selection {
		return { kind: 'flush', tokens: this.#tokens, count: this.#tokens.length };
	}

	async run(pixels: FramePixels): Promise<RunOutcome> {
		const { rows, cols, stride } = this.#host.plan.grid;
		const outputs = await this.#session.run(
			{
				picture: float32(pixels.planar(), [1, 3, rows * stride, cols * stride]),
				length: forcedLength(this.settings.clusterLength),
			},
			['head', ...clusterOutputs(this.#blocks)],
		);
		const { dims, map } = readClusters(outputs, this.#blocks, this.#tokens.length);
		return {
			head: numbers(outputs, 'head'),
			macs: countOperations(this.#operations, dims),
			emitting: null,
			maps: [map],
		};
	}

	observe(): void {
		// Nothing here is steered by time.
	}

	saveState(): Record<string, never> {
		return {};
	}

	restoreState(): void {
		// Nothing was saved.
	}

	release(): Promise<void> {
		return this.#session.release();
	}
}

/** Tokens per cluster as a graph takes them; 0 = as many as the frame asks for. */
export function forcedLength(tokens: number): GraphTensor {
	return { type: 'int64', data: BigInt64Array.of(BigInt(tokens)), shape: [1] };
}

/** Outputs that a graph must give for `readClusters`. */
export function clusterOutputs(names: readonly string[]): string[] {
	return names.flatMap((name) => [`${name}.cluster_length`, `${name}.used_range`]);
}

/** How large the clusterings called `names` were in a run, for counting operations, and a picture of the last one. */
export function readClusters(
	outputs: Readonly<Record<string, GraphTensor>>,
	names: readonly string[],
	tokens: number,
): { dims: DimValues; map: TokenMap } {
	const whole = (name: string) => {
		const data = outputs[name]?.data;
		assert(data instanceof BigInt64Array, `the graph gives ${name} as int64`);
		return Array.from(data, Number);
	};
	const sizes = names.map((name) => ({ name, length: whole(`${name}.cluster_length`)[0]! }));
	const last = sizes.at(-1);
	assert(last, 'a graph with clusters has at least one clustering');
	const [first, end] = whole(`${last.name}.used_range`) as [number, number];
	return {
		dims: Object.assign(
			{},
			...sizes.map(({ name, length }) => clusterDims(name, length, tokens)),
		) as DimValues,
		map: clusterMap(tokens, first, end, last.length),
	};
}
