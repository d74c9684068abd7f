import { BEST_HUNDRED } from '../../boxes/ranked-queries.ts';
import { parseModelConfig } from '../model-config.ts';
import type { HuggingFaceFiles } from '../hugging-face/files.ts';
import { PROCESSOR_KINDS } from '../hugging-face/processor.ts';
import { lwDetrSchema } from './config.ts';
import { earlierAttention } from './stored-names.ts';
import { openDetector, type OpenedDetector } from './windowed-detector.ts';
import { lwDetrTransformer } from './windowed-vit.ts';

/** Opens the files of transformers' LwDetrForObjectDetection. Throws `model-unreadable` or `tensor-mismatch`. */
export function openHuggingFaceLwDetr(files: HuggingFaceFiles): OpenedDetector {
	const { vit, network, labels } = parseModelConfig(lwDetrSchema, files.config, 'LW-DETR');
	const renamed = [...files.weights.tensors.keys()].some((name) => name.includes('.attention.q_proj.'));
	const detector = {
		title: 'LW-DETR',
		...lwDetrTransformer(vit),
		network,
		ranking: BEST_HUNDRED,
		processor: PROCESSOR_KINDS.detr,
		stored: (name: string) => ({ name: renamed ? name : earlierAttention(name, 'output') }),
	};
	return openDetector(detector, labels, files);
}
