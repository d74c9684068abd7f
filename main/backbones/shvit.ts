import type { Value } from '../graph/graph-builder.ts';
import { foldBatchNorm, type ConvGeometry, type Layers } from '../graph/layers.ts';
import { derivedTensor, type FloatTensor } from '../domain/float-tensor.ts';

/** An SHViT (Yun and Ro, CVPR 2024) as the shapes of its tensors describe it. */
export type ShvitConfig = {
	/** Prefix of `patch_embed` and the other names, such as `backbone.`. */
	prefix: string;
	/** Whether the batch norms were folded into the convolutions before the file was written; names differ then. */
	fused: boolean;
	/** Three, finest first. */
	stages: readonly ShvitStage[];
};

export type ShvitStage = {
	/** Channels. */
	width: number;
	blocks: number;
	/** Null: blocks without attention. */
	attention: SingleHead | null;
};

/** Attention with one head over the first `partial` channels, with queries and keys of `keys` channels. */
export type SingleHead = { partial: number; keys: number };

/** The published variants; all attend with 16 channels of queries and keys. */
export const SHVIT_VARIANTS: readonly { name: string; stages: readonly ShvitStage[] }[] = [
	variant('SHViT-S1', [128, 224, 320], [2, 4, 5], [48, 68]),
	variant('SHViT-S2', [128, 308, 448], [2, 4, 5], [66, 96]),
	variant('SHViT-S3', [192, 352, 448], [3, 5, 5], [75, 96]),
	variant('SHViT-S4', [224, 336, 448], [4, 7, 6], [72, 96]),
];

/** `partials`: channels with attention in the second and third stage; the first has no attention. */
function variant(name: string, widths: number[], blocks: number[], partials: number[]) {
	const stages = widths.map((width, i): ShvitStage => {
		const partial = partials[i - 1];
		return { width, blocks: blocks[i]!, attention: partial === undefined ? null : { partial, keys: 16 } };
	});
	return { name, stages };
}

/** Is called with the output of each module, by the module's published name without the prefix. */
export type ShvitProbe = (name: string, value: Value) => void;

/** Blocks of a later stage come after the three modules that halve the resolution. */
export const SHVIT_FIRST_BLOCK = [0, 3, 3] as const;
const STEM_HALVINGS = 4;

/**
 * The feature maps after each stage, strides 16, 32, 64, of pictures [batch, 3, h, w]; odd sizes round up. Batch norms are
 * folded into the convolutions, and so are residuals of depthwise convolutions.
 */
export function shvit(
	layers: Layers,
	picture: Value,
	config: ShvitConfig,
	probe: ShvitProbe = () => undefined,
): Value[] {
	const emitter = new Emitter(layers, config, probe);
	let x = emitter.stem(picture, config.stages[0]!.width);
	return config.stages.map(({ width, blocks, attention }, stage) => {
		const name = `blocks${stage + 1}`;
		if (stage > 0) x = emitter.halve(name, x, width);
		const first = SHVIT_FIRST_BLOCK[stage]!;
		for (let i = 0; i < blocks; i++) x = emitter.block(`${name}.${first + i}`, x, attention);
		probe(name, x);
		return x;
	});
}

class Emitter {
	readonly #layers: Layers;
	readonly #config: ShvitConfig;
	readonly #probe: ShvitProbe;

	constructor(layers: Layers, config: ShvitConfig, probe: ShvitProbe) {
		this.#layers = layers;
		this.#config = config;
		this.#probe = probe;
	}

	stem(picture: Value, width: number): Value {
		let x = picture;
		for (let i = 0; i < STEM_HALVINGS; i++) {
			if (i > 0) x = this.#layers.relu(x);
			const out = Math.floor(width / 2 ** (STEM_HALVINGS - 1 - i));
			x = this.#convNorm(`patch_embed.${2 * i}`, x, out, { kernel: 3, stride: 2, pads: 1 });
		}
		return this.#shown('patch_embed', x);
	}

	/** The beginning of a later stage: a pair of mixing layers, patch merging, another pair. */
	halve(stage: string, x: Value, width: number): Value {
		const before = this.#shown(`${stage}.0`, this.#mixing(`${stage}.0`, x));
		const merged = this.#shown(`${stage}.1`, this.#merge(`${stage}.1`, before, width));
		return this.#shown(`${stage}.2`, this.#mixing(`${stage}.2`, merged));
	}

	block(name: string, x: Value, attention: SingleHead | null): Value {
		let y = this.#residualDepthwise(`${name}.conv`, x);
		if (attention) y = this.#residualAttention(`${name}.mixer`, y, attention);
		return this.#shown(name, this.#feedForward(`${name}.ffn`, y));
	}

