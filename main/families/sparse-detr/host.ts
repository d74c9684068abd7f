import type { QueryAnswers } from '../../boxes/ranked-queries.ts';
import { assert } from '../../domain/errors.ts';
import type { Letterbox } from '../../domain/frame.ts';
import { type TokenGrid, type TokenMap, tokenCount } from '../../domain/tokens.ts';
import type { Size } from '../../domain/video.ts';
import { GraphBuilder } from '../../graph/graph-builder.ts';
import { Layers, type WeightLookup } from '../../graph/layers.ts';
import { countOperations } from '../../graph/operation-count.ts';
import { numbers } from '../../reduction/full-graph.ts';
import type { Host, RankedNetwork, WholeNetwork } from '../../reduction/host.ts';
import type { GraphRuntime, GraphTensor } from '../../runtime/runtime.ts';
import { CroppedPicture } from '../cropped-picture.ts';
import { attentionMap } from './attention-map.ts';
import { finestStride } from './backbone.ts';
import { attentionCells, keptCells, relevanceCells } from './cells.ts';
import type { SparseDetrConfig } from './config.ts';
import { KEPT } from './encoder.ts';
import { compileSparseDetr, emitSparseDetr, type SparseDetrGraph } from './graph.ts';
import { keepCounts, type Pyramid } from './pyramid.ts';

/** What both graphs give. */
const RESULTS = ['logits', 'boxes', 'look.x', 'look.y', 'look.weight'];

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
		const { bytes, name: title, ...graph } = compileSparseDetr(config, weights, pictures, { selects });
		const finest = graph.pyramid.levels[0]!;
		assert(finest.rows === grid.rows && finest.cols === grid.cols, 'the grid is that of the finest level');
		const picture = new CroppedPicture(letterbox, seen);
		return { config, picture, grid, ...graph, session: await runtime.load(bytes, title) };
	};
	return {
		name,
		grid,
		whole: {
			macs() {
				const graph = new GraphBuilder();
				emitSparseDetr(new Layers(graph, weights), config, pictures, { selects: false });
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
type Loaded = Pick<SparseDetrGraph, 'operations' | 'pyramid'> & {
	config: SparseDetrConfig;
	picture: CroppedPicture;
	grid: TokenGrid;
	session: Awaited<ReturnType<GraphRuntime['load']>>;
};

function wholeNetwork({ config, picture, pyramid, operations, session }: Loaded): WholeNetwork<QueryAnswers> {
	const macs = countOperations(operations, {});
	return {
		async run(pixels) {
			const outputs = await session.run({ picture: picture.of(pixels) }, RESULTS);
			return { output: queriesOf(outputs), macs, maps: [decoderAttention(outputs, config, pyramid)] };
		},
		release: () => session.release(),
	};
}

function rankedNetwork(loaded: Loaded): RankedNetwork<QueryAnswers> {
	const { config, picture, grid, pyramid, operations, session } = loaded;
	return {
		async run(pixels, ratio) {
			const { rows } = keepCounts(pyramid, ratio);
			const keep: GraphTensor = { type: 'int64', data: BigInt64Array.of(BigInt(rows)), shape: [1] };
			const outputs = await session.run({ picture: picture.of(pixels), keep }, [
				...RESULTS,
				'scores',
				'kept',
			]);
			const kept = outputs['kept']?.data;
			assert(kept instanceof BigInt64Array && kept.length === rows, `the sparse graph keeps ${rows} tokens`);
			const cells = keptCells(kept, pyramid);
			const relevance: TokenMap = {
				kind: 'relevance',
				values: relevanceCells(numbers(outputs, 'scores'), pyramid.levels),
			};
			return {
				output: queriesOf(outputs),
				macs: countOperations(operations, { [KEPT]: rows }),
				selection: {
					kind: cells.length === tokenCount(grid) ? 'flush' : 'partial',
					tokens: cells,
					count: cells.length,
				},
				maps: [relevance, decoderAttention(outputs, config, pyramid)],
			};
		},
		release: () => session.release(),
	};
}

/** Where the decoder looked, over the cells of the finest level. */
function decoderAttention(
	outputs: Readonly<Record<string, GraphTensor>>,
	{ decoderPoints }: SparseDetrConfig,
	{ levels }: Pyramid,
): TokenMap {
	const looks = {
		x: numbers(outputs, 'look.x'),
		y: numbers(outputs, 'look.y'),
		weight: numbers(outputs, 'look.weight'),
	};
	return { kind: 'attention', values: attentionCells(attentionMap(looks, levels, decoderPoints), levels) };
}

function queriesOf(outputs: Readonly<Record<string, GraphTensor>>): QueryAnswers {
	return { logits: numbers(outputs, 'logits'), boxes: numbers(outputs, 'boxes') };
}
