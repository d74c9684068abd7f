import { z } from 'zod';
import { UserFacingError } from '../domain/errors.ts';
import { GraphBuilder } from '../graph/graph-builder.ts';
import type { GraphTensor } from '../runtime/runtime.ts';
import { Layers } from '../graph/layers.ts';
import { AttentionLayers } from '../families/detr/attention.ts';
import { createRuntime } from '../runtime/onnx-runtime.ts';
import { type EntropyClusters, gaussianTaps } from '../vit/enact-clustering.ts';
import { requireTensors } from '../weights/weights.ts';
import { Findings, type Finding } from './findings.ts';
import { casePart, caseTensor, type ParityCase } from './parity-case.ts';
import { runOnce } from '../runtime/loaded-graph.ts';

/** Values of a clustering that must be equal, and those that must be close. */
const EQUAL = ['sign', 'boundaries', 'regions', 'cluster_length', 'used_range'];
const CLOSE = ['prob', 'entropy', 'smoothed', 'second_derivative', 'mean_region', 'weights'];
export const CLUSTER_VALUES = [...EQUAL, ...CLOSE];
/** What a clustering alone is given, the keys that it is made from first, and what it makes of them. */
const INPUTS = ['k_row', 'k_col', 'value'];
const RESULTS = ['out.k_row', 'out.k_col', 'out.v'];

type Outputs = Readonly<Record<string, GraphTensor>>;

const clusteringSchema = z.object({
	cases: z.record(
		z.string(),
		z.object({
			sigma: z.number(),
			cluster_length: z.number(),
			clusters: z.number(),
			dropped_left: z.number(),
			dropped_right: z.number(),
			kernel_length: z.number(),
		}),
	),
});
const attentionSchema = z.object({ n_heads: z.number(), sigma: z.number(), batch: z.number() });

/** The clustering alone, one graph per input that the case names. */
export async function checkClustering(given: ParityCase): Promise<Finding[]> {
	const findings = new Findings(given);
	const { cases } = casePart(given, 'config', clusteringSchema);
	for (const [name, config] of Object.entries(cases)) {
		const taps = gaussianTaps(config.sigma);
		findings.close(`${name}.kernel`, taps);
		findings.input(...[...INPUTS, 'W_prob.weight', 'W_prob.bias'].map((part) => `${name}.${part}`));
		const outputs = await runClustering(given, name, config.sigma);
		compareClusters(findings, `${name}.`, outputs);
		for (const part of RESULTS) findings.close(`${name}.${part}`, numbersOf(outputs, `${name}.${part}`));

		const tokens = caseTensor(given, `${name}.k_row`).shape[1]!;
		const [length] = numbersOf(outputs, `${name}.cluster_length`) as [number];
		const [first, end] = numbersOf(outputs, `${name}.used_range`) as [number, number];
		findings.equalTo(
			`${name}: length, clusters, dropped left and right, taps`,
			[length, (end - first) / length, first, tokens - end, taps.length],
			[
				config.cluster_length,
				config.clusters,
				config.dropped_left,
				config.dropped_right,
				config.kernel_length,
			],
		);
	}
	return findings.finish();
}

async function runClustering(given: ParityCase, name: string, sigma: number): Promise<Outputs> {
	const shape = caseTensor(given, `${name}.k_row`).shape;
	const [batch] = shape as [number];
	const graph = new GraphBuilder();
	const lookup = requireTensors(given.tensors, `${given.folder}/tensors.safetensors`);
	const parts = new AttentionLayers(new Layers(graph, lookup), batch);
	const inputs = INPUTS.map((part) => graph.input(part, 'float32', shape));
	const clusters = parts.clusters(`${name}.W_prob`, name, parts.toRows(inputs[0]!), { sigma });
	outputClusters(clusters, `${name}.`);
	RESULTS.forEach((part, i) => graph.output(`${name}.${part}`, clusters.gather(inputs[i]!)));
	const feeds = INPUTS.map((part) => {
		const { data } = caseTensor(given, `${name}.${part}`);
		return [part, { type: 'float32', data, shape } as const] as const;
	});
	return runOnce(createRuntime(1), graph.compile(name), Object.fromEntries(feeds), [
		...clusterOutputs(`${name}.`),
		...RESULTS.map((part) => `${name}.${part}`),
	]);
}

