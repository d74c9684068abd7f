import { UserFacingError } from '../../domain/errors.ts';
import type { CardOutput } from './card.ts';
import { YOLOX_STRIDES } from './decoders/yolox.ts';
import { type Evidence, plainColours, type ResolvedOutput } from './evidence.ts';
import { type Draft, recognition, type Recognition, YOLO_LETTERBOX } from './reading.ts';

/** Overlap from which Ultralytics suppresses, and its predecessors did. */
const [NEWER_IOU, OLDER_IOU] = [0.7, 0.45];
const DISPLAY_SCORE = 0.25;
/** Rows of outputs that are suppressed already are few. */
const MOST_SUPPRESSED = 1000;
/** Coefficients of masks behind the labels, in models that also segment. */
const MASKS = 32;

/** Rows 1 to 4 and 12 of the signatures: one tensor of boxes with scores, or several raw maps. */
export function recognizeYolo(evidence: Evidence): Recognition | null {
	const { file, outputs } = evidence;
	if (evidence.others.length > 0) return null;
	refuseRawMaps(evidence);
	refuseTask(evidence);
	const tables = outputs.filter(({ type, shape }) => isFloat(type) && shape?.length === 3);
	const [table] = tables;
	if (!table || tables.length > 1 || outputs.some((other) => other !== table && other.shape?.length !== 4))
		return null;
	const [, a = null, b = null] = table.shape!;
	if (a === null && b === null) return null;
	const isUltralytics = /ultralytics/i.test(
		file.metadata.get('author') ?? file.metadata.get('description') ?? '',
	);
	const statesEnd = /true/i.test(file.metadata.get('end2end') ?? '');
	const width = b ?? 0;
	if (width >= 6 && (statesEnd || (width === 6 && (a ?? 0) <= MOST_SUPPRESSED && a !== 5))) {
		return endToEnd(evidence, table.name, statesEnd);
	}
	if (a !== null && a >= 5 && (b === null || a < b)) {
		refuseWhatIsJoined(evidence, table, a);
		return raw(evidence, table.name, a, isUltralytics);
	}
	if (b === null || b < 6) return null;
	return rows(evidence, table.name, a ?? null, b, isUltralytics);
}

function isFloat(type: string): boolean {
	return type === 'float32' || type === 'float16';
}

/** Boxes in rows that are suppressed already. */
function endToEnd(evidence: Evidence, name: string, isStated: boolean): Recognition {
	const draft: Draft = {
		title: isStated ? 'YOLO, end to end' : 'detector with suppressed rows',
		reason: isStated
			? 'metadata says end2end, and the output has rows of a box, a score and a class'
			: 'the output has few rows of six numbers, as of a box, a score and a class; nothing else says so',
		resize: YOLO_LETTERBOX,
		output: rowsOutput('end-to-end', name, 'xyxy', 'probabilities'),
		suppression: null,
		labels: null,
		displayScore: DISPLAY_SCORE,
	};
	const shares: Draft = {
		...draft,
		title: 'detector with suppressed rows, boxes as shares',
		reason: 'as the first one, with boxes from 0 to 1',
		output: { ...draft.output, unit: 'share' },
	};
	return recognition(isStated ? 'certain' : 'likely', isStated ? [draft] : [draft, shares], evidence);
}

