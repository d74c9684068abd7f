import { type Activation, activate } from '../graph/activations.ts';
import type { Value } from '../graph/graph-builder.ts';
import type { Layers } from '../graph/layers.ts';

/** A residual network (He et al., CVPR 2016), its tensors named as torchvision has them. */
export type ResNetConfig = {
	/** Prefix of `conv1` and the other names, such as `backbone.0.body.`. */
	prefix: string;
	/** Channels after the first convolution. */
	stem: number;
	/** Blocks of two 3×3 convolutions, or of a 3×3 one between two of 1×1. */
	block: 'basic' | 'bottleneck';
	stages: readonly ResNetStage[];
	/** Which convolution of a bottleneck strides; by default the 3×3 one, as in torchvision. */
	stridesFirst?: boolean;
	/** The activation after the stem and after every residual sum, by default ReLU; within blocks it is always ReLU. */
	activation?: Activation;
};

export type ResNetStage = {
	blocks: number;
	/** Channels between a bottleneck's 1×1 convolutions; in basic blocks equal to `channels`. */
	width: number;
	channels: number;
	stride: 1 | 2;
	/** Dilation of the 3×3 convolutions; the first one has that of the stage before. */
	dilation: number;
};

const STEM_STRIDE = 4;

/** Stride in pixels of the map after the first `stages` stages; 0: after the stem. */
export function resNetStride({ stages }: Pick<ResNetConfig, 'stages'>, count = stages.length): number {
	return stages.slice(0, count).reduce((product, { stride }) => product * stride, STEM_STRIDE);
}

/**
 * Strides and dilations of stages that double the stride until `outputStride` is reached and dilate from there on (DC5 is
 * 16).
 */
export function resNetStages(
	stages: readonly Pick<ResNetStage, 'blocks' | 'width' | 'channels'>[],
	outputStride = 32,
): ResNetStage[] {
	let [reached, dilation] = [STEM_STRIDE, 1];
	return stages.map((stage, i) => {
		const doubles = i > 0 && reached < outputStride;
		if (doubles) reached *= 2;
		else if (i > 0) dilation *= 2;
		return { ...stage, stride: doubles ? 2 : 1, dilation };
	});
}

/** Stages of bottleneck blocks, four times as wide outside as inside; the last may dilate instead of striding (DC5). */
export function bottleneckStages(
	planes: readonly number[],
	blocks: readonly number[],
	dilateLast: boolean,
): ResNetStage[] {
	const stages = planes.map((width, i) => ({ blocks: blocks[i]!, width, channels: 4 * width }));
	return resNetStages(stages, dilateLast ? 2 ** planes.length : 2 ** (planes.length + 1));
}

/**
 * The feature maps of pictures [batch, 3, h, w] after the stem and after each of the first `count` stages. Batch norms are
 * folded into the convolutions (epsilon 1e-5).
 */
export function resNet(
	layers: Layers,
	picture: Value,
	config: ResNetConfig,
	count = config.stages.length,
): Value[] {
	const { prefix, stem, stages, block, activation = 'relu', stridesFirst = false } = config;
	const conv = (
		name: string,
		norm: string,
		x: Value,
		out: number,
		geometry: Parameters<Layers['convBatchNorm']>[4],
	) => layers.convBatchNorm(`${prefix}${name}`, `${prefix}${norm}`, x, out, geometry);
	const active = (x: Value) => activate(layers, activation, x);
	const residual = (name: string, x: Value, stage: ResNetStage, stride: number, dilation: number) => {
		const { width, channels } = stage;
		const wide = (dilated: number, strides: number) => ({
			kernel: 3,
			stride: strides,
			dilation: dilated,
			pads: dilated,
		});
		const geometries =
			block === 'basic'
				? [wide(dilation, stride), wide(stage.dilation, 1)]
				: [
						{ kernel: 1, stride: stridesFirst ? stride : 1 },
						wide(dilation, stridesFirst ? 1 : stride),
						{ kernel: 1 },
					];
		return geometries.reduce((y, geometry, i) => {
			const last = i === geometries.length - 1;
			const out = last || block === 'basic' ? channels : width;
			const z = conv(`${name}.conv${i + 1}`, `${name}.bn${i + 1}`, y, out, geometry);
			return last ? z : layers.relu(z);
		}, x);
	};

	const first = conv('conv1', 'bn1', picture, stem, { kernel: 7, stride: 2, pads: 3 });
	let x = layers.maxPool(active(first), 3, 2, 1);
	const maps = [x];
	let dilation = 1;
	stages.slice(0, count).forEach((stage, s) => {
		for (let i = 0; i < stage.blocks; i++) {
			const name = `layer${s + 1}.${i}`;
			const stride = i === 0 ? stage.stride : 1;
			const y = residual(name, x, stage, stride, dilation);
			dilation = stage.dilation;
			const keeps = stride === 1 && x.shape[1] === stage.channels;
			const down = [`${name}.downsample.0`, `${name}.downsample.1`] as const;
			const skip = keeps ? x : conv(...down, x, stage.channels, { kernel: 1, stride });
			x = active(layers.add(y, skip));
		}
		maps.push(x);
	});
	return maps;
}
