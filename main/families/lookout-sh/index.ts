import { z } from 'zod';
import { layerCount, queryCount, width } from '../config-numbers.ts';
import { shvit, type ShvitConfig } from '../../backbones/shvit.ts';
import { UserFacingError } from '../../domain/errors.ts';
import type { Size } from '../../domain/video.ts';
import { GraphBuilder, type CompiledGraph } from '../../graph/graph-builder.ts';
import type { GraphRuntime } from '../../runtime/runtime.ts';
import { Layers, type WeightLookup } from '../../graph/layers.ts';
import { countOperations } from '../../graph/operation-count.ts';
import { TensorAudit } from '../../weights/tensor-audit.ts';
import { requireTensors } from '../../weights/weights.ts';
import { modelOf } from '../../detector/model.ts';
import { fitLetterbox } from '../../pixels/letterbox.ts';
import { pointCandidates, pointDetections, pointHeadWidth } from '../../boxes/point-head.ts';
import { floats } from '../../runtime/tensors.ts';
import { staticHost, type WholeNetwork } from '../../reduction/host.ts';
import { factsOf, type ModelFamily, type OpenedModel } from '../family.ts';
import { displayScores, displayThresholdsOf, parseModelConfig } from '../model-config.ts';
import { shvitGrid, TOKEN_STRIDE } from '../shvit/grid.ts';
import { addTopDown } from '../shvit/neck.ts';
import { asInput } from '../shvit/network.ts';
import type { ModelSource, SourceConfig } from '../source.ts';
import { LoadedGraph } from '../../runtime/loaded-graph.ts';

export const LOOKOUT_SH_FORMAT = 'SHViT detector, version 1';

const TITLE = 'Lookout-SH';
/** Grey of the padding in training. */
const FILL = 114;
/** The first map's channels are a multiple of this: the stem doubles an eighth of them three times. */
const STEM_PARTS = 8;
/** Any size shows which tensors the network asks for. */
const SMALL = { width: 64, height: 64 };
const REMEDY =
	'Copy model.json and model.safetensors anew, both from one export of tools/training/export.py.';

/** One of each stage, finest first. */
const perStage = <Item extends z.ZodType>(item: Item) => z.tuple([item, item, item]);

const schema = z.object({
	format: z.literal(LOOKOUT_SH_FORMAT),
	name: z.string().min(1).default(TITLE),
	classes: z.array(z.string().min(1)).min(1),
	mean: z.array(z.number()).length(3),
	std: z.array(z.number().positive()).length(3),
	embed_dim: perStage(width),
	/** Channels with attention, in stages that have any. */
	partial_dim: perStage(width),
	qk_dim: width,
	depth: perStage(layerCount),
	/** i: no attention, s: with one head of it. */
	types: perStage(z.enum(['i', 's'])),
	neck: width,
	nms: z.object({ iou: z.number().min(0).max(1), max: queryCount, score: z.number().min(0).max(1) }),
	display_scores: displayScores,
});

/** model.json of a Lookout-SH, checked. */
export type LookoutShConfig = z.infer<typeof schema>;

/** Checks a model.json; throws `model-unreadable`, naming the file and the first field that is wrong. */
export function parseLookoutShConfig(source: Pick<SourceConfig, 'place' | 'json'>): LookoutShConfig {
	const config = parseModelConfig(schema, source, TITLE, REMEDY);
	const refuse = (what: string): never => {
		throw new UserFacingError('model-unreadable', `${source.place}: ${what}.`, { remedy: REMEDY });
	};
	const first = config.embed_dim[0];
	if (first % STEM_PARTS !== 0) refuse(`embed_dim.0 must be a multiple of ${STEM_PARTS} (got ${first})`);
	config.partial_dim.forEach((partial, stage) => {
		const all = config.embed_dim[stage]!;
		if (partial >= all)
			refuse(`partial_dim.${stage} must be less than embed_dim.${stage} = ${all} (got ${partial})`);
	});
	return config;
}

/**
 * Lookout-SH, a small static network distilled from Lookout, for comparison: an SHViT, a top-down neck of which only the finest
 * map is used, and Lookout's head with four prediction points in each of that map's cells.
 */
