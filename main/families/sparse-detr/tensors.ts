import { GraphBuilder } from '../../graph/graph-builder.ts';
import { Layers, type WeightLookup } from '../../graph/layers.ts';
import type { SparseDetrConfig } from './config.ts';
import { emitSparseDetr } from './graph.ts';

/** Every level of the pyramid has a token in it. */
const SMALLEST = { batch: 1, height: 64, width: 64, padding: null };

/** Asks `lookup` for every tensor that a checkpoint of this configuration has, once emitted and thrown away. */
export function askForTensors(config: SparseDetrConfig, lookup: WeightLookup): void {
	askForGraph(config, lookup);
	const { decoderLayers, encoderLayers, twoStage, auxiliaryHeads } = config;
	const extra = (twoStage ? 1 : 0) + (auxiliaryHeads ? encoderLayers - 1 : 0);
	askForHeads(config, lookup, '', decoderLayers + extra);
	// The same heads once more, where the decoder refines with them and the encoder is trained with them.
	if (twoStage) askForHeads(config, lookup, 'transformer.decoder.', decoderLayers + extra);
	if (auxiliaryHeads) askForHeads(config, lookup, 'transformer.encoder.', encoderLayers - 1);
}

/** Asks for what the graph itself needs: the heads that predict and refine, and those of no other layers. */
export function askForGraph(config: SparseDetrConfig, lookup: WeightLookup): void {
	const layers = new Layers(new GraphBuilder(), lookup);
	emitSparseDetr(layers, config, SMALLEST, { selects: config.scorer });
}

export type HeadKind = 'class_embed' | 'bbox_embed';
const BOTH: readonly HeadKind[] = ['class_embed', 'bbox_embed'];

/** Asks for `count` heads of the given kinds. */
export function askForHeads(
	{ dim, classes }: Pick<SparseDetrConfig, 'dim' | 'classes'>,
	lookup: WeightLookup,
	prefix: string,
	count: number,
	kinds = BOTH,
): void {
	const linear = (name: string, width: number) => {
		lookup(`${prefix}${name}.weight`, [width, dim]);
		lookup(`${prefix}${name}.bias`, [width]);
	};
	for (let i = 0; i < count; i++) {
		if (kinds.includes('class_embed')) linear(`class_embed.${i}`, classes);
		if (kinds.includes('bbox_embed'))
			for (const [layer, width] of [dim, dim, 4].entries()) linear(`bbox_embed.${i}.layers.${layer}`, width);
	}
}
