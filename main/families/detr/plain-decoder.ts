import type { Value } from '../../graph/graph-builder.ts';
import type { DetrParts, Prediction } from './parts.ts';

/** DETR's decoder (Carion et al., ECCV 2020): learned queries, content zero at first. Memory and positions are rows. */
export function decodePlain(parts: DetrParts, memory: Value, positions: Value): Prediction[] {
	const { layers, config, attention } = parts;
	const { dim, queries, decoderHeads: heads } = config;
	const table = layers.tensor('query_embed.weight', [queries, dim]).data;
	const place = parts.repeated('query_embed.weight', table, dim);
	const keys = layers.add(memory, positions);
	const predictions: Prediction[] = [];

	let x = parts.repeated('no content', new Float32Array(queries * dim), dim);
	for (let i = 0; i < config.decoderLayers; i++) {
		const name = `transformer.decoder.layers.${i}`;
		x = parts.residual(`${name}.norm1`, x, (y) => {
			const placed = layers.add(y, place);
			return attention.multiHead(`${name}.self_attn`, placed, placed, y, { heads });
		});
		x = parts.residual(`${name}.norm2`, x, (y) =>
			attention.multiHead(`${name}.multihead_attn`, layers.add(y, place), keys, memory, {
				heads,
				isReal: parts.isReal,
			}),
		);
		x = parts.residual(`${name}.norm3`, x, (y) => parts.feedForward(`${name}.`, y, config.decoderHidden));
		parts.tap(`dec.${i}.output`, x);
		x = parts.betweenLayers(x);
		if (parts.predicts(i)) predictions.push(parts.sharedPrediction(i, x, null));
	}
	return predictions;
}
