import { activate } from '../../graph/activations.ts';
import type { Value } from '../../graph/graph-builder.ts';
import { foldBatchNorm, type Layers } from '../../graph/layers.ts';
import type { Extent } from '../../vit/plan.ts';
import type { QueryNetworkConfig } from './config.ts';
import { derivedTensor, joinedTensors, reshaped, type FloatTensor } from '../../domain/float-tensor.ts';

/** A map of features as rows of pixels: [rows · cols, channels]. */
export type FeatureRows = { pixels: Value; size: Extent };

/** Wider features are made narrower before they are enlarged. */
const WIDEST_ENLARGED = 512;
const LAST_NORM_EPSILON = 1e-6;

/**
 * The projector: `features` [tokens, count · dim], those of one token side by side, tokens in raster order, to one map per
 * level [rows · cols, dim]. Maps are rows of pixels, in which a norm over channels and a convolution of one pixel need no
 * other order; only convolutions that see neighbours get planes.
 */
export function projectFeatures(
	layers: Layers,
	config: QueryNetworkConfig,
	features: Value,
	grid: Extent,
): FeatureRows[] {
	return config.projector.levels.map(({ scale, prefix }) => {
		const resized = resize(
			layers,
			config,
			{ pixels: features, size: grid },
			scale,
			`${prefix}sampling_layers.`,
		);
		const mixed = csp(layers, config, resized, `${prefix}projector_layer.`);
		return { pixels: layers.layerNorm(`${prefix}layer_norm`, mixed, LAST_NORM_EPSILON), size: resized.size };
	});
}

/** Every feature twice as large, half as large, or as it is, again side by side. */
function resize(
	layers: Layers,
	config: QueryNetworkConfig,
	{ pixels, size }: FeatureRows,
	scale: number,
	prefix: string,
): FeatureRows {
	if (scale === 1) return { pixels, size };
	const { count, dim } = config.features;
	const resized = layers.split(pixels, Array<number>(count).fill(dim)).map((feature, i) => {
		const map = { pixels: feature, size };
		const name = `${prefix}${i}.layers.`;
		return scale === 2 ? enlarge(layers, config, map, name) : halve(layers, config, map, name);
	});
	return {
		pixels: layers.concat(
			resized.map((map) => map.pixels),
			1,
		),
		size: resized[0]!.size,
	};
}

/** A transposed convolution of 2 × 2 pixels each, none of which overlap: a linear layer that gives four pixels. */
function enlarge(
	layers: Layers,
	config: QueryNetworkConfig,
	{ pixels, size }: FeatureRows,
	name: string,
): FeatureRows {
	const { graph } = layers;
	let x = pixels;
	let at = 0;
	if (config.features.dim > WIDEST_ENLARGED) {
		x = layers.relu(convPixel(layers, config, x, config.features.dim >> 1, `${name}${at++}.`));
	}
	const width = x.shape[1] as number;
	const out = width >> 1;
	const published = layers.tensor(`${name}${at}.weight`, [width, out, 2, 2]);
	const bias = layers.tensor(`${name}${at}.bias`, [out]);
	// [in, out, y, x] -> [y, x, out, in], so that the channels of a pixel lie together.
	const weight = derivedTensor('pixels first', [published], [4 * out, width], () => {
		const { data } = published;
		return Float32Array.from({ length: data.length }, (_, i) => {
			const [from, rest] = [i % width, Math.floor(i / width)];
			return data[(from * out + (rest % out)) * 4 + Math.floor(rest / out)]!;
		});
	});
	const four = layers.linearFrom(
		x,
		graph.constant(`${name}${at}.weight:pixels`, weight),
		graph.constant(`${name}${at}.bias:pixels`, joinedTensors([bias, bias, bias, bias], [4 * out])),
	);
	const { rows, cols } = size;
	const apart = layers.transpose(layers.reshape(four, [rows, cols, 2, 2 * out]), [0, 2, 1, 3]);
	return {
		pixels: layers.reshape(apart, [4 * rows * cols, out]),
		size: { rows: 2 * rows, cols: 2 * cols },
	};
}

