import type { QueryRanking } from '../../boxes/ranked-queries.ts';
import type { WeightLookup } from '../../graph/layers.ts';
import { compileFull } from '../../reduction/vit-graphs.ts';
import { TensorAudit } from '../../weights/tensor-audit.ts';
import { requireTensors } from '../../weights/weights.ts';
import type { LabelNames } from '../coco-names.ts';
import type { HuggingFaceFiles } from '../hugging-face/files.ts';
import { labelsOf, requireLabels } from '../hugging-face/labels.ts';
import type { ProcessorKind } from '../hugging-face/processor.ts';
import { compileBehind } from './behind.ts';
import type { LabelFields, QueryNetworkConfig } from './config.ts';
import { type StoredName, storedLookup } from './stored-names.ts';
import type { WindowedTransformer } from './windowed-vit.ts';

/** A transformer with windows and what finds objects behind it: LW-DETR and RF-DETR, as a configuration describes them. */
export type WindowedDetector = WindowedTransformer & {
	title: string;
	network: QueryNetworkConfig;
	/** As the package's processor ranks what queries say. */
	ranking: QueryRanking;
	processor: ProcessorKind;
	/** Where the file keeps what the package's modules hold. */
	stored(name: string): StoredName;
	/** Whether a tensor of the file is one that this configuration has no use for. */
	unread?(name: string): boolean;
};

/** A detector with its weights, checked. */
export type OpenedDetector = { detector: WindowedDetector; labels: LabelNames; lookup: WeightLookup };

/** Tensors of training alone: counters of batches, the mask token, and what other groups of queries have for themselves. */
const TRAINING =
	/(\.num_batches_tracked|\.mask_token|\benc_out(put|put_norm|_class_embed|_bbox_embed)\.[1-9]\d*\..*)$/;

/** Holds the weights against all that the network needs. Throws `model-unreadable` or `tensor-mismatch`. */
export function openDetector(
	detector: WindowedDetector,
	fields: LabelFields,
	{ config, weights }: HuggingFaceFiles,
): OpenedDetector {
	const labels = labelsOf(fields, config.place);
	requireLabels(weights.tensors, 'class_embed.bias', labels, 0, config.place);
	const used = [...weights.tensors].filter(([name]) => !TRAINING.test(name) && !detector.unread?.(name));
	const audit = new TensorAudit(
		new Map(used),
		weights.place,
		`${detector.title} as config.json describes it`,
	);
	const under = (lookup: WeightLookup) => storedLookup(lookup, (name) => detector.stored(name));
	// Any size shows which tensors are needed.
	const grid = { rows: detector.vit.windowsPerSide, cols: detector.vit.windowsPerSide };
	const plan = detector.plan(grid, true);
	compileFull(plan, under(audit.lookup), { keepKeysAndValues: false, withScores: false });
	compileBehind(detector.network, under(audit.lookup), { grid });
	audit.finish();
	return { detector, labels, lookup: under(requireTensors(weights.tensors, weights.place)) };
}
