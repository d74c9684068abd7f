import { UserFacingError } from '../domain/errors.ts';
import { type Finding, Findings } from './findings.ts';
import { checkHfDeformableDetr } from './hf-deformable-detr.ts';
import { checkHfDetr } from './hf-detr.ts';
import { type HfCase, readHfCase } from './hf-case.ts';
import { checkHfVitDet } from './hf-vitdet.ts';
import { checkHfYolos } from './hf-yolos.ts';
import type { ParityCase } from './parity-case.ts';
import { checkHfLwDetr, checkHfLwDetrVit, checkHfRfDetr, checkHfWindowedDino } from './hf-lw-detr.ts';

/** Compares all that a case of one model type states, on every batch. */
type HfModel = (given: HfCase, findings: Findings) => Promise<void>;

/** By `model_type` of config.json. One file per kind of network, one line below. */
const MODELS: Readonly<Record<string, HfModel>> = {
	detr: checkHfDetr,
	conditional_detr: checkHfDetr,
	deformable_detr: checkHfDeformableDetr,
	rf_detr: checkHfRfDetr,
	rf_detr_dinov2: checkHfWindowedDino,
	lw_detr: checkHfLwDetr,
	lw_detr_vit: checkHfLwDetrVit,
	vitdet: checkHfVitDet,
	yolos: checkHfYolos,
};

/** Models of Hugging Face's transformers, as folders of config.json, weights and preprocessor_config.json. */
export async function hf(given: ParityCase): Promise<Finding[]> {
	const hfCase = await readHfCase(given);
	const type = String(hfCase.config['model_type']);
	const model = Object.hasOwn(MODELS, type) ? MODELS[type] : undefined;
	if (!model) {
		const known = Object.keys(MODELS).join(', ');
		throw new UserFacingError(
			'file-unreadable',
			`${given.folder}/config.json: model_type must be one of ${known} (got "${type}").`,
		);
	}
	const findings = new Findings(given);
	await model(hfCase, findings);
	return findings.finish();
}
