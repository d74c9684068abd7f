import { PROCESSOR_KINDS } from '../families/hugging-face/processor.ts';
import { splitAnswers, yolosPlan } from '../families/yolos/plan.ts';
import { readYolos } from '../families/yolos/read.ts';
import { BEST_LABELS } from '../boxes/ranked-queries.ts';
import type { Layers } from '../graph/layers.ts';
import type { Value } from '../graph/graph-builder.ts';
import { blockNames, type VitOutputs, VitPictures } from './hf-vit.ts';
import type { Findings } from './findings.ts';
import { picturesOf } from './hf-pictures.ts';
import { comparePostProcessing } from './hf-post-processing.ts';
import type { HfCase } from './hf-case.ts';

/** YOLOS: embeddings, blocks, the final norm, logits and boxes. */
export async function checkHfYolos(given: HfCase, findings: Findings): Promise<void> {
	const { config, labels, weights } = readYolos({
		config: { json: given.config, place: `${given.folder}/config.json` },
		weights: { tensors: given.weights, place: given.folder },
	});
	const labelCount = labels.indexByLabel.length;
	for (const batch of given.batches) {
		const pictures = new VitPictures(picturesOf(findings, given, batch, PROCESSOR_KINDS.yolos), config.patch);
		const plan = yolosPlan(config, pictures.grid, labelCount);
		const blocks = blockNames(plan);
		const norm = {
			width: plan.dim,
			emit: (layers: Layers, [tokens]: readonly Value[]) =>
				layers.layerNorm('vit.layernorm', tokens!, plan.normEpsilon),
		};
		const normed = await pictures.run({ ...plan, answers: { grid: norm, extra: norm } }, weights, [
			'head',
			'extra',
		]);
		const answers = await pictures.run(plan, weights, ['embedded', ...blocks, 'extra']);
		const split = answers.map((of) => splitAnswers(of['extra']!, labelCount));
		const first = plan.extra.before * plan.dim;
		const withExtra = ({ head, extra }: VitOutputs) => [
			...[extra!.subarray(0, first), head!, extra!.subarray(first)].flatMap((part) => [...part]),
		];
		const stated: Record<string, number[]> = {
			embeddings: answers.flatMap((of) => [...of['embedded']!]),
			...Object.fromEntries(blocks.map((name) => [name, answers.flatMap((of) => [...of[name]!])])),
			layernorm: normed.flatMap(withExtra),
			logits: split.flatMap(({ logits }) => [...logits]),
			pred_boxes: split.flatMap(({ boxes }) => [...boxes]),
		};
		for (const [name, values] of Object.entries(stated)) findings.close(`${batch.name}.${name}`, values);
		comparePostProcessing(findings, given, batch, BEST_LABELS);
	}
}
