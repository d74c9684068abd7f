import { z } from 'zod';
import { createRuntime } from '../runtime/onnx-runtime.ts';
import { addCounts, noOperations, type OperationCounts, totalCount } from '../reduction/eventful/counts.ts';
import { EventfulBackbone, type FrameCounts } from '../reduction/eventful/eventful-backbone.ts';
import type { EventfulBlock } from '../reduction/eventful/eventful-block.ts';
import type { BlockMethod } from '../reduction/eventful/method.ts';
import type { GatePolicy } from '../reduction/eventful/policy.ts';
import { type BackboneShape, backbonePlan } from '../families/vitdet/backbone-plan.ts';
import type { VitPlan } from '../vit/plan.ts';
import { requireTensors } from '../weights/weights.ts';
import type { Findings } from './findings.ts';
import { publishedState } from './eventful-state.ts';
import { casePart, type ParityCase } from './parity-case.ts';

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
	matmul_2_cast: z.enum(['float16', 'bfloat16']).nullish(),
	gate_before_ln: z.boolean().nullish(),
	stgt: z.boolean().nullish(),
	// Works in training only.
	drop_path_rate: z.number().nullish(),
	ats_fraction: z.null().optional(),
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
	windowed_overrides: blockSchema.partial().nullish(),
	block_config: blockSchema,
	has_class_token: z.boolean().nullish(),
});
export type BackboneCase = z.infer<typeof backboneSchema>;

/** A case's backbone as a plan; `embed` is what a family puts before it. */
export function planOfCase(
	config: BackboneCase,
	given: { prefix: string; classToken: boolean },
	embed: Pick<VitPlan, 'embedPicture' | 'embedWindows' | 'embedExtra'> = noEmbedding,
): VitPlan {
	const [rows, cols] = config.input_size;
	const { dim, heads, mlp_ratio: mlpRatio } = config.block_config;
	const { prefix, classToken } = given;
	const grid = { rows, cols, stride: 1, windowSize: 1, windowOffset: 0 };
	const shape = { name: 'backbone', prefix, grid, classToken, dim, heads, mlpRatio, ...shapeOfCase(config) };
	return backbonePlan(shape, embed);
}

/** What a case's backbone knows of positions and of each block. */
export function shapeOfCase(config: BackboneCase): Pick<BackboneShape, 'positionSize' | 'blocks'> {
	return {
		positionSize: extent(config.position_encoding_size)!,
		blocks: Array.from({ length: config.depth }, (_, i) => {
			const block = configOfBlock(config, i);
			return {
				window: extent(block.window_size),
				relativeSize: extent(block.relative_embedding_size),
				pool: extent(block.pool_size),
			};
		}),
	};
}

const noEmbedding = {
	embedPicture: beginsWithTokens,
	embedWindows: beginsWithTokens,
	embedExtra: beginsWithTokens,
};

function beginsWithTokens(): never {
	throw new Error('Assertion failed: a backbone’s case begins with tokens');
}

/** The configuration of block i: a block out of `window_indices` has no window, one among them what the overrides say. */
export function configOfBlock(config: BackboneCase, i: number): BackboneCase['block_config'] {
	return config.window_indices?.includes(i)
		? blockSchema.parse({ ...config.block_config, ...config.windowed_overrides })
		: { ...config.block_config, window_size: null };
}

function extent(size: [number, number] | null | undefined) {
	return size ? { rows: size[0], cols: size[1] } : null;
}

/** How block i of a case works over time. */
export function methodOfBlock(config: BackboneCase, i: number): BlockMethod {
	const windowed = config.window_indices?.includes(i) ?? false;
	const name = (windowed ? config.windowed_class : null) ?? config.block_class;
	const block = configOfBlock(config, i);
	const gates = name === 'Block' ? 'none' : block.stgt ? 'frame' : 'token';
	const products = {
		Block: 'whole',
		EventfulTokenwiseBlock: 'whole',
		EventfulMatmul1Block: 'query-key',
		EventfulBlock: 'delta',
	} as const;
	return {
		gates,
		gateBeforeNorm: name !== 'Block' && (block.gate_before_ln ?? false),
		product: products[name],
		precision: block.matmul_2_cast ?? 'float32',
	};
}

/** Whether every block of a case computes all of every frame. */
export function isDense(config: BackboneCase): boolean {
	return Array.from({ length: config.depth }, (_, i) => methodOfBlock(config, i)).every(
		({ gates }) => gates === 'none',
	);
}

const policySchema = z.discriminatedUnion('type', [
	z.object({ type: z.literal('top_k'), k: z.number() }),
	z.object({ type: z.literal('threshold'), threshold: z.number() }),
	z.object({ type: z.literal('top_fraction'), fraction: z.number() }),
]);
const stepSchema = z.object({
	frame: z.number(),
	policy: policySchema.optional(),
	reset_before: z.boolean().optional(),
});
const countsSchema = z.record(z.string(), z.number());
const costSchema = z.object({
	per_frame: z.array(
		z.object({
			frame: z.number(),
			total: countsSchema,
			total_sum: z.number(),
			// Whole detectors state the sums alone.
			position_encoding: countsSchema.optional(),
			blocks: z.array(countsSchema).optional(),
		}),
	),
});

/** What a step of a case asks for before its frame. */
export type BackboneStep = { frame: number; policy: GatePolicy | null; reset: boolean };

