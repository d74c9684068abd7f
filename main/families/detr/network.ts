import { resNet } from '../../backbones/resnet.ts';
import { learnedPositions } from '../../backbones/learned-positions.ts';
import { sinePositions } from '../../backbones/sine-position.ts';
import type { Size } from '../../domain/video.ts';
import { GraphBuilder, type Value, type CompiledGraph } from '../../graph/graph-builder.ts';
import { Layers, type WeightLookup } from '../../graph/layers.ts';
import { decodeAnchor, encodeAnchor } from './anchor.ts';
import { decodeConditional } from './conditional-decoder.ts';
import type { DetrConfig } from './config.ts';
import { encode } from './encoder.ts';
import { DetrParts, type FeatureMap, type Prediction } from './parts.ts';
import { decodePlain } from './plain-decoder.ts';

/** Groups of the norm behind Anchor DETR's input projection. */
const NORM_GROUPS = 32;

export type DetrNetworkOptions = {
	/** ENACT's attention over clusters, or the same weights with every token a cluster of its own. */
	clustered: boolean;
	/** Of the batch, where that is more than the largest width and height of its pictures. */
	size?: Size;
	/** Makes what lies between input and output outputs as well, and the predictions of all decoder layers. */
	taps?: boolean;
};

export type DetrNetwork = { graph: CompiledGraph; map: FeatureMap };

/**
 * Emits a DETR for pictures of the given sizes, each in the top left corner of the largest width and height.
 * in: `pictures` [batch, 3, height, width], normalised, padding 0; with clustering, `cluster length` [1], tokens per
 * cluster or 0 for the data's own. out: `logits` [batch · queries, logits], `boxes` [batch · queries, 4] (centre and size,
 * 0 to 1 of the unpadded picture); with clustering, per encoder layer `enc.<i>.cluster_length` [1] and
 * `enc.<i>.used_range` [2].
 */
export function emitDetr(
	config: DetrConfig,
	weights: WeightLookup,
	pictureSizes: readonly Size[],
	options: DetrNetworkOptions,
): DetrNetwork {
	const graph = new GraphBuilder();
	const layers = new Layers(graph, weights);
	const size = options.size ?? {
		width: Math.max(...pictureSizes.map(({ width }) => width)),
		height: Math.max(...pictureSizes.map(({ height }) => height)),
	};
	const pictures = graph.input('pictures', 'float32', [pictureSizes.length, 3, size.height, size.width]);
	const clusterLength =
		config.clustered && options.clustered ? graph.input('cluster length', 'int64', [1]) : null;
	const features = resNet(layers, pictures, config.backbone, config.stages).at(-1)!;
	const [batch, , rows, cols] = features.shape as [number, number, number, number];
	const map = { batch, rows, cols, padding: featurePadding(pictureSizes, size, { rows, cols }) };
	const parts = new DetrParts(layers, config, map, { clusterLength, taps: options.taps ?? false });
	parts.tap('backbone', features);

	const tokens = projectInput(parts, features);
	const predictions = predict(parts, tokens);
	predictions.forEach(({ logits, boxes }, i) => {
		const last = i === predictions.length - 1;
		graph.output(last ? 'logits' : `logits.${i}`, logits);
		graph.output(last ? 'boxes' : `boxes.${i}`, boxes);
	});
	const name = clusterLength ? `${config.host}:clustered` : config.host;
	return { graph: graph.compile(name), map };
}

/** Features [batch, channels, rows, cols] -> rows [batch · tokens, dim]. */
function projectInput(parts: DetrParts, features: Value): Value {
	const { layers, config, map } = parts;
	const projected =
		config.host === 'anchor-detr'
			? layers.groupNorm(
					'input_proj.0.1',
					layers.conv('input_proj.0.0', features, config.dim, { kernel: 1 }),
					NORM_GROUPS,
				)
			: layers.conv('input_proj', features, config.dim, { kernel: 1 });
	parts.tap('input_proj', projected);
	const flat = layers.reshape(projected, [map.batch, config.dim, parts.tokens]);
	return parts.attention.toRows(layers.transpose(flat, [0, 2, 1]));
}

function predict(parts: DetrParts, tokens: Value): Prediction[] {
	const { config, map, layers } = parts;
	if (config.host === 'anchor-detr') return decodeAnchor(parts, encodeAnchor(parts, tokens));
	const positions = layers.graph.constant('positions', {
		data: detrPositions(layers, config, map),
		shape: [map.batch * parts.tokens, config.dim],
	});
	const memory = encode(parts, tokens, positions);
	return config.host === 'detr'
		? decodePlain(parts, memory, positions)
		: decodeConditional(parts, memory, positions);
}

/** Positions of a map's cells in DETR and Conditional DETR: [batch, rows, cols, dim]. */
export function detrPositions(
	layers: Pick<Layers, 'tensor'>,
	{ positions, dim }: DetrConfig,
	map: FeatureMap,
): Float32Array {
	if (positions === 'learned') return learnedPositions(layers, map, dim, 'backbone.1.');
	return sinePositions(map, map.padding, { features: dim / 2, offset: 0 });
}

/**
 * Which cells of the feature map are padding: the mask of the pixels, nearest neighbour. [batch, rows, cols]; null where
 * all pictures are of one size.
 */
function featurePadding(
	pictureSizes: readonly Size[],
	size: Size,
	map: { rows: number; cols: number },
): Uint8Array | null {
	const { rows, cols } = map;
	if (pictureSizes.every(({ width, height }) => width === size.width && height === size.height)) return null;
	const pixel = (cell: number, cells: number, pixels: number) =>
		Math.min(pixels - 1, Math.floor(cell * Math.fround(pixels / cells)));
	const padding = new Uint8Array(pictureSizes.length * rows * cols);
	pictureSizes.forEach(({ width, height }, n) => {
		for (let row = 0; row < rows; row++) {
			for (let col = 0; col < cols; col++) {
				const outside = pixel(row, rows, size.height) >= height || pixel(col, cols, size.width) >= width;
				padding[(n * rows + row) * cols + col] = outside ? 1 : 0;
			}
		}
	});
	return padding;
}
