import { z } from 'zod';
import { layerCount, layerIndex, width } from '../config-numbers.ts';
import { resNet, type ResNetConfig, type ResNetStage, resNetStages } from '../../backbones/resnet.ts';
import { UserFacingError } from '../../domain/errors.ts';
import { ACTIVATION_NAMES } from '../../graph/activations.ts';
import { GraphBuilder } from '../../graph/graph-builder.ts';
import { Layers, type WeightLookup } from '../../graph/layers.ts';
import { orElse } from './config-fields.ts';
import { parseModelConfig } from '../model-config.ts';

/** What a config.json of the DETRs says of the network that pictures go through first. */
export const backboneFields = {
	backbone_config: z.looseObject({ model_type: z.string() }).nullish(),
	use_timm_backbone: orElse(z.boolean(), true),
	backbone: z.string().nullish(),
	backbone_kwargs: z.record(z.string(), z.unknown()).nullish(),
	dilation: orElse(z.boolean(), false),
};
type BackboneFields = z.infer<z.ZodObject<typeof backboneFields>>;

export type HuggingFaceResNet = {
	config: ResNetConfig;
	/** Which maps the model takes, by the stages before them. */
	features: readonly number[];
	/** What the file calls a tensor, given its name in `config` without the prefix. */
	fileName(name: string): string;
};

/** What stands before the backbone's tensors for emitters, and in files. */
export const BACKBONE_PREFIX = 'backbone.0.body.';
const FILE_PREFIX = 'model.backbone.conv_encoder.model.';
const DEFAULT_BACKBONE = 'resnet50';
/** Pixels between cells of the last map where the model dilates its last stage instead of striding (DC5). */
const DILATED_STRIDE = 16;

/**
 * The backbone that a config.json means, as the published code resolves it: `backbone_config`; else the ResNet of timm
 * that is named, whose maps are `features`; else a ResNet-50 of Hugging Face. `dilation` counts for timm's alone. Throws
 * `model-unreadable`, naming `place`, for networks of other kinds.
 */
export function readBackbone(
	fields: BackboneFields,
	features: readonly number[],
	place: string,
): HuggingFaceResNet {
	const { backbone_config: own, backbone, dilation } = fields;
	if (own) {
		if (own.model_type === 'resnet') return huggingFaceResNet(own, place);
		if (own.model_type === 'timm_backbone') return statedTimmResNet(own, place);
		throw unknownBackbone(place, `backbone_config.model_type ${JSON.stringify(own.model_type)}`);
	}
	if (fields.use_timm_backbone && Object.keys(fields.backbone_kwargs ?? {}).length === 0) {
		const name = backbone ?? DEFAULT_BACKBONE;
		return timmResNet(name, features, dilation ? DILATED_STRIDE : undefined, place);
	}
	if (backbone) throw unknownBackbone(place, `backbone ${JSON.stringify(backbone)}, which is another model`);
	return huggingFaceResNet({}, place);
}

function unknownBackbone(place: string, what: string): UserFacingError {
	return new UserFacingError(
		'model-unreadable',
		`${place}: the backbone must be a ResNet, described by backbone_config or one of timm's (${TIMM_NAMES}); got ${what}.`,
	);
}

const resNetSchema = z.looseObject({
	num_channels: orElse(z.literal(3), 3),
	embedding_size: orElse(width, 64),
	hidden_sizes: orElse(z.array(width).min(1), [256, 512, 1024, 2048]),
	depths: orElse(z.array(layerCount).min(1), [3, 4, 6, 3]),
	layer_type: orElse(z.enum(['basic', 'bottleneck']), 'bottleneck'),
	hidden_act: orElse(z.enum(ACTIVATION_NAMES), 'relu'),
	downsample_in_first_stage: orElse(z.boolean(), false),
	downsample_in_bottleneck: orElse(z.boolean(), false),
	out_features: z.array(z.string()).min(1).nullish(),
	out_indices: z.array(layerIndex).min(1).nullish(),
});

/** Inner channels of a bottleneck for each of those that it gives. */
const REDUCTION = 4;

function huggingFaceResNet(json: unknown, place: string): HuggingFaceResNet {
	const fields = parseModelConfig(resNetSchema, { json, place: `${place}: backbone_config` }, 'a ResNet');
	const { hidden_sizes: channels, depths, layer_type: block } = fields;
	if (channels.length !== depths.length) {
		throw new UserFacingError(
			'model-unreadable',
			`${place}: backbone_config should have as many hidden_sizes as depths (got ${channels.length} and ${depths.length}).`,
		);
	}
	const stages = channels.map((out, i): ResNetStage => ({
		blocks: depths[i]!,
		width: block === 'basic' ? out : Math.floor(out / REDUCTION),
		channels: out,
		stride: i > 0 || fields.downsample_in_first_stage ? 2 : 1,
		dilation: 1,
	}));
	return {
		config: {
			prefix: BACKBONE_PREFIX,
			stem: fields.embedding_size,
			block,
			stages,
			stridesFirst: fields.downsample_in_bottleneck,
			activation: fields.hidden_act,
		},
		features: featuresOf(fields, stages.length, place),
		fileName: (name) => `${FILE_PREFIX}${huggingFaceName(name)}`,
	};
}

