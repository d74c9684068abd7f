import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { systemError, UserFacingError } from '../../domain/errors.ts';
import { makeFolder } from '../../process/make-folder.ts';
import { queryCount, side } from '../config-numbers.ts';
import { parseModelConfig } from '../model-config.ts';

/** What a network's outputs look like, and by which tensors: one decoder each; see `decoders/`. */
export const OUTPUT_FORMS = {
	/** [1, 4 + labels (+ masks), anchors], or its transpose: YOLOv8, 11, 12. */
	'yolo-raw': ['rows'],
	/** [1, boxes, 6]: left, top, right, bottom, score, label: YOLO26, YOLOv10. */
	'end-to-end': ['rows'],
	/** [1, anchors, 5 + labels]: box, objectness, labels: YOLOv5, v7. */
	'yolo-objectness': ['rows'],
	/** As before, the boxes still as offsets in a grid: YOLOX. */
	yolox: ['rows'],
	/** Boxes, labels and scores of the best queries: RT-DETR, D-FINE, DEIM. */
	'detr-postprocessed': ['boxes', 'labels', 'scores'],
	/** Boxes and one logit a label for every query: RF-DETR, DETR, YOLOS. */
	'detr-logits': ['boxes', 'logits'],
	/** [1, boxes, 5] with the score last, and labels: MMDetection. */
	mmdet: ['boxes', 'labels'],
	/** Maps of a score, a size and an offset for every fourth pixel. */
	centerface: ['scores', 'sizes', 'offsets'],
	/** Boxes and probabilities of every anchor: UltraFace, YOLO-NAS. */
	'anchor-pairs': ['boxes', 'scores'],
} as const;

export type OutputForm = keyof typeof OUTPUT_FORMS;

/** A name, on one line. */
const line = z.string().regex(/^[^\p{Cc}]+$/u, 'must be a text without control characters');
const perChannel = z.array(z.number()).length(3);
const inputSchema = z.strictObject({
	/** The input that takes the picture. */
	name: z.string(),
	layout: z.enum(['nchw', 'nhwc']),
	width: side,
	height: side,
	/**
	 * `stretch`: to the network's size whatever its shape. `letterbox`: as large as fits, the rest filled with the grey `pad`,
	 * the picture in the centre or at the top left.
	 */
	resize: z.discriminatedUnion('kind', [
		z.strictObject({ kind: z.literal('stretch') }),
		z.strictObject({
			kind: z.literal('letterbox'),
			pad: z.int().min(0).max(255),
			align: z.enum(['centre', 'top-left']),
		}),
	]),
	/** Pixels are 0 to 1 or 0 to 255 before mean and deviation. */
	range: z.literal([1, 255]),
	/** Per channel, in the network's order: a pixel becomes (pixel − mean) / std. */
	mean: perChannel,
	std: z.array(z.number().positive()).length(3),
	colour: z.enum(['rgb', 'bgr']),
	type: z.enum(['float32', 'float16', 'uint8']),
	/** Further inputs: `ones` where a mask says which pixels count, `unit-size` where the picture's size is asked for: [[1, 1]]. */
	extras: z.record(z.string(), z.enum(['ones', 'unit-size'])),
});

const outputSchema = z.strictObject({
	form: z.enum(Object.keys(OUTPUT_FORMS) as [OutputForm, ...OutputForm[]]),
	/** Names of the outputs, by what they are. */
	tensors: z.record(z.string(), z.string()),
	/** Centre and size, or left, top, right and bottom. */
	boxes: z.enum(['cxcywh', 'xyxy']),
	/** Of the network's input, or shares of it, 0 to 1. */
	unit: z.enum(['pixels', 'share']),
	/** How numbers become scores. `objectness`: probabilities times that of there being anything. */
	scores: z.enum(['probabilities', 'sigmoid', 'softmax', 'objectness']),
});

const cardSchema = z
	.strictObject({
		format: z.literal('sparsight.onnx-card'),
		version: z.literal(1),
		/** Of the file that the card is of; null = any. */
		sha256: z
			.string()
			.regex(/^[0-9a-f]{64}$/)
			.nullable(),
		/** What the network is called. */
		title: z.string().min(1),
		input: inputSchema,
		output: outputSchema,
		/** Of boxes of one class that overlap by more than `iou`, the best stays; null = the network has seen to it. */
		suppression: z.strictObject({ iou: z.number().min(0).max(1) }).nullable(),
		/** Most boxes of a picture. */
		most: queryCount,
		/**
		 * Names in order. The labels that the network gives count from 0; those in `unused` mean nothing (background, gaps
		 * between ids), and the others take the names one after the other.
		 */
		classes: z.strictObject({
			names: z.array(line).min(1).max(65_536),
			unused: z.array(z.int().nonnegative().max(65_536)),
		}),
		/** Boxes below this score are not shown. */
		displayScore: z.number().min(0).max(1),
		/** What a person should know. */
		notes: z.array(z.string()),
		/** By field, where its value is from, such as `metadata` or `usual for RF-DETR`. */
		sources: z.record(z.string(), z.string()),
	})
	.superRefine(({ output, classes }, issues) => {
		for (const role of OUTPUT_FORMS[output.form]) {
			if (output.tensors[role] !== undefined) continue;
			const message = `must name the output that holds the ${role}`;
			issues.addIssue({ code: 'custom', path: ['output', 'tensors', role], message });
		}
		const labels = classes.names.length + classes.unused.length;
		const beyond = classes.unused.find((label) => label >= labels);
		if (beyond !== undefined) {
			const message = `must be labels below ${labels}, the number of names and unused ones (got ${beyond})`;
			issues.addIssue({ code: 'custom', path: ['classes', 'unused'], message });
		}
		if (new Set(classes.unused).size < classes.unused.length) {
			const message = 'must name each label once';
			issues.addIssue({ code: 'custom', path: ['classes', 'unused'], message });
		}
	});

