import type { TokenGrid } from '../../domain/tokens.ts';
import type { Value } from '../../graph/graph-builder.ts';
import type { Layers } from '../../graph/layers.ts';
import { backbonePlan } from './backbone-plan.ts';
import { type Extent, NO_EXTRA_TOKENS, type VitPlan } from '../../vit/plan.ts';
import type { VitDetConfig } from './config.ts';

/** The tokens of an input of `size` tokens: every token reads the pixels of its own patch. */
export function patchGrid({ patch }: VitDetConfig, size: Extent): TokenGrid {
	return { ...size, stride: patch, windowSize: patch, windowOffset: 0 };
}

/** Patch embedding and backbone. Its answers are the last tokens, all of which the family's heads read. */
export function vitDetPlan(config: VitDetConfig, size: Extent): VitPlan {
	const { patch, dim, heads, mlpRatio, positionSize, blocks } = config;
	/** [k, 3, h, w] -> [tokens, dim], `tokens` being all patches of all k pictures. */
	function embed(layers: Layers, pixels: Value, tokens: Value['shape'][number]): Value {
		const map = layers.conv('embedding.conv', pixels, dim, { kernel: patch, stride: patch });
		return layers.reshape(layers.transpose(map, [0, 2, 3, 1]), [tokens, dim]);
	}
	return backbonePlan(
		{
			name: 'vitdet',
			prefix: 'backbone.',
			grid: patchGrid(config, size),
			classToken: false,
			dim,
			heads,
			mlpRatio,
			positionSize,
			blocks,
		},
		{
			embedPicture: (layers, picture) => embed(layers, picture, size.rows * size.cols),
			embedWindows: (layers, windows) => embed(layers, windows, windows.shape[0]!),
			embedExtra: NO_EXTRA_TOKENS.embedExtra,
		},
	);
}
