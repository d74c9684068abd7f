import type { Value } from '../../graph/graph-builder.ts';
import type { Layers } from '../../graph/layers.ts';

const NORM_EPSILON = 1e-5;

/**
 * Tokens as the second stage and the scoring network see them: those that `usable` [rows, 1] marks with 0 become zeros,
 * so that they all come out the same; then a linear layer and a norm.
 */
export function projectTokens(layers: Layers, prefix: string, tokens: Value, usable: Value): Value {
	const masked = layers.graph.op('Mul', [tokens, usable], { shape: tokens.shape });
	const projected = layers.linear(`${prefix}enc_output`, masked, tokens.shape[1] as number);
	return layers.layerNorm(`${prefix}enc_output_norm`, projected, NORM_EPSILON);
}

/**
 * The scoring network (Roh et al., ICLR 2022, section 3.2): a token and the mean of all tokens of its picture, padding
 * included, give one logit. `tokens` [batch · each, dim] -> scores [batch, each]; `hidden` is the first layer's result.
 */
export function scoreTokens(
	layers: Layers,
	prefix: string,
	tokens: Value,
	size: { batch: number; each: number },
): { hidden: Value; scores: Value } {
	const { graph } = layers;
	const { batch, each } = size;
	const dim = tokens.shape[1] as number;
	const normed = layers.layerNorm(`${prefix}layer1.0`, tokens, NORM_EPSILON);
	const hidden = layers.gelu(layers.linear(`${prefix}layer1.1`, normed, dim));
	const half = dim / 2;
	const [own, shared] = layers.split(hidden, [half, dim - half]) as [Value, Value];
	const byPicture = layers.reshape(shared, [batch, each, dim - half]);
	const mean = graph.op('ReduceMean', [byPicture, graph.integers([1])], { shape: [batch, 1, dim - half] });
	const spread = graph.op('Expand', [mean, graph.integers([batch, each, dim - half])], {
		shape: byPicture.shape,
	});
	const both = layers.concat([own, layers.reshape(spread, shared.shape)], 1);
	const second = layers.gelu(layers.linear(`${prefix}layer2.0`, both, dim / 2));
	const third = layers.gelu(layers.linear(`${prefix}layer2.2`, second, dim / 4));
	const scores = layers.reshape(layers.linear(`${prefix}layer2.4`, third, 1), [batch, each]);
	return { hidden, scores };
}
