import { z } from 'zod';
import { rankQueries } from '../boxes/ranked-queries.ts';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { existsSync } from 'node:fs';
import { attentionMap, keptFractions, mostAttended } from '../families/sparse-detr/attention-map.ts';
import { readConfig } from '../families/sparse-detr/config.ts';
import { inverseSigmoid } from '../families/sparse-detr/decoder.ts';
import { DeformableAttention, type References } from '../families/sparse-detr/deformable-attention.ts';
import { layPyramid, maskPyramid, type Pyramid, tokenProposals } from '../families/sparse-detr/pyramid.ts';
import { embedBoxes } from '../families/sparse-detr/queries.ts';
import { projectTokens, scoreTokens } from '../families/sparse-detr/scoring.ts';
import { askForTensors } from '../families/sparse-detr/tensors.ts';
import { UserFacingError } from '../domain/errors.ts';
import { createRuntime } from '../runtime/onnx-runtime.ts';
import { GraphBuilder, type Value } from '../graph/graph-builder.ts';
import type { GraphTensor } from '../runtime/runtime.ts';
import { Layers } from '../graph/layers.ts';
import { parseCheckpoint } from '../weights/checkpoint.ts';
import type { ElementType } from '../weights/element-types.ts';
import type { WeightTensor } from '../weights/safetensors.ts';
import { TensorAudit } from '../weights/tensor-audit.ts';
import { readTorchFile } from '../weights/torch-checkpoint.ts';
import { TorchTensor } from '../weights/torch-tensor.ts';
import { requireTensors } from '../weights/weights.ts';
import { Findings } from './findings.ts';
import type { ParitySystem } from './parity-system.ts';
import { compareManifest, manifestSchema, manifestsOf, manifestWeights } from './manifest.ts';
import { casePart, caseTensor, type ParityCase } from './parity-case.ts';
import { runOnce } from '../runtime/loaded-graph.ts';

/** How to compare a case of one part of the network; null where the case is of a whole one. */
export function sparseDetrPart(given: ParityCase): ParitySystem | null {
	if (given.description['manifests']) return manifests;
	if (CHECKPOINT_FILES.some((name) => existsSync(join(given.folder, name)))) return checkpoint;
	const part = PARTS.find(([tensor]) => given.tensors.has(tensor));
	return part ? part[1] : null;
}

/** The same checkpoint in both formats of torch.save. */
const CHECKPOINT_FILES = ['checkpoint.pth', 'checkpoint-legacy.pth'];

/** By a tensor that only cases of the part have. */
const PARTS: readonly [tensor: string, system: ParitySystem][] = [
	['flat_grid', samplingMaps],
	['layer1', maskPredictor],
	['out2', attention],
	['output_proposals', proposals],
	['inv.x', functions],
];

/** Builds a small graph with the network's own parts and runs it on tensors of the case. */
class PartGraph {
	readonly graph = new GraphBuilder();
	readonly layers: Layers;
	readonly #case: ParityCase;
	readonly #feeds: Record<string, GraphTensor> = {};

	constructor(given: ParityCase) {
		this.#case = given;
		this.layers = new Layers(this.graph, requireTensors(given.weights, given.folder));
	}

