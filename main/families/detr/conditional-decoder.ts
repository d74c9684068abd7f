import type { Value } from '../../graph/graph-builder.ts';
import type { DetrParts, Prediction } from './parts.ts';

const TEMPERATURE = 10_000;

/**
 * Conditional DETR's decoder (Meng et al., ICCV 2021): every query has a reference point of its own, the same in
 * all layers; content and position meet as separate halves of each head. Memory and positions are rows.
 */
export function decodeConditional(parts: DetrParts, memory: Value, positions: Value): Prediction[] {
	const { layers, config, attention } = parts;
	const { dim, queries, decoderHeads: heads } = config;
	const table = layers.tensor('query_embed.weight', [queries, dim]).data;
	const place = parts.repeated('query_embed.weight', table, dim);
	const twoLayers = (name: string) => [0, 1].map((i) => `transformer.decoder.${name}.layers.${i}`);
	const reference = layers.sigmoid(parts.mlp(twoLayers('ref_point_head'), place, 2));
	const sines = referenceSines(parts, reference);
	const beforeSigmoid = parts.inverseSigmoid(reference);
	const predictions: Prediction[] = [];
	// Checkpoints have what stretches positions even where there is one layer, which leaves them as they are.
	if (config.decoderLayers === 1) {
		for (const name of twoLayers('query_scale')) {
			layers.tensor(`${name}.weight`, [dim, dim]);
			layers.tensor(`${name}.bias`, [dim]);
		}
	}

	let x = parts.repeated('no content', new Float32Array(queries * dim), dim);
	for (let i = 0; i < config.decoderLayers; i++) {
		const name = `transformer.decoder.layers.${i}`;
		const linear = (part: string, y: Value) => layers.linear(`${name}.${part}`, y, dim);
		// The first layer asks with the bare position, later ones with one that the content scales.
		const sought = i === 0 ? sines : multiply(parts, sines, parts.mlp(twoLayers('query_scale'), x, dim));

		x = parts.residual(`${name}.norm1`, x, (y) => {
			const project = (part: string) =>
				layers.add(linear(`sa_${part}content_proj`, y), linear(`sa_${part}pos_proj`, place));
			const [q, k, v] = [project('q'), project('k'), linear('sa_v_proj', y)].map((rows) =>
				attention.byPicture(rows),
			) as [Value, Value, Value];
			return linear('self_attn.out_proj', attention.attend(q, k, v, { heads }));
		});
		x = parts.residual(`${name}.norm2`, x, (y) => {
			const content = { q: linear('ca_qcontent_proj', y), k: linear('ca_kcontent_proj', memory) };
			const keyPlace = linear('ca_kpos_proj', positions);
			if (i === 0) {
				content.q = layers.add(content.q, linear('ca_qpos_proj', place));
				content.k = layers.add(content.k, keyPlace);
			}
			const attended = attention.attend(
				besideByHead(parts, content.q, linear('ca_qpos_sine_proj', sought)),
				besideByHead(parts, content.k, keyPlace),
				attention.byPicture(linear('ca_v_proj', memory)),
				{ heads, isReal: parts.isReal },
			);
			return linear('cross_attn.out_proj', attended);
		});
		x = parts.residual(`${name}.norm3`, x, (y) => parts.feedForward(`${name}.`, y, config.decoderHidden));
		parts.tap(`dec.${i}.output`, x);
		x = parts.betweenLayers(x);
		if (parts.predicts(i)) predictions.push(parts.sharedPrediction(i, x, beforeSigmoid));
	}
	return predictions;
}

/** Sine positions of reference points [rows, 2], x and y in 0 to 1: [rows, dim], the half of y first. */
function referenceSines(parts: DetrParts, reference: Value): Value {
	const { layers, config } = parts;
	const { graph } = layers;
	const features = config.dim / 2;
	const shape = [reference.shape[0]!, features];
	const list = (value: (i: number) => number) =>
		graph.floats(Array.from({ length: features }, (_, i) => value(i)));
	const frequencies = list((i) => (2 * Math.PI) / TEMPERATURE ** ((2 * Math.floor(i / 2)) / features));
	const phases = list((i) => (i % 2 === 0 ? 0 : Math.PI / 2)); // a cosine is a sine a quarter ahead
	const [x, y] = layers.split(reference, [1, 1]);
	const sines = (place: Value) => {
		const angles = graph.op('Mul', [place, frequencies], { shape });
		return graph.op('Sin', [graph.op('Add', [angles, phases], { shape })], { shape });
	};
	return layers.concat([sines(y!), sines(x!)], 1);
}

/** Rows a and b [batch · n, dim] head by head beside each other: [batch, n, 2 · dim]. */
function besideByHead(parts: DetrParts, a: Value, b: Value): Value {
	const { layers, config, map } = parts;
	const { dim, decoderHeads: heads } = config;
	const n = (a.shape[0] as number) / map.batch;
	const byHead = (x: Value) => layers.reshape(x, [map.batch, n, heads, dim / heads]);
	return layers.reshape(layers.concat([byHead(a), byHead(b)], 3), [map.batch, n, 2 * dim]);
}

function multiply(parts: DetrParts, a: Value, b: Value): Value {
	return parts.layers.graph.op('Mul', [a, b], { shape: a.shape });
}