export const lookoutShFamily: ModelFamily = {
	id: 'lookout-sh',
	title: TITLE,
	offers: [],
	format: LOOKOUT_SH_FORMAT,
	recognizes: (weights) => ['lateral.0.weight', 'head2.weight'].every((name) => weights.has(name)),
	open: openLookoutSh,
};

async function openLookoutSh(source: ModelSource): Promise<OpenedModel> {
	if (!source.config) {
		throw new UserFacingError(
			'model-unreadable',
			`${source.path} holds weights of a ${TITLE}: a folder with model.json and model.safetensors was expected.`,
			{ remedy: REMEDY },
		);
	}
	const config = parseLookoutShConfig(source.config);
	const tensors = await source.weights();
	const audit = new TensorAudit(tensors, source.weightsPath, `${config.name} of the sizes in model.json`);
	lookoutShGraph(config, SMALL, audit.lookup);
	audit.finish({ remedy: REMEDY });
	const weights = requireTensors(tensors, source.weightsPath);
	const { classes, nms, mean, std } = config;
	const facts = await factsOf(source, {
		name: config.name,
		classes,
		displayThreshold: displayThresholdsOf(config),
	});

	return modelOf(facts, ({ displaySize, maxSide, scoreThreshold }) => {
		const letterbox = fitLetterbox(displaySize, maxSide, TOKEN_STRIDE, FILL);
		const { inputSize, contentSize } = letterbox;
		const grid = shvitGrid(inputSize);
		return {
			host: staticHost(config.name, grid, {
				macs: () => countOperations(lookoutShGraph(config, inputSize, weights).operations, {}),
				load: (runtime) => loadLookoutSh(config, inputSize, weights, runtime),
			}),
			letterbox,
			normalisation: { mean, std, padding: 'grey' },
			interpret({ head }: HeadOutput) {
				const outputs = { head, emitting: null, classCount: classes.length, grid };
				return pointDetections(pointCandidates(outputs, contentSize, scoreThreshold), nms, letterbox);
			},
		};
	});
}

/** [cells, 4 · (classes + 4)] */
type HeadOutput = { head: Float32Array };

/**
 * in: `picture` [1, 3, h, w], normalised, sides multiples of 16. out: `head` [cells, 4 · (classes + 4)], cells of 16×16
 * pixels, row by row.
 */
export function lookoutShGraph(config: LookoutShConfig, size: Size, weights: WeightLookup): CompiledGraph {
	const { neck, classes } = config;
	const graph = new GraphBuilder();
	const layers = new Layers(graph, weights);
	const picture = graph.input('picture', 'float32', [1, 3, size.height, size.width]);
	const maps = shvit(layers, picture, backboneOf(config)).map((map, i) =>
		layers.conv(`lateral.${i}`, map, neck, { kernel: 1 }),
	);
	addTopDown(layers, maps);
	const smooth = layers.relu(layers.conv('smooth', maps[0]!, neck, { kernel: 3, pads: 1 })); // [1, neck, rows, cols]
	const { rows, cols } = shvitGrid(size);
	const cells = layers.transpose(layers.reshape(smooth, [neck, rows * cols]), [1, 0]); // [cells, neck]
	const hidden = layers.relu(layers.linear('head1', cells, 2 * neck));
	graph.output('head', layers.linear('head2', hidden, pointHeadWidth(classes.length)));
	return graph.compile('shvit:lookout-sh');
}

function backboneOf({ embed_dim, partial_dim, qk_dim, depth, types }: LookoutShConfig): ShvitConfig {
	const stages = embed_dim.map((width, stage) => ({
		width,
		blocks: depth[stage]!,
		attention: types[stage] === 's' ? { partial: partial_dim[stage]!, keys: qk_dim } : null,
	}));
	return { prefix: 'backbone.', fused: true, stages };
}

async function loadLookoutSh(
	config: LookoutShConfig,
	size: Size,
	weights: WeightLookup,
	runtime: GraphRuntime,
): Promise<WholeNetwork<HeadOutput>> {
	const graph = await LoadedGraph.load(runtime, lookoutShGraph(config, size, weights));
	const macs = graph.macs();
	return {
		async run(pixels) {
			const outputs = await graph.run({ picture: asInput(pixels.planar(), size) }, ['head']);
			return { output: { head: floats(outputs, 'head') }, macs };
		},
		release: () => graph.release(),
	};
}