/** [1, 4 + labels (+ masks), anchors]. */
function raw(evidence: Evidence, name: string, channels: number, isUltralytics: boolean): Recognition {
	const { names, outputs } = evidence;
	const behind = channels - 4;
	const hasMasks =
		evidence.file.metadata.get('task') === 'segment' ||
		(outputs.length > 1 && behind > MASKS && names?.names.length !== behind);
	const labels = hasMasks ? behind - MASKS : behind;
	const draft: Draft = {
		title: isUltralytics ? ultralyticsTitle(evidence) : 'YOLOv8 or later',
		reason: `the output has ${channels} numbers for every anchor, as of a box and ${labels} classes${
			hasMasks ? ', with coefficients of masks' : ''
		}${isUltralytics ? ', and metadata is by Ultralytics' : ''}`,
		resize: YOLO_LETTERBOX,
		output: rowsOutput('yolo-raw', name, 'cxcywh', 'probabilities'),
		suppression: { iou: NEWER_IOU },
		labels,
		displayScore: DISPLAY_SCORE,
	};
	if (isUltralytics && names?.names.length === labels) return recognition('certain', [draft], evidence);
	const keypoints = (channels - 5) / 3;
	if (names || hasMasks || !USUAL_KEYPOINTS.includes(keypoints) || isOfBoxAndScores(evidence, name)) {
		return recognition('likely', [draft], evidence);
	}
	const pose: Draft = {
		...draft,
		title: 'YOLO for poses, without the keypoints',
		reason: `the output has ${channels} numbers for every anchor, as of a box, a score and ${keypoints} keypoints, which are left out`,
		labels: 1,
	};
	return recognition('ask', [draft, pose], evidence);
}

/** Of a person's body and of a hand. */
const USUAL_KEYPOINTS = [17, 21];

/** Whether an output joins boxes with scores and with nothing else. */
function isOfBoxAndScores({ outputs }: Evidence, name: string): boolean {
	const parts = outputs.find((output) => output.name === name)?.parts;
	return parts?.length === 2 && parts[0] === 4;
}

/**
 * What stands behind boxes and scores, where the graph shows that they are joined with something: Ultralytics' exports for other
 * tasks end so. Coefficients of masks are left out, and the rest is no detector of upright boxes.
 */
function refuseWhatIsJoined({ file, names }: Evidence, table: ResolvedOutput, width: number): void {
	const { parts } = table;
	if (!parts || parts.reduce((sum, size) => sum + size, 0) !== width) return;
	if (names?.names.length === width - 4) return;
	// Boxes and scores are one part already, or two.
	const behind = parts[0] === 4 ? parts.slice(2) : parts.slice(1);
	const [more, further] = behind;
	if (more === undefined || further !== undefined || more === MASKS) return;
	const isAngle = more === 1;
	if (!isAngle && more % 2 !== 0 && more % 3 !== 0) return;
	throw new UserFacingError(
		'model-unreadable',
		`${file.path} is ${TASKS[isAngle ? 'obb' : 'pose']}: its output joins ${more} more to the ${width - more} numbers of a box and its scores, as of ${isAngle ? 'an angle' : 'keypoints'}.`,
		{ remedy: OTHER_TASK },
	);
}

