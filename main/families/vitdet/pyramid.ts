import { assert } from '../../domain/errors.ts';
import type { Value } from '../../graph/graph-builder.ts';
import type { Layers } from '../../graph/layers.ts';
import type { Extent } from '../../vit/plan.ts';
import type { VitDetConfig } from './config.ts';

/** Epsilon of the norms over channels, in the pyramid and in the box head. */
export const NORM_EPSILON = 1e-6;

/** A level of the pyramid by its published name, such as `p4`. */
export type Level = { name: string; stride: number };

/** The levels that boxes are pooled from, followed by the coarser one that only has proposals. */
export function pyramidLevels(config: VitDetConfig): Level[] {
	const strides = config.pyramid.scales.map((scale) => config.patch / scale);
	return [...strides, 2 * strides.at(-1)!].map((stride) => ({ name: `p${Math.log2(stride)}`, stride }));
}

/**
 * The simple feature pyramid: all maps from the last tokens [tokens, dim] alone (Li et al., ECCV 2022, figure 2a). Gives a
 * map [1, channels, h, w] for each of `pyramidLevels`.
 */
export function simplePyramid(layers: Layers, tokens: Value, grid: Extent, config: VitDetConfig): Value[] {
	const { dim } = config;
	const { rows, cols } = grid;
	const map = layers.reshape(layers.transpose(tokens, [1, 0]), [1, dim, rows, cols]);
	const maps = config.pyramid.scales.map((scale, i) =>
		new Stage(layers, `pyramid.stages.${i}`).run(map, scale, config.pyramid.channels),
	);
	return [...maps, layers.maxPool(maps.at(-1)!, 1, 2, 0)];
}

/** One stage of the pyramid; its layers are numbered in the order of calls. */
class Stage {
	readonly #layers: Layers;
	readonly #name: string;
	#next = 0;

	constructor(layers: Layers, name: string) {
		this.#layers = layers;
		this.#name = name;
	}

	run(map: Value, scale: number, channels: number): Value {
		const layers = this.#layers;
		const narrow = this.#conv(this.#resample(map, scale), channels, { kernel: 1 });
		const normed = layers.channelNorm(this.#layer(), narrow, NORM_EPSILON);
		const convolved = this.#conv(normed, channels, { kernel: 3, pads: 1 });
		return layers.channelNorm(this.#layer(), convolved, NORM_EPSILON);
	}

	#resample(map: Value, scale: number): Value {
		const layers = this.#layers;
		const dim = map.shape[1] as number;
		switch (scale) {
			case 4: {
				const twice = layers.convTranspose(this.#layer(), map, dim / 2, 2);
				const active = layers.gelu(layers.channelNorm(this.#layer(), twice, NORM_EPSILON));
				this.#layer(); // the activation has a number, too
				return layers.convTranspose(this.#layer(), active, dim / 4, 2);
			}
			case 2:
				return layers.convTranspose(this.#layer(), map, dim / 2, 2);
			case 1:
				return map;
			default:
				assert(scale === 0.5, `a pyramid has maps of 4, 2, 1 or 0.5 times the resolution (got ${scale})`);
				this.#layer(); // so has the pooling
				return layers.maxPool(map, 2, 2, 0);
		}
	}

	#conv(x: Value, channels: number, geometry: { kernel: number; pads?: number }): Value {
		return this.#layers.conv(this.#layer(), x, channels, { ...geometry, bias: false });
	}

	#layer(): string {
		return `${this.#name}.${this.#next++}`;
	}
}
