import { globalMeans, shvit, type ShvitProbe } from '../../backbones/shvit.ts';
import { GraphBuilder, type Value } from '../../graph/graph-builder.ts';
import { Layers, type WeightLookup } from '../../graph/layers.ts';
import type { ClassifierConfig, ShvitModelConfig } from './config.ts';

const NORM_EPSILON = 1e-5;

/**
 * in: `pictures` [batch, 3, h, w], normalised. The value `logits` [batch, classes] is for the caller to make an output of.
 */
export function classifierGraph(
	{ backbone, head }: ShvitModelConfig & { head: ClassifierConfig },
	shape: readonly [batch: number, channels: number, height: number, width: number],
	weights: WeightLookup,
	probe: ShvitProbe = () => undefined,
): { graph: GraphBuilder; logits: Value } {
	const graph = new GraphBuilder();
	const layers = new Layers(graph, weights);
	const maps = shvit(layers, graph.input('pictures', 'float32', shape), backbone, probe);
	const last = maps.at(-1)!;
	const means = layers.reshape(globalMeans(layers, last), last.shape.slice(0, 2));
	const results = head.heads.map((name) => {
		const result = normedLinear(layers, `${backbone.prefix}${name}`, means, head.classes, backbone.fused);
		probe(name, result);
		return result;
	});
	return { graph, logits: mean(layers, results) };
}

/** A batch norm and the linear layer behind it, as one: columns scaled, and the shift through the layer added to its bias. */
function normedLinear(layers: Layers, name: string, x: Value, out: number, fused: boolean): Value {
	if (fused) return layers.linear(name, x, out);
	const width = x.shape[1] as number;
	const numbersOf = (part: string, shape: readonly number[]) => layers.tensor(`${name}.${part}`, shape).data;
	const [gamma, beta] = [numbersOf('bn.weight', [width]), numbersOf('bn.bias', [width])];
	const [mean, variance] = [numbersOf('bn.running_mean', [width]), numbersOf('bn.running_var', [width])];
	const weight = numbersOf('l.weight', [out, width]);
	const bias = numbersOf('l.bias', [out]);
	const scale = gamma.map((value, i) => value / Math.sqrt(variance[i]! + NORM_EPSILON));
	const shift = beta.map((value, i) => value - mean[i]! * scale[i]!);
	const shifted = bias.map((value, row) => {
		let sum = value;
		for (let i = 0; i < width; i++) sum += weight[row * width + i]! * shift[i]!;
		return sum;
	});
	return layers.linearFrom(
		x,
		layers.graph.constant(`${name}.weight:folded`, {
			data: weight.map((value, i) => value * scale[i % width]!),
			shape: [out, width],
		}),
		layers.graph.constant(`${name}.bias:folded`, { data: shifted, shape: [out] }),
	);
}

/** The plain average, which is how a distilled model joins its heads. */
function mean(layers: Layers, values: readonly Value[]): Value {
	if (values.length === 1) return values[0]!;
	return layers.graph.op('Mean', values, { shape: values[0]!.shape });
}
