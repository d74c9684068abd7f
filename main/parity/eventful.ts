import { z } from 'zod';
import { createRuntime } from '../detector/session.ts';
import { compileFull } from '../reduction/vit-graphs.ts';
import { backbonePlan } from '../vit/backbone.ts';
import type { VitPlan } from '../vit/plan.ts';
import { requireTensors } from '../weights/weights.ts';
import { type Finding, Findings } from './findings.ts';
import { caseTensor, type ParityCase } from './parity-case.ts';

const pair = z.tuple([z.number().int().positive(), z.number().int().positive()]);
const size = z.union([
	pair,
	z
		.number()
		.int()
		.positive()
		.transform((side): [number, number] => [side, side]),
]);

/** A block's configuration as the published code takes it. */
const blockSchema = z.strictObject({
	dim: z.number(),
	heads: z.number(),
	mlp_ratio: z.number(),
	relative_embedding_size: size.nullish(),
	window_size: size.nullish(),
	pool_size: size.nullish(),
	matmul_2_cast: z.enum(['float16']).nullish(),
	gate_before_ln: z.boolean().nullish(),
	stgt: z.boolean().nullish(),
});
const blockClass = z.enum(['Block', 'EventfulTokenwiseBlock', 'EventfulMatmul1Block', 'EventfulBlock']);
/** The `backbone` part of a case's configuration. */
export const backboneSchema = z.strictObject({
	depth: z.number(),
	position_encoding_size: size,
	input_size: pair,
	block_class: blockClass,
	window_indices: z.array(z.number()).nullish(),
	windowed_class: blockClass.nullish(),
	windowed_overrides: z.record(z.string(), z.unknown()).nullish(),
	block_config: blockSchema,
	has_class_token: z.boolean().nullish(),
});
export type BackboneCase = z.infer<typeof backboneSchema>;

/** A case's backbone as a plan; `embed` is what a family puts before it. */
export function planOfCase(
	config: BackboneCase,
	given: { prefix: string; classToken: boolean },
	embed: Pick<VitPlan, 'embedPicture' | 'embedWindows'> = noEmbedding,
): VitPlan {
	const [rows, cols] = config.input_size;
	const { dim, heads, mlp_ratio: mlpRatio } = config.block_config;
	return backbonePlan(
		{
			name: 'backbone',
			prefix: given.prefix,
			grid: { rows, cols, stride: 1, windowSize: 1, windowOffset: 0 },
			classToken: given.classToken,
			dim,
			heads,
			mlpRatio,
			positionSize: extent(config.position_encoding_size)!,
			blocks: Array.from({ length: config.depth }, (_, i) => {
				const block = configOfBlock(config, i);
				return {
					window: extent(block.window_size),
					relativeSize: extent(block.relative_embedding_size),
					pool: extent(block.pool_size),
				};
			}),
		},
		embed,
	);
}

const noEmbedding = {
	embedPicture: () => {
		throw new Error('Assertion failed: a backbone’s case begins with tokens');
	},
	embedWindows: () => {
		throw new Error('Assertion failed: a backbone’s case begins with tokens');
	},
};

/** The configuration of block i: a block out of `window_indices` has no window, one among them what the overrides say. */
export function configOfBlock(config: BackboneCase, i: number): BackboneCase['block_config'] {
	return config.window_indices?.includes(i)
		? blockSchema.parse({ ...config.block_config, ...config.windowed_overrides })
		: { ...config.block_config, window_size: null };
}

function extent(size: [number, number] | null | undefined) {
	return size ? { rows: size[0], cols: size[1] } : null;
}

/** Eventful Transformers (Dutson et al., ICCV 2023). */
export async function eventful(given: ParityCase): Promise<Finding[]> {
	const config = z
		.object({ backbone: backboneSchema, has_class_token: z.boolean().nullish() })
		.parse(given.description['config']);
	const plan = planOfCase(config.backbone, { prefix: '', classToken: config.has_class_token ?? false });
	const findings = new Findings(given);
	const graph = compileFull(plan, requireTensors(given.weights, given.folder), {
		keepKeysAndValues: false,
		withScores: false,
		taps: true,
		fromTokens: true,
	});
	const session = await createRuntime(1).load(graph.bytes, graph.name);
	const wanted = plan.blocks.map((_, i) => `block.${i}`);
	for (let frame = 0; given.tensors.has(`frame${frame}.input`); frame++) {
		const input = caseTensor(given, `frame${frame}.input`);
		findings.input(`frame${frame}.input`);
		const shape = input.shape.slice(1);
		const outputs = await session.run({ tokens: { type: 'float32', data: input.data, shape } }, wanted);
		wanted.forEach((name, i) => {
			const last = i === wanted.length - 1;
			findings.close(
				`frame${frame}.${last ? 'output' : `block${i}.output`}`,
				outputs[name]!.data as Float32Array,
			);
		});
	}
	return findings.finish();
}
