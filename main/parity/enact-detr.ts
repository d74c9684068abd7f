import { z } from 'zod';
import { rankQueries } from '../boxes/ranked-queries.ts';
import { type DetrConfig, rankingOf, readDetrConfig } from '../families/detr/config.ts';
import { detrPositions, emitDetr } from '../families/detr/network.ts';
import type { FeatureMap } from '../families/detr/parts.ts';
import { createRuntime } from '../runtime/onnx-runtime.ts';
import type { Size } from '../domain/video.ts';
import type { GraphTensor } from '../runtime/runtime.ts';
import { TensorAudit } from '../weights/tensor-audit.ts';
import { requireTensors } from '../weights/weights.ts';
import { CLUSTER_VALUES, compareClusters, numbersOf } from './enact-clustering.ts';
import { Findings, type Finding } from './findings.ts';
import { batchesSchema, casePart, caseTensor, type ParityCase } from './parity-case.ts';
import { runOnce } from '../runtime/loaded-graph.ts';
import { int64 } from '../runtime/tensors.ts';

type Outputs = Readonly<Record<string, GraphTensor>>;
/** Among the authors' own settings. */
const configSchema = z.looseObject({
	image_mean: z.tuple([z.number(), z.number(), z.number()]),
	image_std: z.tuple([z.number(), z.number(), z.number()]),
	inputs: batchesSchema,
});
type CaseConfig = z.infer<typeof configSchema>;

/** A whole model of ENACT's hosts, on every batch of pictures that the case has. */
export async function checkDetr(given: ParityCase): Promise<Finding[]> {
	const findings = new Findings(given);
	const caseConfig = casePart(given, 'config', configSchema);
	const place = `${given.folder}/weights.safetensors`;
	const config = readDetrConfig({ path: place, weights: given.weights, options: { args: caseConfig } });
	for (const [name, { images_hw }] of Object.entries(caseConfig.inputs)) {
		const sizes = images_hw.map(([height, width]) => ({ height, width }));
		const audit = new TensorAudit(given.weights, place, `checkpoint of ${config.title}`);
		const { graph, map } = emitDetr(config, audit.lookup, sizes, { clustered: true, taps: true });
		audit.finish();
		const feeds = {
			pictures: picturesOf(given, name, sizes, caseConfig),
			...(config.clustered && { 'cluster length': int64(0) }),
		};
		findings.input(...sizes.map((_, i) => `${name}.image.${i}`), `${name}.target_sizes`);
		const outputs = await runOnce(createRuntime(1), graph, feeds, outputNames(config));
		compareModel(findings, given, name, config, map, outputs);
	}
	return findings.finish();
}

function outputNames(config: DetrConfig): string[] {
	const each = (count: number) => Array.from({ length: count }, (_, i) => i);
	const clustered = [
		'attention',
		...(config.host === 'anchor-detr' ? ['k_row', 'k_col', 'v'] : ['k', 'v']),
		...CLUSTER_VALUES,
	];
	return [
		'backbone',
		'input_proj',
		...each(config.encoderLayers).flatMap((i) =>
			['output', ...(config.clustered ? clustered : [])].map((part) => `enc.${i}.${part}`),
		),
		...each(config.decoderLayers).map((i) => `dec.${i}.output`),
		...each(config.decoderLayers - 1).flatMap((i) => [`logits.${i}`, `boxes.${i}`]),
		'logits',
		'boxes',
	];
}

