import type { Value } from '../graph/graph-builder.ts';
import type { Layers } from '../graph/layers.ts';

/** A residual network of bottleneck blocks, torchvision's layout: the stride sits in the 3×3 convolution. */
export type ResNetConfig = {
	/** What stands before `conv1`, such as `backbone.0.body.`. */
	prefix: string;
	/** Channels after the first convolution. */
	stem: number;
	/** Inner width of each stage's blocks; a stage gives four times as many channels. */
	planes: readonly number[];
	/** Blocks per stage. */
	blocks: readonly number[];
	/** The last stage keeps its resolution and dilates instead (DC5). */
	dilateLast?: boolean;
};

const EXPANSION = 4;

/**
 * The feature maps after each stage, strides 4, 8, 16, 32, of pictures [batch, 3, h, w]. Batch norms are folded
 * into the convolutions (He et al., CVPR 2016; frozen batch norm with epsilon 1e-5).
 */
export function resNet(layers: Layers, picture: Value, config: ResNetConfig): Value[] {
	const { prefix, stem, planes, blocks, dilateLast = false } = config;
	const conv = (
		name: string,
		norm: string,
		x: Value,
		out: number,
		geometry: Parameters<Layers['convBatchNorm']>[4],
	) => layers.convBatchNorm(`${prefix}${name}`, `${prefix}${norm}`, x, out, geometry);
	const first = conv('conv1', 'bn1', picture, stem, { kernel: 7, stride: 2, pads: 3 });
	let x = layers.maxPool(layers.relu(first), 3, 2, 1);
	let channels = stem;
	return planes.map((width, stage) => {
		const dilates = dilateLast && stage === planes.length - 1;
		for (let i = 0; i < blocks[stage]!; i++) {
			const name = `layer${stage + 1}.${i}`;
			const opens = i === 0;
			const stride = opens && stage > 0 && !dilates ? 2 : 1;
			const dilation = dilates && !opens ? 2 : 1;
			let y = layers.relu(conv(`${name}.conv1`, `${name}.bn1`, x, width, { kernel: 1 }));
			const middle = { kernel: 3, stride, dilation, pads: dilation };
			y = layers.relu(conv(`${name}.conv2`, `${name}.bn2`, y, width, middle));
			y = conv(`${name}.conv3`, `${name}.bn3`, y, EXPANSION * width, { kernel: 1 });
			const skip =
				stride > 1 || channels !== EXPANSION * width
					? conv(`${name}.downsample.0`, `${name}.downsample.1`, x, EXPANSION * width, { kernel: 1, stride })
					: x;
			x = layers.relu(layers.add(y, skip));
			channels = EXPANSION * width;
		}
		return x;
	});
}