/** A convolution of 3 × 3 pixels with stride 2. */
function halve(layers: Layers, config: QueryNetworkConfig, map: FeatureRows, name: string): FeatureRows {
	const { dim } = config.features;
	const { epsilon } = config.projector.norm;
	const geometry = { kernel: 3, stride: 2, pads: 1, epsilon };
	const conv = layers.convBatchNorm(`${name}0.conv`, `${name}0.norm`, toPlanes(layers, map), dim, geometry);
	const [, , rows, cols] = conv.shape as [number, number, number, number];
	return { pixels: toRows(layers, layers.relu(conv)), size: { rows, cols } };
}

/**
 * The C2F layer (of YOLOv8, after Wang et al., CSPNet, CVPRW 2020): half of the channels goes through bottlenecks one behind
 * the other; both halves and what each bottleneck gives are joined.
 */
function csp(layers: Layers, config: QueryNetworkConfig, map: FeatureRows, prefix: string): Value {
	const { hidden, bottlenecks } = config.projector;
	const act = (x: Value) => activate(layers, config.projector.activation, x);
	const first = act(convPixel(layers, config, map.pixels, 2 * hidden, `${prefix}conv1.`));
	const [, half] = layers.split(first, [hidden, hidden]) as [Value, Value];
	let x = half;
	const inner = Array.from({ length: bottlenecks }, (_, i) => {
		for (const part of ['conv1', 'conv2']) {
			const name = `${prefix}bottlenecks.${i}.${part}.`;
			x = act(convAround(layers, config, { pixels: x, size: map.size }, name));
		}
		return x;
	});
	return act(convPixel(layers, config, layers.concat([first, ...inner], 1), config.dim, `${prefix}conv2.`));
}

/** A convolution of 3 × 3 pixels and its norm: [pixels, channels] -> [pixels, channels]. */
function convAround(layers: Layers, config: QueryNetworkConfig, map: FeatureRows, name: string): Value {
	const { hidden, norm } = config.projector;
	const planes = toPlanes(layers, map);
	if (norm.over === 'channels') {
		const y = layers.conv(`${name}conv`, planes, hidden, { kernel: 3, pads: 1, bias: false });
		return layers.layerNorm(`${name}norm`, toRows(layers, y), norm.epsilon);
	}
	const geometry = { kernel: 3, pads: 1, epsilon: norm.epsilon };
	return toRows(layers, layers.convBatchNorm(`${name}conv`, `${name}norm`, planes, hidden, geometry));
}

/** A convolution of one pixel and its norm: [pixels, in] -> [pixels, out]. */
function convPixel(layers: Layers, config: QueryNetworkConfig, x: Value, out: number, name: string): Value {
	const { graph } = layers;
	const width = x.shape[1] as number;
	const { over, epsilon } = config.projector.norm;
	const published = layers.tensor(`${name}conv.weight`, [out, width, 1, 1]);
	const matrix = (weight: FloatTensor) =>
		graph.constant(`${name}conv.weight:matrix`, reshaped(weight, [out, width]));
	if (over === 'channels') {
		const y = layers.linearFrom(x, matrix(published), null);
		return layers.layerNorm(`${name}norm`, y, epsilon);
	}
	const folded = foldBatchNorm(published, (part) => layers.tensor(`${name}norm.${part}`, [out]), epsilon);
	return layers.linearFrom(x, matrix(folded.weight), graph.constant(`${name}conv.bias:folded`, folded.bias));
}

/** [rows · cols, channels] -> [1, channels, rows, cols] */
export function toPlanes(layers: Layers, { pixels, size }: FeatureRows): Value {
	const channels = pixels.shape[1] as number;
	return layers.reshape(layers.transpose(pixels, [1, 0]), [1, channels, size.rows, size.cols]);
}

/** [1, channels, rows, cols] -> [rows · cols, channels] */
function toRows(layers: Layers, planes: Value): Value {
	const [, channels, rows, cols] = planes.shape as [number, number, number, number];
	return layers.transpose(layers.reshape(planes, [channels, rows * cols]), [1, 0]);
}
