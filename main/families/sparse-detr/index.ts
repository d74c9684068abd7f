import { basename, extname } from 'node:path';
import { TensorAudit } from '../../weights/tensor-audit.ts';
import { labelNames } from '../coco-names.ts';
import type { Model } from '../../detector/detector.ts';
import type { Checkpoint, ModelFamily } from '../family.ts';
import { requireMode } from '../require-mode.ts';
import { configTitle, isSparseDetr, readConfig } from './config.ts';
import { openSparseDetr } from './detector.ts';
import { askForTensors } from './tensors.ts';

/** Of a sigmoid that was trained with the focal loss. */
const DISPLAY_THRESHOLD = 0.3;

/**
 * Deformable DETR (Zhu et al., ICLR 2021) and Sparse DETR (Roh et al., ICLR 2022), from their published checkpoints.
 * Those with a scoring network also run in the mode `sparse`; the keep ratio may differ from the one of the training.
 */
export const sparseDetrFamily: ModelFamily = {
	id: 'sparse-detr',
	title: 'Sparse DETR',
	recognizes: isSparseDetr,
	open: openCheckpoint,
};

function openCheckpoint({ path, sha256, weights, options }: Checkpoint): Model {
	const config = readConfig(weights, options?.['args'] ?? null, path);
	const name = configTitle(config);
	const audit = new TensorAudit(weights, path, `checkpoint of ${name}`);
	askForTensors(config, audit.lookup);
	audit.finish();
	const modes = config.scorer ? ['dense', 'sparse', 'motion'] : ['dense', 'motion'];
	const labels = labelNames(config.classes);
	return {
		id: basename(path, extname(path)),
		name,
		path,
		sha256,
		classes: labels.names,
		displayThreshold: DISPLAY_THRESHOLD,
		modes,
		async open(detectorOptions) {
			requireMode(detectorOptions.mode, modes, name);
			return openSparseDetr({ config, weights, path, labels }, detectorOptions);
		},
	};
}
