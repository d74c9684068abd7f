import type { QueryAnswers } from '../../boxes/ranked-queries.ts';
import { assert } from '../../domain/errors.ts';
import type { Letterbox } from '../../domain/frame.ts';
import { type TokenGrid, type TokenMap, tokenCount } from '../../domain/tokens.ts';
import type { Size } from '../../domain/video.ts';
import type { WeightLookup } from '../../graph/layers.ts';
import { countOperations } from '../../graph/operation-count.ts';
import { floats, int64, integers } from '../../runtime/tensors.ts';
import type { Host, RankedNetwork, WholeNetwork } from '../../reduction/host.ts';
import type { GraphRuntime, GraphTensor } from '../../runtime/runtime.ts';
import { CroppedPicture } from '../cropped-picture.ts';
import { attentionMap } from './attention-map.ts';
import { finestStride } from './backbone.ts';
import { attentionCells, keptCells, relevanceCells } from './cells.ts';
import type { SparseDetrConfig } from './config.ts';
import { KEPT } from './encoder.ts';
import { compileSparseDetr } from './graph.ts';
import { keepCounts, type Pyramid } from './pyramid.ts';
import { LoadedGraph } from '../../runtime/loaded-graph.ts';

/** What both graphs give. */
const RESULTS = ['logits', 'boxes', 'samples.x', 'samples.y', 'samples.weight'];

/**
 * What a Sparse or Deformable DETR offers at the size of a letterbox. Its grid is that of the finest level; a cell counts
 * as kept where the token of any level that lies over it is. `seen`: how much of the letterbox the network sees, the
 * picture without padding unless told otherwise.
 */
export function sparseDetrHost(
	config: SparseDetrConfig,
	weights: WeightLookup,
	letterbox: Letterbox,
	name: string,
	seen = letterbox.contentSize,
): Host<QueryAnswers> {
	const stride = finestStride(config);
	const { width, height } = letterbox.inputSize;
	const grid = { rows: height / stride, cols: width / stride, stride, windowSize: stride, windowOffset: 0 };
	const pictures = { batch: 1, ...seen, padding: paddingOf(letterbox.contentSize, seen) };
	const load = async (selects: boolean, runtime: GraphRuntime) => {
		const { graph, pyramid } = compileSparseDetr(config, weights, pictures, { selects });
		const finest = pyramid.levels[0]!;
		assert(finest.rows === grid.rows && finest.cols === grid.cols, 'the grid is that of the finest level');
		const picture = new CroppedPicture(letterbox, seen);
		return { config, picture, grid, pyramid, graph: await LoadedGraph.load(runtime, graph) };
	};
	return {
		name,
		grid,
		whole: {
			macs: () => {
				const { graph } = compileSparseDetr(config, weights, pictures, { selects: false });
				return countOperations(graph.operations, {});
			},
			load: async (runtime) => wholeNetwork(await load(false, runtime)),
		},
		vit: null,
		ranked: config.scorer ? { load: async (runtime) => rankedNetwork(await load(true, runtime)) } : null,
		clustered: null,
	};
}

/** 1 beyond the picture [height, width]; null where nothing is. */
function paddingOf(content: Size, { width, height }: Size): Uint8Array | null {
	if (content.width === width && content.height === height) return null;
	return Uint8Array.from({ length: width * height }, (_, i) =>
		i % width >= content.width || Math.floor(i / width) >= content.height ? 1 : 0,
	);
}

/** A graph of either kind, loaded. */
type Loaded = {
	config: SparseDetrConfig;
	picture: CroppedPicture;
	grid: TokenGrid;
	pyramid: Pyramid;
	graph: LoadedGraph;
};

function wholeNetwork({ config, picture, pyramid, graph }: Loaded): WholeNetwork<QueryAnswers> {
	const macs = graph.macs();
	return {
		async run(pixels) {
			const outputs = await graph.run({ picture: picture.of(pixels) }, RESULTS);
			return { output: queriesOf(outputs), macs, maps: [decoderAttention(outputs, config, pyramid)] };
		},
		release: () => graph.release(),
	};
}

function rankedNetwork(loaded: Loaded): RankedNetwork<QueryAnswers> {
	const { config, picture, grid, pyramid, graph } = loaded;
	return {
		async run(pixels, ratio) {
			const { rows } = keepCounts(pyramid, ratio);
			const feeds = { picture: picture.of(pixels), keep: int64(rows) };
			const outputs = await graph.run(feeds, [...RESULTS, 'scores', 'kept']);
			const kept = integers(outputs, 'kept');
			assert(kept.length === rows, `the sparse graph keeps ${rows} tokens`);
			const cells = keptCells(kept, pyramid);
			const relevance: TokenMap = {
				kind: 'relevance',
				values: relevanceCells(floats(outputs, 'scores'), pyramid.levels),
			};
			return {
				output: queriesOf(outputs),
				macs: graph.macs({ [KEPT]: rows }),
				selection: {
					kind: cells.length === tokenCount(grid) ? 'flush' : 'partial',
					tokens: cells,
					count: cells.length,
				},
				maps: [relevance, decoderAttention(outputs, config, pyramid)],
			};
		},
		release: () => graph.release(),
	};
}

/** The decoder's attention over the cells of the finest level. */
function decoderAttention(
	outputs: Readonly<Record<string, GraphTensor>>,
	{ decoderPoints }: SparseDetrConfig,
	{ levels }: Pyramid,
): TokenMap {
	const samples = {
		x: floats(outputs, 'samples.x'),
		y: floats(outputs, 'samples.y'),
		weight: floats(outputs, 'samples.weight'),
	};
	return { kind: 'attention', values: attentionCells(attentionMap(samples, levels, decoderPoints), levels) };
}

function queriesOf(outputs: Readonly<Record<string, GraphTensor>>): QueryAnswers {
	return { logits: floats(outputs, 'logits'), boxes: floats(outputs, 'boxes') };
}