/** A case's steps, in their order. */
export function stepsOfCase(given: ParityCase): BackboneStep[] {
	return casePart(given, 'steps', z.array(stepSchema).min(1)).map(
		({ frame, policy, reset_before: reset = false }) => ({
			frame,
			policy: policy ? policyOf(policy) : null,
			reset,
		}),
	);
}

function policyOf(policy: z.infer<typeof policySchema>): GatePolicy {
	switch (policy.type) {
		case 'top_k':
			return { kind: 'top-k', k: policy.k };
		case 'threshold':
			return { kind: 'threshold', threshold: policy.threshold };
		case 'top_fraction':
			return { kind: 'fraction', fraction: policy.fraction };
	}
}

/** Runs a case's backbone over frames: what the family's detector is held against goes the same way. */
export class BackboneRun {
	readonly #given: ParityCase;
	readonly #findings: Findings;
	readonly #plan: VitPlan;
	readonly #backbone: EventfulBackbone;
	#policy: GatePolicy = { kind: 'fraction', fraction: 1 };

	private constructor(given: ParityCase, findings: Findings, plan: VitPlan, backbone: EventfulBackbone) {
		this.#given = given;
		this.#findings = findings;
		this.#plan = plan;
		this.#backbone = backbone;
	}

	static async load(
		given: ParityCase,
		findings: Findings,
		config: BackboneCase,
		plan: VitPlan,
	): Promise<BackboneRun> {
		const weights = requireTensors(given.weights, given.folder);
		const methods = plan.blocks.map((_, i) => methodOfBlock(config, i));
		return new BackboneRun(
			given,
			findings,
			plan,
			await EventfulBackbone.load(plan, weights, createRuntime(1), methods),
		);
	}

	/**
	 * Runs one frame's tokens [tokens, dim] and compares what the case states of it: outputs of blocks, choices of gates and
	 * counts. Gives the tokens after the last block.
	 */
	async frame(step: BackboneStep, tokens: Float32Array): Promise<Float32Array> {
		if (step.reset) this.#backbone.reset();
		this.#policy = step.policy ?? this.#policy;
		const prefix = `frame${step.frame}.`;
		const counts = await this.#backbone.run(tokens, this.#policy, (i, after) => {
			const isLast = i === this.#plan.blocks.length - 1;
			for (const name of [`${prefix}block${i}.output`, ...(isLast ? [`${prefix}output`] : [])])
				if (this.#given.tensors.has(name)) this.#findings.close(name, after);
		});
		this.#backbone.blocks.forEach((block, i) => this.#compareGates(`${prefix}block${i}.`, block));
		this.#compareCounts(step.frame, counts);
		return this.#backbone.tokens;
	}

	/** Compares what is remembered after the last frame, and forgets it. */
	async finish(lastFrame: number): Promise<void> {
		this.#backbone.blocks.forEach((block, i) => {
			const state = publishedState(this.#plan, this.#plan.blocks[i]!, block);
			for (const [name, values] of Object.entries(state)) {
				const full = `frame${lastFrame}.state.block${i}.${name}`;
				if (this.#given.tensors.has(full)) this.#findings.close(full, values());
			}
		});
		await this.#backbone.release();
	}

	#compareGates(prefix: string, block: EventfulBlock): void {
		const { tensors } = this.#given;
		for (const [name, gate] of [
			['qkv_gate', block.gates.qkv],
			['projection_gate', block.gates.projection],
			['mlp_gate', block.gates.mlp],
		] as const) {
			if (!gate.isOpen) {
				if (tensors.has(`${prefix}${name}.indices`))
					this.#findings.sameSet(`${prefix}${name}.indices`, gate.indices.subarray(0, gate.count));
				if (tensors.has(`${prefix}${name}.error_norms`))
					this.#findings.close(`${prefix}${name}.error_norms`, gate.norms);
			}
		}
		if (block.method.product !== 'delta' || block.gates.qkv.isOpen) return;
		for (const name of ['v_gate', 'matmul_gate']) {
			const full = `${prefix}${name}.indices`;
			if (tensors.has(full)) this.#findings.sameSet(full, block.attention.changedKeys);
		}
	}

	#compareCounts(frame: number, counts: FrameCounts): void {
		const { per_frame } = casePart(this.#given, 'cost', costSchema);
		const cost = per_frame.find((entry) => entry.frame === frame);
		if (!cost) return;
		const [ours, theirs] = [
			(given: OperationCounts) => COUNT_NAMES.map(([name]) => given[name]),
			(given: Record<string, number>) => COUNT_NAMES.map(([, name]) => given[name] ?? 0),
		];
		const compare = (what: string, a: OperationCounts, b: Record<string, number>) =>
			this.#findings.equalTo(`frame${frame}.cost.${what}`, ours(a), theirs(b));
		if (cost.position_encoding) compare('position_encoding', counts.between, cost.position_encoding);
		cost.blocks?.forEach((block, i) => compare(`block${i}`, counts.blocks[i] ?? noOperations(), block));
		const total = counts.blocks.reduce(addCounts, counts.between);
		compare('total', total, cost.total);
		this.#findings.equalTo(`frame${frame}.cost.total_sum`, [totalCount(total)], [cost.total_sum]);
	}
}

const COUNT_NAMES = [
	['add', 'add_flops'],
	['bias', 'bias_flops'],
	['linear', 'linear_flops'],
	['matmul', 'matmul_flops'],
	['einsum', 'einsum_flops'],
	['gate', 'gate_flops'],
	['accumulator', 'accumulator_flops'],
] as const;
