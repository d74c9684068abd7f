import { PROCESSOR_KINDS } from '../families/hugging-face/processor.ts';
import { readVitDetBackbone, vitDetBackbonePlan } from '../families/vitdet/hugging-face.ts';
import type { Findings } from './findings.ts';
import { picturesOf } from './hf-pictures.ts';
import { blockNames, VitPictures } from './hf-vit.ts';
import type { HfCase } from './hf-case.ts';

/** ViTDet's backbone: embeddings, blocks with their residuals, feature maps; maps are stated [channels, rows, cols]. */
export async function checkHfVitDet(given: HfCase, findings: Findings): Promise<void> {
	const { config, weights } = readVitDetBackbone({
		config: { json: given.config, place: `${given.folder}/config.json` },
		weights: { tensors: given.weights, place: given.folder },
	});
	for (const batch of given.batches) {
		const pictures = new VitPictures(picturesOf(findings, given, batch, PROCESSOR_KINDS.detr), config.patch);
		const plan = vitDetBackbonePlan(config, pictures.grid);
		const { dim, features } = plan;
		const blocks = blockNames(plan);
		const first = plan.absolute ? 'embedded' : 'stem';
		const outputs = await pictures.run(plan, weights, [first, ...blocks, 'head']);
		/** Columns from `column` on of an output's rows, of `width` columns, channels first. */
		const maps = (name: string, width = dim, column = 0) =>
			outputs.flatMap((of) =>
				Array.from({ length: dim }, (_, c) =>
					Array.from(
						{ length: of[name]!.length / width },
						(__, token) => of[name]![token * width + column + c]!,
					),
				).flat(),
			);
		findings.close(`${batch.name}.embeddings`, maps(first));
		for (const name of blocks) findings.close(`${batch.name}.${name}`, maps(name));
		features.forEach((_, i) => {
			const values = maps('head', features.length * dim, i * dim);
			findings.close(`${batch.name}.feature_maps.${i}`, values);
		});
	}
}
