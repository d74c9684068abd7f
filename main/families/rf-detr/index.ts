import type { ModelFamily } from '../family.ts';
import { huggingFaceFiles } from '../hugging-face/files.ts';
import { windowedModel } from '../lw-detr/host.ts';
import { openHuggingFaceRfDetr } from './hugging-face.ts';

/**
 * RF-DETR (Robinson et al., RF-DETR: Neural Architecture Search for Real-Time Detection Transformers, 2025) from Hugging Face
 * folders: LW-DETR with DINOv2, in windows, for a transformer.
 */
export const rfDetrFamily: ModelFamily = {
	id: 'rf-detr',
	title: 'RF-DETR',
	offers: ['vit'],
	modelTypes: ['rf_detr'],
	open: async (source) => windowedModel(source, openHuggingFaceRfDetr(await huggingFaceFiles(source))),
};
