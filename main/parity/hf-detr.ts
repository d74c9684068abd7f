import { rankingOf } from '../families/detr/config.ts';
import { PROCESSOR_KINDS } from '../families/hugging-face/processor.ts';
import { openHuggingFaceDetr } from '../families/detr/hugging-face.ts';
import { emitDetr } from '../families/detr/network.ts';
import { createRuntime } from '../runtime/onnx-runtime.ts';
import { numbersOf } from './enact-clustering.ts';
import type { Findings } from './findings.ts';
import { picturesOf } from './hf-pictures.ts';
import { comparePostProcessing } from './hf-post-processing.ts';
import type { HfCase } from './hf-case.ts';
import { runOnce } from '../runtime/loaded-graph.ts';

/** DETR and Conditional DETR. */
export async function checkHfDetr(given: HfCase, findings: Findings): Promise<void> {
	const { config, lookup } = openHuggingFaceDetr({
		config: { json: given.config, place: `${given.folder}/config.json` },
		weights: { tensors: given.weights, place: given.folder },
	});
	for (const batch of given.batches) {
		const { pixels, size, sizes } = picturesOf(findings, given, batch, PROCESSOR_KINDS.detr);
		const { graph } = emitDetr(config, lookup, sizes, { clustered: false, size, taps: true });
		const outputs = {
			input_projection: 'input_proj',
			...each(config.encoderLayers, (i) => [`enc.${i}`, `enc.${i}.output`]),
			...each(config.decoderLayers, (i) => [`dec.${i}`, `dec.${i}.output`]),
			last_hidden_state: `dec.${config.decoderLayers - 1}.normed`,
			logits: 'logits',
			pred_boxes: 'boxes',
		};
		const results = await runOnce(createRuntime(1), graph, { pictures: pixels }, Object.values(outputs));
		for (const [stated, ours] of Object.entries(outputs)) {
			const name = `${batch.name}.${stated}`;
			if (given.tensors.has(name)) findings.close(name, numbersOf(results, ours));
		}
		comparePostProcessing(findings, given, batch, rankingOf(config));
	}
}

function each(count: number, entry: (i: number) => [stated: string, ours: string]): Record<string, string> {
	return Object.fromEntries(Array.from({ length: count }, (_, i) => entry(i)));
}
