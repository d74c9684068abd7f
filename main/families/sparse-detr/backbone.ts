import { resNet, resNetStride } from '../../backbones/resnet.ts';
import { swin } from '../../backbones/swin.ts';
import type { Value } from '../../graph/graph-builder.ts';
import type { Layers } from '../../graph/layers.ts';
import { BACKBONE_PREFIX, GROUPS, type SparseDetrConfig } from './config.ts';

/** The maps of the backbone that become levels. */
export function featureMaps(
	layers: Layers,
	picture: Value,
	{ backbone, features }: SparseDetrConfig,
): Value[] {
	if (backbone.kind === 'swin') {
		const normed = features.map((stages) => stages - 1);
		return swin(layers, picture, { prefix: BACKBONE_PREFIX, ...backbone, normed });
	}
	const maps = resNet(layers, picture, backbone, features.at(-1));
	return features.map((stages) => maps[stages]!);
}

/** Pixels between tokens of the finest level. */
export function finestStride({ backbone, features }: SparseDetrConfig): number {
	const [stages] = features as [number];
	return backbone.kind === 'resnet' ? resNetStride(backbone, stages) : 2 ** (stages + 1);
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
