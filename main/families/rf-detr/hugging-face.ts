import { parseModelConfig } from '../model-config.ts';
import type { HuggingFaceFiles } from '../hugging-face/files.ts';
import { PROCESSOR_KINDS } from '../hugging-face/processor.ts';
import { openDetector, type OpenedDetector } from '../lw-detr/windowed-detector.ts';
import { rfDetrSchema } from './config.ts';
import { rfDetrTransformer } from './plan.ts';
import { roboflowName } from './stored-names.ts';

/** The layer norm that features share, which a file holds even where they do not go through it. */
const FEATURE_NORM = /^(backbone\.0\.encoder\.encoder|model\.backbone\.backbone)\.layernorm\./;

/** Opens the files of transformers' RfDetrForObjectDetection. Throws `model-unreadable` or `tensor-mismatch`. */
export function openHuggingFaceRfDetr(files: HuggingFaceFiles): OpenedDetector {
	const { vit, network, labels } = parseModelConfig(rfDetrSchema, files.config, 'RF-DETR');
	const byModules = [...files.weights.tensors.keys()].some((name) => name.startsWith('model.'));
	const detector = {
		title: 'RF-DETR',
		...rfDetrTransformer(vit),
		network,
		ranking: { scores: 'sigmoid' as const, most: network.queries },
		processor: PROCESSOR_KINDS['rf-detr'],
		stored: (name: string) => (byModules ? { name } : roboflowName(name)),
		unread: (name: string) => !vit.normsFeatures && FEATURE_NORM.test(name),
	};
	return openDetector(detector, labels, files);
}
