import { z } from 'zod';
import type { WeightLookup } from '../../graph/layers.ts';
import { compileFull } from '../../reduction/vit-graphs.ts';
import { TensorAudit } from '../../weights/tensor-audit.ts';
import { requireTensors } from '../../weights/weights.ts';
import type { LabelNames } from '../coco-names.ts';
import { parseModelConfig } from '../model-config.ts';
import type { HuggingFaceFiles } from '../hugging-face/files.ts';
import { labelFields, labelsOf, requireLabels } from '../hugging-face/labels.ts';
import { publishedNames, type Renaming } from '../hugging-face/renamed-weights.ts';
import { readYolosConfig, type YolosConfig } from './config.ts';
import { yolosPlan } from './plan.ts';

/** What releases of transformers from 5 on call a table when they hand it on without converting it back. */
const RENAMINGS: readonly Renaming[] = [
	[/^vit\.encoder\.interpolation\.mid_position_embeddings$/, 'vit.encoder.mid_position_embeddings'],
];
const labelSchema = z.object(labelFields);
/** Any size shows which tensors a network asks for. */
const SMALLEST = { rows: 1, cols: 1 };

export type Yolos = { config: YolosConfig; labels: LabelNames; weights: WeightLookup };

/** Reads and checks a Hugging Face folder's files; throws `model-unreadable` or `tensor-mismatch`. */
export function readYolos(files: HuggingFaceFiles): Yolos {
	const config = readYolosConfig(files.config);
	const { place } = files.config;
	const labels = labelsOf(parseModelConfig(labelSchema, files.config, 'YOLOS'), place);
	// A network of one block has a table of positions between blocks without a row in it.
	const filled = [...files.weights.tensors].filter(([, { shape }]) => !shape.includes(0));
	const tensors = publishedNames(new Map(filled), RENAMINGS);
	requireLabels(tensors, 'class_labels_classifier.layers.2.bias', labels, 1, place);
	const audit = new TensorAudit(tensors, files.weights.place, `YOLOS of ${config.depth} blocks`);
	const plan = yolosPlan(config, SMALLEST, labels.indexByLabel.length);
	compileFull(plan, audit.lookup, { keepKeysAndValues: false, withScores: false });
	audit.finish();
	return { config, labels, weights: requireTensors(tensors, files.weights.place) };
}