/** How an ONNX file's pictures are made and its answers are read: all that the file itself may leave open. */
export type OnnxCard = z.infer<typeof cardSchema>;
export type CardInput = OnnxCard['input'];
export type CardOutput = OnnxCard['output'];

/** Checks a card; throws `model-unreadable`, naming `place` and the first field that is wrong. */
export function parseCard(json: unknown, place: string): OnnxCard {
	return parseModelConfig(cardSchema, { json, place }, 'a card');
}

/** Labels that a network of these classes gives. */
export function labelCount({ names, unused }: OnnxCard['classes']): number {
	return names.length + unused.length;
}

/** Class by label; −1 = a label that means nothing. */
export function classByLabel(classes: OnnxCard['classes']): Int32Array {
	let next = 0;
	return Int32Array.from({ length: labelCount(classes) }, (_, label) =>
		classes.unused.includes(label) ? -1 : next++,
	);
}

/** The card of a file beside it. */
export function cardBeside(path: string): string {
	return `${path}.card.json`;
}

/** Where the card of an ONNX file may lie, the one that counts first. */
export function cardPlaces(path: string, sha256: string, folder: string | null): string[] {
	return [cardBeside(path), ...(folder === null ? [] : [join(folder, `${sha256}.json`)])];
}

/**
 * The card of an ONNX file: the one beside it, else the one that `folder` has by the file's hash; null where there is none. Throws
 * `model-unreadable` for one that can't be read, or that is of another file.
 */
export function findCard(
	path: string,
	sha256: string,
	folder: string | null,
): { card: OnnxCard; place: string } | null {
	for (const place of cardPlaces(path, sha256, folder)) {
		const text = textOf(place);
		if (text === null) continue;
		const card = parseCard(jsonOf(text, place), place);
		if (card.sha256 === null || card.sha256 === sha256) return { card, place };
		throw new UserFacingError(
			'model-unreadable',
			`${place} is the card of another file: sha256 must be ${sha256} (got ${card.sha256}).`,
			{ remedy: 'Remove the card, or write one for this file with "sparsight models card".' },
		);
	}
	return null;
}

/** Writes a card in one step: beside the file, or into `folder` by the file's hash. Returns its place; throws `disk-full`, `output-not-writable`. */
export function saveCard(
	card: OnnxCard,
	at: { beside: string } | { folder: string; sha256: string },
): string {
	const place = 'beside' in at ? cardBeside(at.beside) : join(at.folder, `${at.sha256}.json`);
	parseCard(card, place);
	makeFolder(dirname(place));
	const fresh = `${place}.new`;
	try {
		writeFileSync(fresh, `${JSON.stringify(card, null, '\t')}\n`);
		renameSync(fresh, place);
	} catch (error) {
		rmSync(fresh, { force: true });
		throw systemError(error, place) ?? error;
	}
	return place;
}

/**
 * A card with other values: `changes` are paths of fields and what they become, such as `input.colour` and `bgr`; numbers and lists
 * as JSON has them. Throws `bad-argument` for a field that cards have not, and `model-unreadable` for a value that does not fit.
 */
export function changeCard(
	card: OnnxCard,
	changes: readonly (readonly [path: string, value: string])[],
): OnnxCard {
	const changed = structuredClone(card);
	for (const [path, value] of changes) {
		const keys = path.split('.');
		const last = keys.pop()!;
		let at: unknown = changed;
		for (const key of keys) at = isObject(at) && Object.hasOwn(at, key) ? at[key] : undefined;
		// Names of tensors and inputs are a person's own; everything else is there already.
		const isOpen = ['tensors', 'extras'].includes(keys.at(-1) ?? '') || keys.at(-1) === 'resize';
		if (!isObject(at) || !(isOpen || Object.hasOwn(at, last))) {
			throw new UserFacingError(
				'bad-argument',
				`A card has no field ${path}: one such as input.colour, input.mean or output.scores was expected.`,
			);
		}
		at[last] = valueOf(value);
		changed.sources[path] = 'chosen';
	}
	return parseCard(changed, 'The card');
}

function isObject(value: unknown): value is Record<string, unknown> {
	return typeof value === 'object' && value !== null;
}

function valueOf(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return text;
	}
}

function textOf(place: string): string | null {
	try {
		return readFileSync(place, 'utf8');
	} catch (cause) {
		if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null;
		throw new UserFacingError('model-unreadable', `${place} cannot be read.`, { cause });
	}
}

function jsonOf(text: string, place: string): unknown {
	try {
		return JSON.parse(text);
	} catch (cause) {
		throw new UserFacingError('model-unreadable', `${place} is not JSON.`, { cause });
	}
}
