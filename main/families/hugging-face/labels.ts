import { z } from 'zod';
import { classCount } from '../config-numbers.ts';
import { UserFacingError } from '../../domain/errors.ts';
import type { Weights } from '../../weights/safetensors.ts';
import type { LabelNames } from '../coco-names.ts';

/** What a config.json says of classes: names by label, or how many there are. */
export const labelFields = {
	id2label: z.record(z.string(), z.string()).nullish(),
	num_labels: classCount.nullish(),
};

/** Labels of a model whose config.json names none and states no number of them. */
const UNSTATED_LABELS = 2;
/** What COCO's unused ids are called. */
const NOT_A_CLASS = 'N/A';

/** How many labels a model has. */
export function labelCount({ id2label, num_labels }: z.infer<z.ZodObject<typeof labelFields>>): number {
	return id2label ? Object.keys(id2label).length : (num_labels ?? UNSTATED_LABELS);
}

/**
 * The names of a model's labels, which are 0 to n − 1. A label called `N/A` means nothing. Throws `model-unreadable`,
 * naming `place`, where a label between others has no name, or `num_labels` is another number than that of the names.
 */
export function labelsOf(fields: z.infer<z.ZodObject<typeof labelFields>>, place: string): LabelNames {
	const { id2label, num_labels } = fields;
	const given = labelCount(fields);
	if (num_labels && num_labels !== given) {
		throw new UserFacingError(
			'model-unreadable',
			`${place}: num_labels should be the number of names in id2label, ${given} (got ${num_labels}).`,
		);
	}
	const labels = Array.from({ length: given }, (_, label) => {
		const name = id2label ? id2label[String(label)] : `class ${label}`;
		if (name !== undefined) return name;
		throw new UserFacingError(
			'model-unreadable',
			`${place}: id2label should name the labels 0 to ${given - 1} and has no ${label}.`,
		);
	});
	const names = labels.filter((name) => name !== NOT_A_CLASS);
	let named = 0;
	return {
		names,
		indexByLabel: Int32Array.from(labels, (name) => (name === NOT_A_CLASS ? -1 : named++)),
	};
}

/**
 * Holds the number of labels against the rows of the head that scores them. `head`: its bias; `besides`: rows that are no
 * label's. Throws `tensor-mismatch`. What else is wrong with the head, an audit says.
 */
export function requireLabels(
	weights: Weights,
	head: string,
	{ indexByLabel }: LabelNames,
	besides: number,
	place: string,
): void {
	const rows = weights.get(head)?.shape[0];
	if (rows === undefined || rows === indexByLabel.length + besides) return;
	throw new UserFacingError(
		'tensor-mismatch',
		`${place} names ${indexByLabel.length} labels (id2label), and the weights score ${rows - besides} (${head}).`,
	);
}