	#mixing(name: string, x: Value): Value {
		return this.#feedForward(`${name}.1`, this.#residualDepthwise(`${name}.0`, x));
	}

	/** Without a residual, and without activations after the gate and at the end. */
	#merge(name: string, x: Value, width: number): Value {
		const layers = this.#layers;
		const hidden = 4 * (x.shape[1] as number);
		const wide = layers.relu(this.#convNorm(`${name}.conv1`, x, hidden, { kernel: 1 }));
		const geometry = { kernel: 3, stride: 2, pads: 1, groups: hidden };
		const halved = layers.relu(this.#convNorm(`${name}.conv2`, wide, hidden, geometry));
		return this.#convNorm(`${name}.conv3`, this.#squeezeExcite(`${name}.se`, halved), width, { kernel: 1 });
	}

	/** Squeeze-and-excitation: gates channels by their means (Hu et al., CVPR 2018). */
	#squeezeExcite(name: string, x: Value): Value {
		const layers = this.#layers;
		const width = x.shape[1] as number;
		const means = globalMeans(layers, x);
		const squeezed = layers.relu(this.#biased(`${name}.fc1`, means, squeezedWidth(width)));
		const gate = layers.sigmoid(this.#biased(`${name}.fc2`, squeezed, width));
		return this.#shown(name, layers.graph.op('Mul', [x, gate], { shape: x.shape }));
	}

	#biased(name: string, x: Value, out: number): Value {
		return this.#layers.conv(`${this.#config.prefix}${name}`, x, out, { kernel: 1 });
	}

	#feedForward(name: string, x: Value): Value {
		const layers = this.#layers;
		const width = x.shape[1] as number;
		const hidden = layers.relu(this.#convNorm(`${name}.m.pw1`, x, 2 * width, { kernel: 1 }));
		return this.#shown(name, layers.add(x, this.#convNorm(`${name}.m.pw2`, hidden, width, { kernel: 1 })));
	}

	#residualAttention(name: string, x: Value, head: SingleHead): Value {
		const y = this.#shown(`${name}.m`, this.#attention(`${name}.m`, x, head));
		return this.#shown(name, this.#layers.add(x, y));
	}

	/** Single-head attention over a part of the channels; its output is projected together with the other channels. */
	#attention(name: string, x: Value, { partial, keys }: SingleHead): Value {
		const layers = this.#layers;
		const { graph } = layers;
		const [batch, width, rows, cols] = x.shape as number[];
		const tokens = rows! * cols!;
		const [seen, passed] = this.#splitChannels(x, [partial, width! - partial]) as [Value, Value];
		const normed = layers.groupNorm(`${this.#config.prefix}${name}.pre_norm`, seen, 1);
		this.#probe(`${name}.pre_norm`, normed);
		const qkv = this.#shown(
			`${name}.qkv`,
			this.#convNorm(`${name}.qkv`, normed, 2 * keys + partial, { kernel: 1 }),
		);
		const flat = layers.reshape(qkv, [batch!, 2 * keys + partial, tokens]);
		const [q, k, v] = this.#splitChannels(flat, [keys, keys, partial]) as [Value, Value, Value];
		graph.count(batch!, tokens, tokens, keys);
		const scores = graph.op(
			'FusedMatMul',
			[q, k],
			{ shape: [batch!, tokens, tokens] },
			{ domain: 'com.microsoft', attributes: { transA: 1, alpha: { float: keys ** -0.5 } } },
		);
		graph.count(batch!, tokens, tokens, partial);
		const attended = graph.op(
			'FusedMatMul',
			[v, layers.softmax(scores)],
			{ shape: [batch!, partial, tokens] },
			{ domain: 'com.microsoft', attributes: { transB: 1 } },
		);
		const joined = layers.concat([layers.reshape(attended, [batch!, partial, rows!, cols!]), passed], 1);
		return this.#convNorm(`${name}.proj.1`, layers.relu(joined), width!, { kernel: 1 });
	}

	/** A convolution with its batch norm, one module of the published network. */
	#convNorm(name: string, x: Value, out: number, geometry: ConvGeometry): Value {
		const full = `${this.#config.prefix}${name}`;
		if (this.#config.fused) return this.#layers.conv(full, x, out, geometry);
		return this.#layers.convBatchNorm(`${full}.c`, `${full}.bn`, x, out, geometry);
	}

	/** x + norm(conv(x)) as one depthwise 3×3: the residual is a 1 at the centre of each kernel. */
	#residualDepthwise(name: string, x: Value): Value {
		const layers = this.#layers;
		const full = `${this.#config.prefix}${name}`;
		const width = x.shape[1] as number;
		const geometry = { kernel: 3, pads: 1, groups: width };
		if (this.#config.fused) return this.#shown(name, layers.conv(full, x, width, geometry));
		const folded = foldBatchNorm(
			layers.tensor(`${full}.m.c.weight`, [width, 1, 3, 3]),
			(part) => layers.tensor(`${full}.m.bn.${part}`, [width]),
			1e-5,
		);
		const y = layers.convFrom(
			x,
			layers.graph.constant(`${full}.weight:folded`, withIdentity(folded.weight)),
			layers.graph.constant(`${full}.bias:folded`, folded.bias),
			geometry,
		);
		return this.#shown(name, y);
	}

	#splitChannels(x: Value, sizes: readonly number[]): Value[] {
		const { graph } = this.#layers;
		const results = sizes.map((size) => ({ shape: [x.shape[0]!, size, ...x.shape.slice(2)] }));
		return graph.ops('Split', [x, graph.integers(sizes)], results, { attributes: { axis: 1 } });
	}

	#shown(name: string, value: Value): Value {
		this.#probe(name, value);
		return value;
	}
}

/** x [batch, channels, h, w] -> [batch, channels, 1, 1]. */
export function globalMeans(layers: Layers, x: Value): Value {
	return layers.graph.op('GlobalAveragePool', [x], { shape: [x.shape[0]!, x.shape[1]!, 1, 1] });
}

/** A quarter, rounded to a multiple of 8, and at least 8. */
function squeezedWidth(width: number): number {
	return Math.max(8, 8 * Math.floor((width / 4 + 4) / 8));
}

function withIdentity(kernels: FloatTensor): FloatTensor {
	return derivedTensor('with identity', [kernels], kernels.shape, () => {
		const data = kernels.data.slice();
		for (let centre = 4; centre < data.length; centre += 9) data[centre]! += 1;
		return data;
	});
}
