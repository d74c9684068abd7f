import type { Value } from '../../graph/graph-builder.ts';
import type { Layers } from '../../graph/layers.ts';
import type { NeckConfig } from './config.ts';

/** Between pixels of the backbone's first map. */
const BACKBONE_STRIDE = 16;

/** Strides of the neck's maps, finest first. */
export function neckStrides({ finer, coarser }: NeckConfig, backboneMaps = 3): number[] {
	return Array.from(
		{ length: finer + backboneMaps + coarser },
		(_, level) => BACKBONE_STRIDE * 2 ** (level - finer),
	);
}

/**
 * A feature pyramid (Lin et al., CVPR 2017) that goes on to finer levels than the backbone has, by transposed convolutions
 * of the finest sum. `maps` [batch, c, h, w], finest first; gives maps [batch, width, h, w] for each of `neckStrides`.
 */
export function emitNeck(layers: Layers, maps: readonly Value[], config: NeckConfig): Value[] {
	const { prefix, width, finer, coarser } = config;
	const sums = maps.map((map, i) =>
		layers.conv(`${prefix}lateral_convs.${i}.conv`, map, width, { kernel: 1 }),
	);
	addTopDown(layers, sums);
	const smooth = (name: string, map: Value) =>
		layers.conv(`${prefix}${name}.conv`, map, width, { kernel: 3, pads: 1 });
	const levels = sums.map((sum, i) => smooth(`fpn_convs.${i}`, sum));

	// Transposed convolutions are numbered from coarse to fine, the convolutions behind them from fine to coarse.
	const fine: Value[] = [];
	let last = sums[0]!;
	for (let i = 0; i < finer; i++) {
		last = layers.convTranspose(`${prefix}extra_trans_convs.${i}.conv`, last, width, 2);
		fine.unshift(last);
	}
	const finest = fine.map((map, i) => smooth(`extra_fpn_convs.${i}`, map));

	let coarse = maps.at(-1)!;
	for (let i = 0; i < coarser; i++) {
		const name = `${prefix}fpn_convs.${maps.length + i}.conv`;
		coarse = layers.conv(name, coarse, width, { kernel: 3, stride: 2, pads: 1 });
		levels.push(coarse);
	}
	return [...finest, ...levels];
}

/** Adds to each of `maps`, finest first and of one width, the sum of all coarser ones; in place. */
export function addTopDown(layers: Layers, maps: Value[]): void {
	for (let i = maps.length - 1; i > 0; i--) {
		const [, , rows, cols] = maps[i - 1]!.shape as number[];
		maps[i - 1] = layers.add(maps[i - 1]!, enlarge(layers, maps[i]!, rows!, cols!));
	}
}

/** Nearest neighbour: from row floor(row · rows before / rows after), and columns likewise. */
function enlarge(layers: Layers, map: Value, rows: number, cols: number): Value {
	const [batch, width, height, breadth] = map.shape as number[];
	if (rows === height && cols === breadth) return map;
	return layers.graph.op(
		'Resize',
		[map, null, null, layers.graph.integers([batch!, width!, rows, cols])],
		{ shape: [batch!, width!, rows, cols] },
		{ attributes: { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' } },
	);
}