	/** A tensor of the case in another shape of as many numbers; one size may be −1. */
	input(name: string, shape: readonly number[]): Value {
		const { data } = caseTensor(this.#case, name);
		const known = shape.reduce((size, dim) => (dim < 0 ? size : size * dim), 1);
		const full = shape.map((dim) => (dim < 0 ? data.length / known : dim));
		this.#feeds[name] = { type: 'float32', data, shape: full };
		return this.graph.input(name, 'float32', full);
	}

	async run(outputs: Readonly<Record<string, Value>>): Promise<Record<string, Float32Array>> {
		for (const [name, value] of Object.entries(outputs)) this.graph.output(name, value);
		const graph = this.graph.compile('part');
		const results = await runOnce(createRuntime(1), graph, this.#feeds, Object.keys(outputs));
		return Object.fromEntries(
			Object.entries(results).map(([name, { data }]) => [name, data as Float32Array]),
		);
	}
}

async function maskPredictor(given: ParityCase) {
	const findings = new Findings(given);
	const [batch, each, dim] = caseTensor(given, 'x').shape as [number, number, number];
	const part = new PartGraph(given);
	const { hidden, scores } = scoreTokens(part.layers, '', part.input('x', [-1, dim]), { batch, each });
	const results = await part.run({ layer1: hidden, score: scores });
	findings.input('x');
	findings.close('layer1', results['layer1']!);
	findings.close('score', results['score']!);
	return findings.finish();
}

async function proposals(given: ParityCase) {
	const findings = new Findings(given);
	const pyramid = maskedPyramid(given, findings, caseTensor(given, 'mask_flatten').data);
	const dim = caseTensor(given, 'memory').shape[2]!;
	const part = new PartGraph(given);
	const found = tokenProposals(pyramid);
	const usable = part.graph.constant('usable', { data: found.usable, shape: [found.usable.length, 1] });
	const projected = projectTokens(part.layers, '', part.input('memory', [-1, dim]), usable);
	const results = await part.run({ projected });
	findings.input('memory');
	findings.close('output_memory', results['projected']!);
	findings.close('output_proposals', found.logits);
	findings.equal('valid_token_nums', pyramid.realTokens);
	return findings.finish();
}

const attentionSchema = z.object({ d_model: z.number(), n_heads: z.number(), n_points: z.number() });

async function attention(given: ParityCase) {
	const findings = new Findings(given);
	const { d_model: dim, n_heads: heads, n_points: points } = casePart(given, 'config', attentionSchema);
	const padding = caseTensor(given, 'mask_flatten').data;
	findings.input('query', 'value', 'ref2', 'ref4');
	for (const [numbers, mask] of [
		[2, padding],
		[4, padding.map(() => 0)],
	] as const) {
		const pyramid = maskedPyramid(given, findings, mask);
		const part = new PartGraph(given);
		const { out, samples } = new DeformableAttention(part.layers, pyramid, { dim, heads }).attend(
			'',
			points,
			{
				query: part.input('query', [-1, dim]),
				references: references(part, `ref${numbers}`, numbers, pyramid.levels.length, points),
				tokens: part.input('value', [-1, dim]),
			},
		);
		const results = await part.run({ out, x: samples.x, y: samples.y, weight: samples.weight });
		findings.close(`out${numbers}`, results['out']!);
		const locations = Array.from(results['x']!).flatMap((x, i) => [x, results['y']![i]!]);
		if (given.tensors.has(`locations${numbers}`)) findings.close(`locations${numbers}`, locations);
		if (given.tensors.has(`weights${numbers}`)) findings.close(`weights${numbers}`, results['weight']!);
	}
	return findings.finish();
}

/** [rows, levels, 2 or 4] -> a plane per number, once for each point. */
function references(
	part: PartGraph,
	name: string,
	numbers: number,
	levels: number,
	points: number,
): References {
	const { layers, graph } = part;
	const perLevel = layers.split(part.input(name, [-1, levels, numbers]), Array<number>(numbers).fill(1));
	const places = levels * points;
	const order = BigInt64Array.from({ length: places }, (_, i) => BigInt(Math.floor(i / points)));
	const spread = perLevel.map((plane) => {
		const rows = plane.shape[0]!;
		const flat = layers.reshape(plane, [rows, 1, levels]);
		const indices = graph.constant('level-of-place', { data: order, shape: [places] });
		return graph.op('Gather', [flat, indices], { shape: [rows, 1, places] }, { attributes: { axis: 2 } });
	});
	const [x, y, width, height] = spread;
	return width && height ? { x: x!, y: y!, width, height } : { x: x!, y: y! };
}

const functionsSchema = z.object({ num_pos_feats: z.number() });

async function functions(given: ParityCase) {
	const findings = new Findings(given);
	const { num_pos_feats: features } = casePart(given, 'config', functionsSchema);
	const part = new PartGraph(given);
	const fractions = part.layers.sigmoid(part.input('pos.proposals_unact', [-1, 4]));
	const embedded = embedBoxes(part.layers, fractions, features);
	const inverse = inverseSigmoid(part.layers, part.input('inv.x', [-1]));
	const results = await part.run({ embedded, inverse });
	findings.input('pos.proposals_unact', 'inv.x', 'post.logits', 'post.boxes_cxcywh', 'post.target_sizes');
	findings.close('pos.embedding', results['embedded']!);
	findings.close('inv.y', results['inverse']!);

	const logits = caseTensor(given, 'post.logits');
	const boxes = caseTensor(given, 'post.boxes_cxcywh').data;
	const sizes = caseTensor(given, 'post.target_sizes').data;
	const [batch, queries, classes] = logits.shape as [number, number, number];
	const count = caseTensor(given, 'post.scores').shape[1]!;
	const ranked = Array.from({ length: batch }, (_, n) =>
		rankQueries(
			{
				logits: logits.data.subarray(n * queries * classes, (n + 1) * queries * classes),
				boxes: boxes.subarray(4 * n * queries, 4 * (n + 1) * queries),
			},
			{ height: sizes[2 * n]!, width: sizes[2 * n + 1]! },
			{ scores: 'sigmoid', most: count },
		),
	);
	findings.close(
		'post.scores',
		ranked.flatMap(({ scores }) => [...scores]),
	);
	findings.equal(
		'post.labels',
		ranked.flatMap(({ labels }) => [...labels]),
	);
	findings.close(
		'post.boxes',
		ranked.flatMap(({ boxesXyxy }) => [...boxesXyxy]),
	);
	return findings.finish();
}

/** The tokens of a case that states its levels and what is padding. */
function maskedPyramid(given: ParityCase, findings: Findings, padding: ArrayLike<number>): Pyramid {
	findings.input('spatial_shapes', 'level_start_index', 'mask_flatten');
	const sizes = caseTensor(given, 'spatial_shapes').data;
	const levels = Array.from({ length: sizes.length / 2 }, (_, level) => ({
		rows: sizes[2 * level]!,
		cols: sizes[2 * level + 1]!,
	}));
	const batch = padding.length / levels.reduce((sum, { rows, cols }) => sum + rows * cols, 0);
	const pyramid = layPyramid({ batch, height: 1, width: 1, padding: null }, levels);
	return maskPyramid(pyramid, Uint8Array.from(padding));
}

async function samplingMaps(given: ParityCase) {
	const findings = new Findings(given);
	const weights = caseTensor(given, 'attention_weights');
	const places = caseTensor(given, 'sampling_locations').data;
	const [batch, layers, queries, heads, , points] = weights.shape as [
		number,
		number,
		number,
		number,
		number,
		number,
	];
	const padding = caseTensor(given, 'mask_flatten').data;
	const { levels, tokens } = maskedPyramid(given, findings, padding);
	findings.input('attention_weights', 'sampling_locations', 'keep_nums', 'topk_inds');

	const row = levels.length * points;
	/** One head's samples of one picture in one layer. */
	const samples = (n: number, layer: number, head: number) => {
		const at = Array.from({ length: queries * row }, (_, i) => {
			const query = Math.floor(i / row);
			return (((n * layers + layer) * queries + query) * heads + head) * row + (i % row);
		});
		return {
			x: at.map((i) => places[2 * i]!),
			y: at.map((i) => places[2 * i + 1]!),
			weight: at.map((i) => weights.data[i]!),
		};
	};
	const pictures = Array.from({ length: batch }, (_, n) => {
		const maps = Array.from({ length: layers * heads }, (_, i) =>
			attentionMap(samples(n, Math.floor(i / heads), i % heads), levels, points),
		);
		const sum = maps.reduce((all, map) => all.map((value, token) => value + map[token]!));
		return { maps, sum };
	});
	findings.close(
		'flat_grid',
		pictures.flatMap(({ maps }) => maps.flatMap((map) => [...map])),
	);
	findings.close(
		'dam_sum',
		pictures.flatMap(({ sum }) => [...sum]),
	);

	const counts = caseTensor(given, 'keep_nums').data;
	const kept = caseTensor(given, 'topk_inds');
	const chosen = pictures.map((_, n) => {
		const grid = new Uint8Array(tokens);
		for (const token of kept.data.subarray(n * kept.shape[1]!, (n + 1) * kept.shape[1]!)) grid[token] = 1;
		return grid;
	});
	const targets = pictures.map(({ sum }, n) =>
		mostAttended(sum, padding.subarray(n * tokens, (n + 1) * tokens), counts[n]!),
	);
	findings.equal(
		'target',
		targets.flatMap((target) => [...target]),
	);
	findings.equal(
		'topk_grid',
		chosen.flatMap((grid) => [...grid]),
	);
	const fractions = pictures.map(({ sum }, n) => keptFractions(sum, chosen[n]!, levels));
	findings.close(
		'corr',
		fractions[0]!.flatMap((_, i) => fractions.map((fraction) => fraction[i]!)),
	);
	return findings.finish();
}

async function manifests(given: ParityCase) {
	const findings = new Findings(given);
	for (const manifest of manifestsOf(given, manifestSchema)) {
		const weights = manifestWeights(manifest);
		const config = readConfig(weights, manifest.config, manifest.model);
		const audit = new TensorAudit(weights, manifest.model, 'Sparse DETR');
		askForTensors(config, audit.lookup);
		compareManifest(findings, manifest, audit.asked);
	}
	return findings.finish();
}

const checkpointSchema = z.object({
	keys: z.array(z.string()),
	epoch: z.number(),
	args: z.looseObject({}),
	extra_dtypes: z.record(z.string(), z.string()),
	extra_strides: z.record(z.string(), z.array(z.number())),
});

async function checkpoint(given: ParityCase) {
	const findings = new Findings(given);
	const stated = casePart(given, 'config', checkpointSchema);
	for (const file of CHECKPOINT_FILES) {
		const bytes = await readFile(join(given.folder, file)).catch(() => null);
		if (!bytes) continue;
		const place = join(given.folder, file);
		const { keys, extra } = contentsOf(readTorchFile(bytes, place), place);
		const { weights, options } = parseCheckpoint(bytes, place);
		const tensors = new Map<string, WeightTensor>([
			...[...weights].map(([name, tensor]) => [`model.${name}`, tensor] as const),
			...[...extra].map(([name, tensor]) => [`extra.${name}`, tensor.toWeight()] as const),
		]);
		for (const [name, expected] of given.tensors) {
			findings.input(name);
			const { data, shape } = tensors.get(name) ?? { data: [], shape: [] };
			findings.equalTo(`${file}: ${name}`, [...shape, ...data], [...expected.shape, ...expected.data]);
		}
		findings.equalTo(`${file}: tensors`, [tensors.size], [given.tensors.size]);
		const same = (what: string, actual: unknown, expected: unknown) =>
			findings.equalTo(`${file}: ${what}`, characters(actual), characters(expected));
		same('keys', keys, stated.keys);
		same('epoch', options?.['epoch'], stated.epoch);
		same('args', options?.['args'], stated.args);
		const of = (part: (tensor: TorchTensor) => unknown) =>
			Object.fromEntries([...extra].map(([name, tensor]) => [name, part(tensor)]));
		same(
			'types',
			of(({ storage }) => TORCH_TYPES[storage.type]),
			stated.extra_dtypes,
		);
		same(
			'strides',
			of(({ strides }) => strides),
			stated.extra_strides,
		);
	}
	return findings.finish();
}

/** A checkpoint's own keys, and its tensors beside the model's. */
function contentsOf(root: unknown, place: string): { keys: unknown[]; extra: Map<string, TorchTensor> } {
	const contents = root instanceof Map ? (root as Map<unknown, unknown>) : new Map<unknown, unknown>();
	const { data: extra } = z.map(z.string(), z.instanceof(TorchTensor)).safeParse(contents.get('extra'));
	if (!extra)
		throw new UserFacingError('file-unreadable', `${place} must have a dictionary of tensors as "extra".`);
	return { keys: [...contents.keys()], extra };
}

const TORCH_TYPES: Readonly<Record<ElementType, string>> = {
	F64: 'torch.float64',
	F32: 'torch.float32',
	F16: 'torch.float16',
	BF16: 'torch.bfloat16',
	I64: 'torch.int64',
	I32: 'torch.int32',
	I16: 'torch.int16',
	I8: 'torch.int8',
	U8: 'torch.uint8',
	BOOL: 'torch.bool',
};

/** Plain data as numbers that can be compared: the characters of their JSON, keys in order. */
function characters(value: unknown): number[] {
	const ordered = (_: string, part: unknown): unknown =>
		typeof part === 'object' && part !== null && !Array.isArray(part)
			? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
			: part;
	return Array.from(JSON.stringify(value, ordered) ?? '', (character) => character.codePointAt(0)!);
}
