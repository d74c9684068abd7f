import { resNetStride } from '../../backbones/resnet.ts';
import { rankedDetections, rankQueries } from '../../boxes/ranked-queries.ts';
import { assert } from '../../domain/errors.ts';
import type { SettingValues } from '../../domain/settings-table.ts';
import { tokenCount, type TokenMap } from '../../domain/tokens.ts';
import type { GraphSession, GraphTensor } from '../../runtime/runtime.ts';
import { countOperations } from '../../graph/operation-count.ts';
import { clusterOutputs, forcedLength, readClusters } from '../../reduction/enact/enact.ts';
import type { Weights } from '../../weights/safetensors.ts';
import { requireTensors } from '../../weights/weights.ts';
import type { LabelNames } from '../coco-names.ts';
import type { DetectorOptions } from '../../detector/detector.ts';
import { fitLetterbox } from '../../pixels/letterbox.ts';
import { QueryDetector, type QueryNetwork, type QueryOutcome } from '../../detector/query-detector.ts';
import { createRuntime } from '../../runtime/onnx-runtime.ts';
import { type DetrConfig, rankingOf } from './config.ts';
import { type DetrNetwork, emitDetr } from './network.ts';
import { clusteringName } from './parts.ts';

/** Grey of what is beyond the picture in a frame; the network never sees it. */
const FILL = 114;

/** A checkpoint that has been read and checked. */
export type DetrModel = { config: DetrConfig; weights: Weights; path: string; classes: LabelNames };

/** Throws `unknown-setting` or `setting-out-of-range`. */
export async function openDetrDetector(model: DetrModel, options: DetectorOptions): Promise<QueryDetector> {
	const { config, weights, path, classes } = model;
	const stride = resNetStride(config.backbone, config.stages);
	const letterbox = fitLetterbox(options.displaySize, options.maxSide, stride, FILL);
	const lookup = requireTensors(weights, path);
	const sizes = [letterbox.contentSize];
	const dense = emitDetr(config, lookup, sizes, { clustered: false });
	// Skipping still frames is all that motion adds: what runs is the model as it was published.
	const clusters = config.clustered && options.mode !== 'dense';
	const emitted = clusters ? emitDetr(config, lookup, sizes, { clustered: true }) : dense;
	const runtime = createRuntime(options.threads);
	const name = `${config.host}:${options.mode}`;
	const session = await runtime.load(emitted.graph.build(name), name);
	const { rows, cols } = emitted.map;
	const grid = { rows, cols, stride, windowSize: stride, windowOffset: 0 };
	const network = new LoadedDetr(config, session, emitted, {
		denseMacs: countOperations(dense.graph.operations, {}),
		clusters,
		tokens: tokenCount(grid),
	});
	return new QueryDetector(
		{
			classes: classes.names,
			interpret(outcome, displaySize, scoreThreshold) {
				const ranked = rankQueries(outcome, displaySize, rankingOf(config));
				return rankedDetections(ranked, classes.indexByLabel, displaySize, scoreThreshold);
			},
		},
		options,
		{ network, letterbox, grid, runtime },
	);
}

class LoadedDetr implements QueryNetwork {
	readonly denseMacs: number;
	readonly logitCount: number;
	readonly queries: number;
	readonly #session: GraphSession;
	readonly #emitted: DetrNetwork;
	readonly #tokens: number;
	/** Names of the clusterings in the graph; none where it has plain attention. */
	readonly #clusterings: readonly string[];

	constructor(
		config: DetrConfig,
		session: GraphSession,
		emitted: DetrNetwork,
		options: { denseMacs: number; clusters: boolean; tokens: number },
	) {
		this.denseMacs = options.denseMacs;
		this.logitCount = config.logits;
		this.queries = config.queries * config.patterns;
		this.#session = session;
		this.#emitted = emitted;
		this.#tokens = options.tokens;
		const layers = options.clusters ? config.encoderLayers : 0;
		this.#clusterings = Array.from({ length: layers }, (_, i) => clusteringName(i));
	}

	async run(picture: GraphTensor, settings: SettingValues): Promise<QueryOutcome> {
		const clustered = this.#clusterings.length > 0;
		const outputs = await this.#session.run(
			{
				pictures: picture,
				...(clustered && { 'cluster length': forcedLength(Number(settings['clusterLength'] ?? 0)) }),
			},
			['logits', 'boxes', ...clusterOutputs(this.#clusterings)],
		);
		const [logits, boxes] = [outputs['logits']?.data, outputs['boxes']?.data];
		assert(logits instanceof Float32Array && boxes instanceof Float32Array, 'a DETR gives logits and boxes');
		const { dims, maps } = this.#clusters(outputs);
		return { logits, boxes, macs: countOperations(this.#emitted.graph.operations, dims), maps };
	}

	release(): Promise<void> {
		return this.#session.release();
	}

	#clusters(outputs: Readonly<Record<string, GraphTensor>>): {
		dims: Readonly<Record<string, number>>;
		maps: TokenMap[];
	} {
		if (this.#clusterings.length === 0) return { dims: {}, maps: [] };
		const { dims, map } = readClusters(outputs, this.#clusterings, this.#tokens);
		return { dims, maps: [map] };
	}
}
