import { BEST_HUNDRED } from '../boxes/ranked-queries.ts';
import type { SparseDetrConfig } from '../families/sparse-detr/config.ts';
import { compileSparseDetr } from '../families/sparse-detr/graph.ts';
import { PROCESSOR_KINDS } from '../families/hugging-face/processor.ts';
import { openHuggingFaceDeformableDetr } from '../families/sparse-detr/hugging-face.ts';
import type { Pyramid } from '../families/sparse-detr/pyramid.ts';
import { createRuntime } from '../runtime/onnx-runtime.ts';
import { numbersOf } from './enact-clustering.ts';
import type { Findings } from './findings.ts';
import { type HfPictures, maskOf, picturesOf } from './hf-pictures.ts';
import { comparePostProcessing } from './hf-post-processing.ts';
import type { HfCase } from './hf-case.ts';
import { caseTensor } from './parity-case.ts';
import { runOnce } from '../runtime/loaded-graph.ts';

/** Deformable DETR, with and without refinement and two stages. */
export async function checkHfDeformableDetr(given: HfCase, findings: Findings): Promise<void> {
	const { config, lookup } = openHuggingFaceDeformableDetr({
		config: { json: given.config, place: `${given.folder}/config.json` },
		weights: { tensors: given.weights, place: given.folder },
	});
	const outputs = outputsOf(config);
	for (const batch of given.batches) {
		const pictures = picturesOf(findings, given, batch, PROCESSOR_KINDS.detr);
		const stated = Object.keys(outputs).filter((name) => given.tensors.has(`${batch.name}.${name}`));
		const taps = new Set(stated.flatMap((name) => outputs[name]!));
		const options = { selects: false, taps };
		const { graph, pyramid } = compileSparseDetr(config, lookup, batchOf(pictures), options);
		const results = await runOnce(createRuntime(1), graph, { picture: pictures.pixels }, [...taps]);
		for (const name of stated) {
			const parts = outputs[name]!.map((tap) => numbersOf(results, tap));
			const actual = parts.length > 1 ? byPicture(parts, pictures.batch) : parts[0]!;
			compare(findings, given, `${batch.name}.${name}`, actual, { config, pyramid });
		}
		comparePostProcessing(findings, given, batch, BEST_HUNDRED);
	}
}

/** Our outputs by what cases call them; several where a case has those of all layers in one. */
function outputsOf({ encoderLayers, decoderLayers }: SparseDetrConfig): Record<string, string[]> {
	const each = (count: number, name: (i: number) => string) =>
		Array.from({ length: count }, (_, i) => name(i));
	const states = each(decoderLayers, (i) => `dec.${i}.hs`);
	return {
		input_projection: ['input_proj.0'],
		...Object.fromEntries(each(encoderLayers, (i) => `enc.${i}`).map((name) => [name, [`${name}.memory`]])),
		...Object.fromEntries(states.map((state, i) => [`dec.${i}`, [state]])),
		last_hidden_state: states.slice(-1),
		intermediate_hidden_states: states,
		init_reference_points: ['dec.init_reference'],
		intermediate_reference_points: each(decoderLayers, (i) => `dec.${i}.reference`),
		enc_outputs_class: ['prop.logits'],
		enc_outputs_coord_logits: ['prop.box_logits'],
		logits: ['logits'],
		pred_boxes: ['boxes'],
	};
}

function batchOf({ batch, size, sizes }: HfPictures): Parameters<typeof compileSparseDetr>[2] {
	return { batch, ...size, padding: maskOf(size, sizes).map((real) => 1 - real) };
}

/**
 * Where a whole line of tokens is padding, positions are sines of millions: one float more or less in a power of the
 * temperature changes them. Powers come out the same everywhere only at widths that are powers of two; at others, the
 * encoder is compared where pictures are, for nothing depends on its padding.
 */
function compare(
	findings: Findings,
	given: HfCase,
	name: string,
	actual: readonly number[],
	{ config: { dim }, pyramid: { padding } }: { config: SparseDetrConfig; pyramid: Pyramid },
): void {
	const expected = caseTensor(given, name).data;
	const isLoose = /\.enc\.\d+$/.test(name) && !Number.isInteger(Math.log2(dim));
	if (!isLoose || actual.length !== expected.length) return findings.close(name, actual);
	const compared = (values: ArrayLike<number>) =>
		Array.from(values).filter((_, i) => padding[Math.floor(i / dim)] === 0);
	findings.input(name);
	findings.closeTo(name, compared(actual), compared(expected));
}

/** [layers][batch · …] -> [batch, layers, …] */
function byPicture(layers: readonly number[][], batch: number): number[] {
	return Array.from({ length: batch }, (_, n) =>
		layers.flatMap((layer) => layer.slice((n * layer.length) / batch, ((n + 1) * layer.length) / batch)),
	).flat();
}
