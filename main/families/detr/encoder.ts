import type { Value } from '../../graph/graph-builder.ts';
import type { DetrParts } from './parts.ts';

/**
 * The encoder of DETR and Conditional DETR: tokens and their positions, rows [batch · tokens, dim], -> tokens.
 * ENACT's attention takes no padding mask: padded tokens take part. Its DETR norms behind even where the decoder norms
 * first (`models/transformer.py`, 151-159).
 */
export function encode(parts: DetrParts, tokens: Value, positions: Value): Value {
	const { layers, config, attention } = parts;
	const preNorm = config.preNorm && !config.clustered;
	const heads = config.encoderHeads;
	let x = tokens;
	for (let i = 0; i < config.encoderLayers; i++) {
		const name = `transformer.encoder.layers.${i}`;
		const attend = (values: Value): Value => {
			const placed = layers.add(values, positions);
			if (!config.clustered) {
				return attention.multiHead(`${name}.self_attn`, placed, placed, values, {
					heads,
					isReal: parts.isReal,
				});
			}
			const clusters = parts.clusters(i, `${name}.self_attn.W_prob`, placed);
			parts.tapClustered(i, 'k', clusters, placed);
			parts.tapClustered(i, 'v', clusters, values);
			const attended = attention.clustered(`${name}.self_attn.`, heads, placed, placed, values, clusters);
			parts.tap(`enc.${i}.attention`, attended);
			return attended;
		};
		x = parts.residual(`${name}.norm1`, x, attend, preNorm);
		x = parts.residual(
			`${name}.norm2`,
			x,
			(y) => parts.feedForward(`${name}.`, y, config.encoderHidden),
			preNorm,
		);
		parts.tap(`enc.${i}.output`, x);
	}
	return config.preNorm ? parts.norm('transformer.encoder.norm', x) : x;
}
