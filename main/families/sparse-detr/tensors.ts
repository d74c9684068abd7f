import { GraphBuilder } from '../../graph/graph-builder.ts';
import { Layers, type WeightLookup } from '../../graph/layers.ts';
import type { SparseDetrConfig } from './config.ts';
import { emitSparseDetr } from './graph.ts';

/** Every level of the pyramid has a token in it. */
const SMALLEST = { batch: 1, height: 64, width: 64, padding: null };

/** Asks `lookup` for every tensor that a checkpoint of this configuration has, once emitted and thrown away. */
export function askForTensors(config: SparseDetrConfig, lookup: WeightLookup): void {
	const layers = new Layers(new GraphBuilder(), lookup);
	emitSparseDetr(layers, config, SMALLEST, { selects: config.scorer });
	const { decoderLayers, encoderLayers, twoStage, auxiliaryHeads } = config;
	const extra = (twoStage ? 1 : 0) + (auxiliaryHeads ? encoderLayers - 1 : 0);
	askForHeads(config, lookup, '', decoderLayers + extra);
	// The same heads once more, where the decoder refines with them and the encoder is trained with them.
	if (twoStage) askForHeads(config, lookup, 'transformer.decoder.', decoderLayers + extra);
	if (auxiliaryHeads) askForHeads(config, lookup, 'transformer.encoder.', encoderLayers - 1);
}

function askForHeads(
	{ dim, classes }: SparseDetrConfig,
	lookup: WeightLookup,
	prefix: string,
	count: number,
): void {
	for (let i = 0; i < count; i++) {
		lookup(`${prefix}class_embed.${i}.weight`, [classes, dim]);
		lookup(`${prefix}class_embed.${i}.bias`, [classes]);
		for (const [layer, width] of [dim, dim, 4].entries()) {
			lookup(`${prefix}bbox_embed.${i}.layers.${layer}.weight`, [width, dim]);
			lookup(`${prefix}bbox_embed.${i}.layers.${layer}.bias`, [width]);
		}
	}
}