/** The attention module of ENACT's DETR and Conditional DETR alone. */
export async function checkClusteredAttention(given: ParityCase): Promise<Finding[]> {
	const findings = new Findings(given);
	const { n_heads: heads, sigma, batch } = casePart(given, 'config', attentionSchema);
	const graph = new GraphBuilder();
	const lookup = requireTensors(given.weights, `${given.folder}/weights.safetensors`);
	const parts = new AttentionLayers(new Layers(graph, lookup), batch);
	const feeds: Record<string, GraphTensor> = {};
	const [queries, keys, values] = ['q', 'k', 'v'].map((part) => {
		const tensor = caseTensor(given, `in.${part}`);
		const [tokens, , width] = tensor.shape as [number, number, number];
		findings.input(`in.${part}`);
		const shape = [batch * tokens, width];
		feeds[part] = { type: 'float32', data: swapFirstAxes(tensor.data, tensor.shape), shape };
		return graph.input(part, 'float32', shape);
	});
	const clusters = parts.clusters('W_prob', 'c', keys!, { sigma });
	outputClusters(clusters, 'c.');
	graph.output('out.k', clusters.gather(parts.byPicture(keys!)));
	graph.output('out.v', clusters.gather(parts.byPicture(values!)));
	graph.output('attention', parts.clustered('', heads, queries!, keys!, values!, clusters));
	const outputs = await runOnce(createRuntime(1), graph.compile(given.name), feeds, [
		...clusterOutputs('c.'),
		'out.k',
		'out.v',
		'attention',
	]);
	compareClusters(findings, 'c.', outputs);
	for (const part of ['out.k', 'out.v']) findings.close(part, numbersOf(outputs, part));
	const [tokens, , width] = caseTensor(given, 'attention').shape as [number, number, number];
	findings.close(
		'attention',
		swapFirstAxes(Float32Array.from(numbersOf(outputs, 'attention')), [batch, tokens, width]),
	);
	return findings.finish();
}

/** Compares all values of a clustering whose outputs and case tensors begin with `prefix`. */
export function compareClusters(
	findings: Findings,
	prefix: string,
	outputs: Outputs,
	outputPrefix = prefix,
): void {
	for (const part of EQUAL) findings.equal(`${prefix}${part}`, numbersOf(outputs, `${outputPrefix}${part}`));
	for (const part of CLOSE) findings.close(`${prefix}${part}`, numbersOf(outputs, `${outputPrefix}${part}`));
}

function outputClusters(clusters: EntropyClusters, prefix: string): void {
	clusters.output(prefix);
	clusters.outputSignal(prefix);
}

function clusterOutputs(prefix: string): string[] {
	return CLUSTER_VALUES.map((part) => `${prefix}${part}`);
}

/** An output's numbers, whatever their type. */
export function numbersOf(outputs: Outputs, name: string): number[] {
	const tensor = outputs[name];
	if (!tensor)
		throw new UserFacingError('file-unreadable', `The graph gives no ${name}, which the case states.`);
	return Array.from<number | bigint>(tensor.data).map(Number);
}

/** [a, b, width] -> [b, a, width] */
function swapFirstAxes(data: Float32Array, shape: readonly number[]): Float32Array {
	const [a, b, width] = shape as [number, number, number];
	const swapped = new Float32Array(data.length);
	for (let i = 0; i < a; i++)
		for (let j = 0; j < b; j++)
			swapped.set(data.subarray((i * b + j) * width, (i * b + j + 1) * width), (j * a + i) * width);
	return swapped;
}
