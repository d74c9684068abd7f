import { resNet } from '../../backbones/resnet.ts';
import { swin } from '../../backbones/swin.ts';
import type { Value } from '../../graph/graph-builder.ts';
import type { Layers } from '../../graph/layers.ts';
import { BACKBONE_PREFIX, GROUPS, type SparseDetrConfig } from './config.ts';

/** Feature maps of the backbone from the third stage on, or of the last alone where the model has one level. */
export function featureMaps(layers: Layers, picture: Value, { backbone, levels }: SparseDetrConfig): Value[] {
	const prefix = BACKBONE_PREFIX;
	if (backbone.kind === 'swin') {
		return swin(layers, picture, { prefix, ...backbone, normed: levels > 1 ? [1, 2, 3] : [3] });
	}
	const stages = resNet(layers, picture, { prefix, ...backbone });
	return stages.slice(levels > 1 ? 1 : -1);
}

/**
 * Feature maps in the width of tokens, one per level. Levels beyond the backbone's are strided convolutions: the first of
 * the backbone's last map as it is, the next of the projected level before.
 */
export function projectMaps(
	layers: Layers,
	features: readonly Value[],
	{ dim, levels }: SparseDetrConfig,
): Value[] {
	const maps: Value[] = [];
	for (let level = 0; level < levels; level++) {
		const name = `input_proj.${level}`;
		const feature = features[level];
		const source = feature ?? (level === features.length ? features.at(-1)! : maps.at(-1)!);
		const geometry = feature ? { kernel: 1 } : { kernel: 3, stride: 2, pads: 1 };
		maps.push(layers.groupNorm(`${name}.1`, layers.conv(`${name}.0`, source, dim, geometry), GROUPS));
	}
	return maps;
}
