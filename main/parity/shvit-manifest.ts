import { z } from 'zod';
import { SHVIT_VARIANTS } from '../backbones/shvit.ts';
import {
	readShvitConfig,
	type ClassifierConfig,
	type ShvitModelConfig,
	usedTensors,
} from '../families/shvit/config.ts';
import { classifierGraph } from '../families/shvit/classifier.ts';
import { auditTensors } from '../families/shvit/index.ts';
import { UserFacingError } from '../domain/errors.ts';
import { countOperations } from '../graph/operation-count.ts';
import type { Findings } from './findings.ts';
import { manifestWeights } from './manifest.ts';
import { casePart, type ParityCase } from './parity-case.ts';

const shapesSchema = z.record(z.string(), z.array(z.number()));
const sizesSchema = z.object({
	embed_dim: z.array(z.number()),
	depth: z.array(z.number()),
	partial_dim: z.array(z.number()),
	types: z.array(z.enum(['i', 's'])),
});
const modelsSchema = z.record(
	z.string(),
	z.object({
		config: z.union([sizesSchema, z.string()]),
		tensors: z.number(),
		parameters: z.number().optional(),
		state_dict: shapesSchema,
		fused_state_dict: shapesSchema.optional(),
	}),
);
type Shapes = z.infer<typeof shapesSchema>;

/** Read by no network: a counter of training steps beside every batch norm. */
const COUNTER = 'num_batches_tracked';
/** Boxes do without masks. */
const MASKS = /^roi_head\.mask_head\./;
const BUFFER = /\.(running_mean|running_var)$/;

/** Whether our networks ask for just the tensors that published models have, fused and not. */
export function shvitManifest(given: ParityCase, findings: Findings): void {
	for (const [model, manifest] of Object.entries(casePart(given, 'models', modelsSchema))) {
		const { config, asked } = compareList(findings, model, manifest.state_dict, manifest.tensors);
		if (manifest.fused_state_dict) compareList(findings, `${model} fused`, manifest.fused_state_dict, null);
		if (manifest.parameters !== undefined) {
			const masks = Object.entries(manifest.state_dict).filter(([name]) => MASKS.test(name));
			const learned = [...asked].filter(([name]) => isLearned(name));
			const parameters = [...learned, ...masks].reduce((sum, [, shape]) => sum + sizeOf(shape), 0);
			findings.equalTo(`${model}: parameters`, [parameters], [manifest.parameters]);
		}
		if (typeof manifest.config === 'string') continue;
		const { embed_dim, depth, partial_dim, types } = manifest.config;
		const { stages } = config.backbone;
		findings.equalTo(
			`${model}: widths and blocks`,
			stages.flatMap(({ width, blocks }) => [width, blocks]),
			embed_dim.flatMap((width, i) => [width, depth[i]!]),
		);
		findings.equalTo(
			`${model}: channels in attention`,
			stages.map(({ attention }) => attention?.partial ?? 0),
			partial_dim.map((partial, i) => (types[i] === 's' ? partial : 0)),
		);
	}
}

function compareList(
	findings: Findings,
	model: string,
	shapes: Shapes,
	entries: number | null,
): { config: ShvitModelConfig; asked: ReadonlyMap<string, readonly number[]> } {
	const weights = usedTensors(manifestWeights({ tensors: shapes }));
	const config = readShvitConfig(weights, model);
	const { asked } = auditTensors(config, weights, model);
	const expected = Object.keys(shapes).filter((name) => !name.endsWith(COUNTER) && !MASKS.test(name));
	const names = [...new Set([...expected, ...asked.keys()])];
	const wrong = names.filter((name) => String(asked.get(name)) !== String(shapes[name]));
	findings.equalTo(`${model}: names and shapes${wrong[0] ? ` (${wrong[0]})` : ''}`, [wrong.length], [0]);
	if (entries !== null) {
		const unread = Object.keys(shapes).filter((name) => MASKS.test(name)).length;
		findings.equalTo(`${model}: tensors`, [asked.size + countersFor(asked) + unread], [entries]);
	}
	return { config, asked };
}

const rowsSchema = z.array(
	z.object({
		model: z.string(),
		resolution: z.number(),
		reference: z.object({
			params: z.number(),
			params_fused: z.number(),
			params_distillation: z.number(),
			buffers: z.number(),
			macs: z.object({ linear: z.number(), total: z.number() }),
			macs_fused: z.object({ linear: z.number(), total: z.number() }),
		}),
	}),
);

const CLASSES = 1000;

/** Parameters and multiply-adds of S1 to S4, counted by the graphs that run. */
export function shvitTable(given: ParityCase, findings: Findings): void {
	for (const { model, resolution, reference } of casePart(given, 'rows', rowsSchema)) {
		const plain = sizesOf(model, resolution, { fused: false, heads: ['head'] });
		const fused = sizesOf(model, resolution, { fused: true, heads: ['head'] });
		const distilled = sizesOf(model, resolution, { fused: false, heads: ['head', 'head_dist'] });
		findings.equalTo(`${model}: params`, [plain.learned], [reference.params]);
		findings.equalTo(`${model}: params_fused`, [fused.learned], [reference.params_fused]);
		findings.equalTo(`${model}: params_distillation`, [distilled.learned], [reference.params_distillation]);
		findings.equalTo(`${model}: buffers`, [plain.buffers], [reference.buffers]);
		findings.equalTo(
			`${model}: macs, macs_fused`,
			[plain.macs, fused.macs],
			[reference.macs.total, reference.macs_fused.total],
		);
		// A second head adds one more linear layer, and nothing else.
		findings.equalTo(`${model}: macs of the head`, [distilled.macs - plain.macs], [reference.macs.linear]);
	}
}

function sizesOf(
	model: string,
	resolution: number,
	{ fused, heads }: { fused: boolean; heads: readonly string[] },
): { learned: number; buffers: number; macs: number } {
	const variant = SHVIT_VARIANTS.find(({ name }) => name === model.replace(/^shvit_s/, 'SHViT-S'));
	if (!variant) throw new UserFacingError('file-unreadable', `case.json: ${model} is no published SHViT.`);
	const backbone = { prefix: '', fused, stages: variant.stages };
	const head: ClassifierConfig = { kind: 'classifier', classes: CLASSES, heads };
	const asked = new Map<string, readonly number[]>();
	const { graph } = classifierGraph(
		{ title: model, backbone, head },
		[1, 3, resolution, resolution],
		(name, shape) => {
			asked.set(name, shape);
			return { data: new Float32Array(sizeOf(shape)), shape };
		},
	);
	const total = (names: readonly string[]) => names.reduce((sum, name) => sum + sizeOf(asked.get(name)!), 0);
	const names = [...asked.keys()];
	return {
		learned: total(names.filter(isLearned)),
		buffers: total(names.filter((name) => BUFFER.test(name))) + countersFor(asked),
		macs: countOperations(graph.operations, {}),
	};
}

function isLearned(name: string): boolean {
	return !BUFFER.test(name) && !name.endsWith(COUNTER);
}

function countersFor(asked: ReadonlyMap<string, unknown>): number {
	return [...asked.keys()].filter((name) => name.endsWith('.running_mean')).length;
}

function sizeOf(shape: readonly number[]): number {
	return shape.reduce((size, dim) => size * dim, 1);
}
