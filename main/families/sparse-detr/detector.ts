import { BEST_HUNDRED, rankedDetections, rankQueries } from '../../boxes/ranked-queries.ts';
import { assert } from '../../domain/errors.ts';
import type { SettingValues } from '../../domain/settings-table.ts';
import type { TokenMap } from '../../domain/tokens.ts';
import { GraphBuilder } from '../../graph/graph-builder.ts';
import type { GraphSession, GraphTensor } from '../../runtime/runtime.ts';
import { Layers, type WeightLookup } from '../../graph/layers.ts';
import { countOperations } from '../../graph/operation-count.ts';
import type { Selection } from '../../reduction/mode.ts';
import type { Weights } from '../../weights/safetensors.ts';
import { requireTensors } from '../../weights/weights.ts';
import type { LabelNames } from '../coco-names.ts';
import type { DetectorOptions } from '../../detector/detector.ts';
import { fitShorterSide } from '../../pixels/letterbox.ts';
import { QueryDetector, type QueryNetwork, type QueryOutcome } from '../../detector/query-detector.ts';
import { createRuntime } from '../../runtime/onnx-runtime.ts';
import { attentionMap } from './attention-map.ts';
import { finestStride } from './backbone.ts';
import { attentionCells, keptCells, relevanceCells } from './cells.ts';
import type { SparseDetrConfig } from './config.ts';
import { KEPT } from './encoder.ts';
import { compileSparseDetr, emitSparseDetr, type SparseDetrGraph } from './graph.ts';
import { keepCounts } from './pyramid.ts';

/** Sides of the pictures that all published models were tested with. */
const [SHORTER_SIDE, LONGEST_SIDE] = [800, 1333];
/** Grey of what is beyond the picture in a frame; the network never sees it. */
const FILL = 114;
/** What both graphs give. */
const RESULTS = ['logits', 'boxes', 'look.x', 'look.y', 'look.weight'];

/** A checkpoint that has been read and checked. */
export type SparseDetrModel = {
	config: SparseDetrConfig;
	weights: Weights;
	path: string;
	labels: LabelNames;
};

/**
 * Opens a model for one video size. Its grid is that of the finest level; a cell counts as kept where the token of any
 * level that lies over it is. Throws `unknown-setting` or `setting-out-of-range`.
 */
export async function openSparseDetr(
	model: SparseDetrModel,
	options: DetectorOptions,
): Promise<QueryDetector> {
	const { config, weights, path, labels } = model;
	const stride = finestStride(config);
	const sides = { shorter: SHORTER_SIDE, longest: LONGEST_SIDE, maxSide: options.maxSide };
	const letterbox = fitShorterSide(options.displaySize, sides, stride, FILL);
	const pictures = { batch: 1, ...letterbox.contentSize, padding: null };
	const lookup = requireTensors(weights, path);
	const graph = compileSparseDetr(config, lookup, pictures, { selects: options.mode === 'sparse' });
	const runtime = createRuntime(options.threads);
	const session = await runtime.load(graph.bytes, graph.name);
	const { rows, cols } = graph.pyramid.levels[0]!;
	const grid = { rows, cols, stride, windowSize: stride, windowOffset: 0 };
	const denseMacs =
		options.mode === 'sparse' ? countDense(config, lookup, pictures) : countOperations(graph.operations, {});
	const network = new LoadedSparseDetr(config, session, graph, denseMacs);
	return new QueryDetector(
		{
			classes: labels.names,
			interpret(outcome, displaySize, scoreThreshold) {
				const ranked = rankQueries(outcome, displaySize, BEST_HUNDRED);
				return rankedDetections(ranked, labels.indexByLabel, displaySize, scoreThreshold);
			},
		},
		options,
		{ network, letterbox, grid, runtime },
	);
}

function countDense(
	config: SparseDetrConfig,
	lookup: WeightLookup,
	pictures: Parameters<typeof emitSparseDetr>[2],
): number {
	const graph = new GraphBuilder();
	emitSparseDetr(new Layers(graph, lookup), config, pictures, { selects: false });
	return countOperations(graph.operations, {});
}

class LoadedSparseDetr implements QueryNetwork {
	readonly denseMacs: number;
	readonly logitCount: number;
	readonly queries: number;
	readonly #config: SparseDetrConfig;
	readonly #session: GraphSession;
	readonly #graph: Pick<SparseDetrGraph, 'operations' | 'pyramid' | 'selects'>;

	constructor(config: SparseDetrConfig, session: GraphSession, graph: SparseDetrGraph, denseMacs: number) {
		const { operations, pyramid, selects } = graph; // and not its bytes, which the session has
		this.denseMacs = denseMacs;
		this.logitCount = config.classes;
		this.queries = config.twoStage ? Math.min(config.queries, pyramid.tokens) : config.queries;
		this.#config = config;
		this.#session = session;
		this.#graph = { operations, pyramid, selects };
	}

	async run(picture: GraphTensor, settings: SettingValues, selection: Selection): Promise<QueryOutcome> {
		return this.#graph.selects ? this.#runSparse(picture, settings, selection) : this.#runDense(picture);
	}

	async #runDense(picture: GraphTensor): Promise<QueryOutcome> {
		const outputs = await this.#session.run({ picture }, RESULTS);
		const macs = countOperations(this.#graph.operations, {});
		return { ...queriesOf(outputs), macs, maps: [this.#attention(outputs)] };
	}

	async #runSparse(
		picture: GraphTensor,
		settings: SettingValues,
		selection: Selection,
	): Promise<QueryOutcome> {
		const { operations, pyramid } = this.#graph;
		const { rows } = keepCounts(pyramid, Number(settings['keep']));
		const keep: GraphTensor = { type: 'int64', data: BigInt64Array.of(BigInt(rows)), shape: [1] };
		const outputs = await this.#session.run({ picture, keep }, [...RESULTS, 'scores', 'kept']);
		const kept = outputs['kept']?.data;
		assert(kept instanceof BigInt64Array && kept.length === rows, `the sparse graph keeps ${rows} tokens`);
		takeCells(selection, keptCells(kept, pyramid));
		const relevance: TokenMap = {
			kind: 'relevance',
			values: relevanceCells(floats(outputs, 'scores'), pyramid.levels),
		};
		const macs = countOperations(operations, { [KEPT]: rows });
		return { ...queriesOf(outputs), macs, maps: [relevance, this.#attention(outputs)] };
	}

	#attention(outputs: Readonly<Record<string, GraphTensor>>): TokenMap {
		const { levels } = this.#graph.pyramid;
		const looks = {
			x: floats(outputs, 'look.x'),
			y: floats(outputs, 'look.y'),
			weight: floats(outputs, 'look.weight'),
		};
		const map = attentionMap(looks, levels, this.#config.decoderPoints);
		return { kind: 'attention', values: attentionCells(map, levels) };
	}

	release(): Promise<void> {
		return this.#session.release();
	}
}

function takeCells(selection: Selection, cells: Int32Array): void {
	selection.kind = cells.length === selection.tokens.length ? 'flush' : 'partial';
	selection.tokens.set(cells);
	selection.count = cells.length;
}

function queriesOf(outputs: Readonly<Record<string, GraphTensor>>): {
	logits: Float32Array;
	boxes: Float32Array;
} {
	return { logits: floats(outputs, 'logits'), boxes: floats(outputs, 'boxes') };
}

function floats(outputs: Readonly<Record<string, GraphTensor>>, name: string): Float32Array {
	const data = outputs[name]?.data;
	assert(data instanceof Float32Array, `the graph gives ${name} as float32`);
	return data;
}