/** [1, anchors, numbers]: with objectness or without, boxes worked out or not. */
function rows(
	evidence: Evidence,
	name: string,
	anchors: number | null,
	width: number,
	isUltralytics: boolean,
): Recognition {
	const { names, picture } = evidence;
	const objectness: Draft = {
		title: 'YOLOv5 or v7',
		reason: `the output has ${width} numbers in every row, as of a box, objectness and ${width - 5} classes, and three anchors for every point of its grids`,
		resize: YOLO_LETTERBOX,
		output: rowsOutput('yolo-objectness', name, 'cxcywh', 'objectness'),
		suppression: { iou: OLDER_IOU },
		labels: width - 5,
		displayScore: DISPLAY_SCORE,
	};
	const transposed: Draft = {
		...objectness,
		title: isUltralytics ? ultralyticsTitle(evidence) : 'YOLOv8 or later',
		reason: `the output has ${width} numbers in every row, as of a box and ${width - 4} classes`,
		output: rowsOutput('yolo-raw', name, 'cxcywh', 'probabilities'),
		suppression: { iou: NEWER_IOU },
		labels: width - 4,
	};
	const decoded: Draft = {
		...objectness,
		title: 'YOLOv6 or later with objectness',
		reason: 'one anchor for every point of its grids, and boxes that may be worked out already',
	};
	const yoloxInput = {
		resize: { kind: 'letterbox', pad: 114, align: 'top-left' },
		range: 255,
		colour: 'bgr',
		colours: plainColours('usual for YOLOX'),
		displayScore: 0.3,
	} as const;
	const yolox: Draft = {
		...objectness,
		...yoloxInput,
		title: 'YOLOX',
		reason: 'one anchor for every point of its grids, as YOLOX exports offsets from them',
		output: { ...objectness.output, form: 'yolox' },
	};
	const yoloxDecoded: Draft = {
		...decoded,
		...yoloxInput,
		title: 'YOLOX, decoded',
		reason: 'as YOLOX, with boxes that are worked out already',
	};
	const count = names?.names.length;
	if (isUltralytics || (count !== undefined && count === width - 4)) {
		if (count === width - 5) return recognition('certain', [objectness], evidence);
		return recognition(isUltralytics && count === width - 4 ? 'certain' : 'likely', [transposed], evidence);
	}
	const points = gridPoints(picture.width, picture.height, YOLOX_STRIDES);
	const withCoarse = gridPoints(picture.width, picture.height, [...YOLOX_STRIDES, 64]);
	if (anchors === 3 * points || anchors === 3 * withCoarse)
		return recognition('likely', [objectness], evidence);
	if (anchors === points) return recognition('ask', [yolox, yoloxDecoded, decoded], evidence);
	const open = { ...objectness, reason: objectness.reason.replace(/, and three anchors.*$/, '') };
	return recognition('ask', [open, transposed], evidence);
}

function gridPoints(width: number, height: number, strides: readonly number[]): number {
	return strides.reduce((sum, stride) => sum + Math.floor(width / stride) * Math.floor(height / stride), 0);
}

function rowsOutput(
	form: CardOutput['form'],
	rows: string,
	boxes: CardOutput['boxes'],
	scores: CardOutput['scores'],
): CardOutput {
	return { form, tensors: { rows }, boxes, unit: 'pixels', scores };
}

/** `YOLO11n` out of `Ultralytics YOLO11n model trained on …`. */
function ultralyticsTitle({ file }: Evidence): string {
	const found = /Ultralytics (\S+) model/.exec(file.metadata.get('description') ?? '')?.[1];
	return found ? `Ultralytics ${found}` : 'Ultralytics YOLO';
}

const TASKS: Readonly<Record<string, string>> = {
	classify: 'a classifier: it names whole pictures and finds no objects in them',
	pose: 'a pose estimator',
	obb: 'a detector of rotated boxes, which Sparsight has not',
	semantic: 'a network for semantic segmentation: it gives no boxes',
};

const OTHER_TASK = 'Choose a detector: an export with task=detect.';

/** What Ultralytics' metadata says a file is for. */
function refuseTask({ file }: Evidence): void {
	const task = file.metadata.get('task');
	const what = task === undefined ? undefined : TASKS[task];
	if (what === undefined) return;
	throw new UserFacingError('model-unreadable', `${file.path} is ${what} (metadata: task=${task}).`, {
		remedy: OTHER_TASK,
	});
}

/** Maps as they leave the network, whose anchors are not in the file. */
function refuseRawMaps({ file, outputs }: Evidence): void {
	if (outputs.length < 2) return;
	const channels = outputs.map(({ shape }) => {
		if (shape?.length === 5 && shape[1] === 3) return 3 * (shape[4] ?? 0);
		return shape?.length === 4 ? shape[1] : null;
	});
	const [first] = channels;
	const isRaw = !!first && first % 3 === 0 && first / 3 > 5 && channels.every((count) => count === first);
	if (!isRaw) return;
	const maps = outputs.map(({ name, shape }) => `${name} [${shape!.join(', ')}]`).join(', ');
	throw new UserFacingError(
		'model-unreadable',
		`${file.path} gives the raw maps of a YOLO (${maps}), and the anchors that boxes are worked out with are not in the file.`,
		{ remedy: 'Export it with its last layer, so that it gives one output of boxes.' },
	);
}