/** Asks `lookup` for the tensors of stages behind the last map that is taken, which files have as well. */
export function askForUnusedStages({ config, features }: HuggingFaceResNet, lookup: WeightLookup): void {
	if (features.at(-1) === config.stages.length) return;
	const graph = new GraphBuilder();
	resNet(new Layers(graph, lookup), graph.input('picture', 'float32', [1, 3, 64, 64]), config);
}

/** Maps by their names (`stem`, `stage1`, …) or by their places, from the end where they are negative. */
function featuresOf(
	{ out_features, out_indices }: z.infer<typeof resNetSchema>,
	stages: number,
	place: string,
): number[] {
	const names = ['stem', ...Array.from({ length: stages }, (_, i) => `stage${i + 1}`)];
	const features = out_features?.map((name) => names.indexOf(name)) ??
		out_indices?.map((index) => (index < 0 ? index + names.length : index)) ?? [stages];
	const rise = features.every(
		(feature, i) => feature >= 0 && feature <= stages && feature > (features[i - 1] ?? -1),
	);
	if (rise) return features;
	throw new UserFacingError(
		'model-unreadable',
		`${place}: backbone_config.out_features must be some of ${names.join(', ')} in this order (got ${(out_features ?? out_indices)?.join(', ')}).`,
	);
}

/** `layer1.0.conv2.weight` -> `encoder.stages.0.layers.0.layer.1.convolution.weight` and so on. */
function huggingFaceName(name: string): string {
	const [, stage, block, part, number, tensor] =
		/^(?:layer(\d+)\.(\d+)\.)?(conv|bn|downsample\.)(\d)\.(\w+)$/.exec(name) as unknown as string[];
	const kind =
		part === 'conv' || (part === 'downsample.' && number === '0') ? 'convolution' : 'normalization';
	if (stage === undefined) return `embedder.embedder.${kind}.${tensor}`;
	const place = part === 'downsample.' ? 'shortcut' : `layer.${Number(number) - 1}`;
	return `encoder.stages.${Number(stage) - 1}.layers.${block}.${place}.${kind}.${tensor}`;
}

const timmSchema = z.looseObject({
	backbone: z.string(),
	num_channels: orElse(z.literal(3), 3),
	features_only: orElse(z.literal(true), true),
	out_indices: orElse(z.array(layerIndex).min(1), [-1]),
	output_stride: orElse(z.union([z.literal(8), z.literal(16), z.literal(32)]), 32),
});

function statedTimmResNet(json: unknown, place: string): HuggingFaceResNet {
	const fields = parseModelConfig(
		timmSchema,
		{ json, place: `${place}: backbone_config` },
		"a ResNet of timm's",
	);
	const features = fields.out_indices.map((index) => (index < 0 ? index + 5 : index));
	if (features.every((feature, i) => feature >= 1 && feature <= 4 && feature > (features[i - 1] ?? 0)))
		return timmResNet(fields.backbone, features, fields.output_stride, place);
	throw new UserFacingError(
		'model-unreadable',
		`${place}: backbone_config.out_indices must be rising numbers of stages from 1 to 4 (got ${fields.out_indices.join(', ')}).`,
	);
}

/** Blocks per stage of timm's plain ResNets. */
const TIMM_DEPTHS: Readonly<Record<string, readonly number[]>> = {
	resnet18: [2, 2, 2, 2],
	resnet26: [2, 2, 2, 2],
	resnet34: [3, 4, 6, 3],
	resnet50: [3, 4, 6, 3],
	resnet101: [3, 4, 23, 3],
	resnet152: [3, 8, 36, 3],
	resnet200: [3, 24, 36, 3],
};
const TIMM_NAMES = Object.keys(TIMM_DEPTHS).join(', ');
const OF_BASIC_BLOCKS = ['resnet18', 'resnet34'];
const TIMM_WIDTHS = [64, 128, 256, 512];

/** timm keeps the stages up to the last map that is taken. What follows a dot in its names says whose weights they were. */
function timmResNet(
	name: string,
	features: readonly number[],
	outputStride: number | undefined,
	place: string,
): HuggingFaceResNet {
	const [, wide, layout = ''] = /^(?:tv_)?(wide_)?(resnet\d+)(?:_2)?(?:\.\w+)?$/.exec(name) ?? [];
	const depths = TIMM_DEPTHS[layout];
	if (!depths) throw unknownBackbone(place, `backbone ${JSON.stringify(name)}`);
	const block = OF_BASIC_BLOCKS.includes(layout) ? 'basic' : 'bottleneck';
	const stages = TIMM_WIDTHS.slice(0, features.at(-1)).map((width, i) => ({
		blocks: depths[i]!,
		width: wide ? 2 * width : width,
		channels: block === 'basic' ? width : 4 * width,
	}));
	return {
		config: {
			prefix: BACKBONE_PREFIX,
			stem: TIMM_WIDTHS[0]!,
			block,
			stages: resNetStages(stages, outputStride),
		},
		features,
		fileName: (tensor) => `${FILE_PREFIX}${tensor}`,
	};
}