function compareModel(
	findings: Findings,
	given: ParityCase,
	name: string,
	config: DetrConfig,
	map: FeatureMap,
	outputs: Outputs,
): void {
	const close = (part: string, output = part) =>
		findings.close(`${name}.${part}`, numbersOf(outputs, output));
	const tokens = map.rows * map.cols;
	const isAnchor = config.host === 'anchor-detr';
	/** [batch, tokens, dim] as the case states it: Anchor DETR's layers give [batch, dim, rows, cols]. */
	const channelsFirst = (rows: number[]) => turnEach(rows, map.batch, tokens, config.dim);

	close('backbone');
	findings.equal(`${name}.mask`, map.padding ?? new Uint8Array(map.batch * tokens));
	if (!isAnchor) {
		const positions = Array.from(
			detrPositions({ tensor: requireTensors(given.weights, given.folder) }, config, map),
		);
		findings.close(`${name}.pos_embed`, channelsFirst(positions));
	}
	close('input_proj');
	for (let i = 0; i < config.encoderLayers; i++) {
		const rows = numbersOf(outputs, `enc.${i}.output`);
		findings.close(`${name}.enc.${i}.output`, isAnchor ? channelsFirst(rows) : rows);
		if (!config.clustered) continue;
		for (const part of ['attention', ...(isAnchor ? ['k_row', 'k_col', 'v'] : ['k', 'v'])])
			close(`enc.${i}.${part}`);
		compareClusters(findings, `${name}.enc.${i}.`, outputs, `enc.${i}.`);
	}
	for (let i = 0; i < config.decoderLayers; i++) close(`dec.${i}.output`);
	for (const part of ['logits', 'boxes']) {
		const all = Array.from({ length: config.decoderLayers }, (_, i) =>
			numbersOf(outputs, i === config.decoderLayers - 1 ? part : `${part}.${i}`),
		);
		findings.close(`${name}.all_${part}`, all.flat());
		close(`pred_${part}`, part);
	}
	comparePostProcessing(findings, given, name, config, outputs);
}

function comparePostProcessing(
	findings: Findings,
	given: ParityCase,
	name: string,
	config: DetrConfig,
	outputs: Outputs,
): void {
	const sizes = caseTensor(given, `${name}.target_sizes`);
	const batch = sizes.shape[0]!;
	const part = (output: string, n: number) => {
		const all = Float32Array.from(numbersOf(outputs, output));
		return all.subarray((n * all.length) / batch, ((n + 1) * all.length) / batch);
	};
	const pictures = Array.from({ length: batch }, (_, n) => {
		const size = { height: sizes.data[2 * n]!, width: sizes.data[2 * n + 1]! };
		return rankQueries({ logits: part('logits', n), boxes: part('boxes', n) }, size, rankingOf(config));
	});
	findings.equal(
		`${name}.post.labels`,
		pictures.flatMap(({ labels }) => [...labels]),
	);
	findings.close(
		`${name}.post.scores`,
		pictures.flatMap(({ scores }) => [...scores]),
	);
	findings.close(
		`${name}.post.boxes`,
		pictures.flatMap(({ boxesXyxy }) => [...boxesXyxy]),
	);
}

/** The case's pictures [3, height, width], 0 to 255, normalised and padded with 0 to a batch. */
function picturesOf(
	given: ParityCase,
	name: string,
	sizes: readonly Size[],
	config: CaseConfig,
): GraphTensor {
	const width = Math.max(...sizes.map((size) => size.width));
	const height = Math.max(...sizes.map((size) => size.height));
	const data = new Float32Array(sizes.length * 3 * height * width);
	sizes.forEach((size, n) => {
		const pixels = caseTensor(given, `${name}.image.${n}`).data;
		for (let channel = 0; channel < 3; channel++) {
			const [mean, std] = [config.image_mean[channel]!, config.image_std[channel]!];
			for (let y = 0; y < size.height; y++) {
				const from = (channel * size.height + y) * size.width;
				const to = ((n * 3 + channel) * height + y) * width;
				for (let x = 0; x < size.width; x++) data[to + x] = (pixels[from + x]! / 255 - mean) / std;
			}
		}
	});
	return { type: 'float32', data, shape: [sizes.length, 3, height, width] };
}

/** [batch, a, b] -> [batch, b, a] */
function turnEach(values: readonly number[], batch: number, a: number, b: number): Float32Array {
	const turned = new Float32Array(values.length);
	for (let n = 0; n < batch; n++)
		for (let i = 0; i < a; i++)
			for (let j = 0; j < b; j++) turned[(n * b + j) * a + i] = values[(n * a + i) * b + j]!;
	return turned;
}
