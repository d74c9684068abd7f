import type { ModelFamily } from '../family.ts';
import { huggingFaceFiles } from '../hugging-face/files.ts';
import { windowedModel } from './host.ts';
import { openHuggingFaceLwDetr } from './hugging-face.ts';

/**
 * LW-DETR (Chen et al., LW-DETR: A Transformer Replacement to YOLO for Real-Time Detection, 2024) from Hugging Face folders: a
 * vision transformer of windowed and global blocks, a projector, and a decoder whose queries start at the best of its pixels.
 */
export const lwDetrFamily: ModelFamily = {
	id: 'lw-detr',
	title: 'LW-DETR',
	offers: ['vit'],
	modelTypes: ['lw_detr'],
	open: async (source) => windowedModel(source, openHuggingFaceLwDetr(await huggingFaceFiles(source))),
};
