import { UserFacingError } from '../../domain/errors.ts';
import { recognizeDetr } from './detr-signatures.ts';
import { type Evidence, gatherEvidence, imageNet, plainColours } from './evidence.ts';
import { recognizeMmdet } from './mmdet-signature.ts';
import type { OnnxFile } from './onnx-file.ts';
import { type Draft, recognition, type Recognition, STRETCH } from './reading.ts';
import { recognizeYolo } from './yolo-signatures.ts';

/** Anchors are many. */
const LEAST_ANCHORS = 1000;

/** What recognises networks, in turn: each knows its own by number, types and shapes of outputs, never by names alone. */
const RULES: readonly ((evidence: Evidence) => Recognition | null)[] = [
	recognizeCenterFace,
	recognizeMmdet,
	recognizeAnchorPairs,
	recognizeDetr,
	recognizeYolo,
];

/**
 * What a file is, with a complete card for every reading that fits. Throws `model-unreadable`, saying what was found, for what is no
 * detector or fits nothing that is known.
 */
export function recognize(file: OnnxFile): Recognition {
	const evidence = gatherEvidence(file);
	for (const rule of RULES) {
		const recognized = rule(evidence);
		if (!recognized) continue;
		const { batch } = evidence.picture;
		if (batch === null || batch === 1 || rule === recognizeCenterFace) return recognized;
		throw new UserFacingError(
			'model-unreadable',
			`${file.path} takes ${batch} pictures at once; one was expected.`,
			{ remedy: 'Export it with a batch of 1, or one that varies.' },
		);
	}
	throw notADetector(evidence);
}

/** Row 10 of the signatures. Sizes that the file fixes are those of its export; the network takes any. */
function recognizeCenterFace(evidence: Evidence): Recognition | null {
	const { outputs, picture } = evidence;
	const maps = outputs.filter(({ shape }) => shape?.length === 4);
	const channels = maps.map(({ shape }) => shape![1] ?? 0).sort((a, b) => a - b);
	if (outputs.length !== 4 || channels.join() !== '1,2,2,10') return null;
	const grids = new Set(maps.map(({ shape }) => String(shape!.slice(2))));
	if (grids.size !== 1) return null;
	const scores = maps.find(({ shape }) => shape![1] === 1)!;
	const [sizes, offsets] = maps.filter(({ shape }) => shape![1] === 2);
	const fits = Math.min(picture.width, picture.height) >= 160 && !picture.isGuess;
	return recognition(
		'certain',
		[
			{
				title: 'CenterFace',
				reason: 'four maps of one grid: a score, a size, an offset and five landmarks for every fourth pixel',
				resize: { kind: 'letterbox', pad: 0, align: 'top-left' },
				range: 255,
				colours: plainColours('usual for CenterFace'),
				output: {
					form: 'centerface',
					tensors: { scores: scores.name, sizes: sizes!.name, offsets: offsets!.name },
					boxes: 'cxcywh',
					unit: 'pixels',
					scores: 'probabilities',
				},
				suppression: { iou: 0.3 },
				most: 750,
				labels: 1,
				names: ['face'],
				displayScore: 0.5,
				...(!fits && { size: { width: 640, height: 640, source: 'usual; the network takes any size' } }),
			},
		],
		evidence,
	);
}

/** Row 11, and YOLO-NAS: boxes and probabilities of all anchors. */
function recognizeAnchorPairs(evidence: Evidence): Recognition | null {
	const { outputs, others } = evidence;
	const tables = outputs.filter(
		({ type, shape }) => type.startsWith('float') && shape?.length === 3 && (shape[1] ?? 0) >= LEAST_ANCHORS,
	);
	const boxes = tables.find(({ name, shape }) => shape![2] === 4 && !/score/.test(name));
	const scores = tables.find((output) => output !== boxes && output.shape![1] === boxes?.shape![1]);
	if (!boxes || !scores || outputs.length !== 2 || others.length > 0) return null;
	const labels = scores.shape![2] ?? null;
	const output = {
		form: 'anchor-pairs',
		tensors: { boxes: boxes.name, scores: scores.name },
		boxes: 'xyxy',
		unit: 'share',
		scores: 'probabilities',
	} as const;
	const ultraFace: Draft = {
		title: 'UltraFace',
		reason: `boxes of ${boxes.shape![1]} anchors, and two probabilities each, for nothing and for a face`,
		resize: STRETCH,
		range: 255,
		colours: { mean: [127, 127, 127], std: [128, 128, 128], source: 'usual for UltraFace' },
		output,
		suppression: { iou: 0.3 },
		labels,
		background: 'first',
		names: ['face'],
		displayScore: 0.7,
	};
	if (labels === 2) return recognition('likely', [ultraFace], evidence);
	const yoloNas: Draft = {
		title: 'YOLO-NAS',
		reason: `boxes of ${boxes.shape![1]} anchors, and ${labels ?? 'some'} probabilities each`,
		resize: { kind: 'letterbox', pad: 114, align: 'top-left' },
		output: { ...output, unit: 'pixels' },
		suppression: { iou: 0.65 },
		labels,
		displayScore: 0.25,
	};
	const shares: Draft = {
		...yoloNas,
		title: 'anchors with boxes as shares',
		reason: 'as the first one, with boxes from 0 to 1 in a stretched picture',
		resize: STRETCH,
		colours: imageNet('usual'),
		output,
	};
	return recognition('ask', [yoloNas, shares], evidence);
}

/** What can be read, for sentences. */
const SUPPORTED =
	'YOLOv5 to v12, YOLO26, YOLOX, RT-DETR, D-FINE, DEIM, RF-DETR, DETR, MMDetection, CenterFace and UltraFace exports';

function notADetector({ file, outputs, others }: Evidence): UserFacingError {
	const found = outputs
		.map(
			({ name, type, shape }) => `${name} ${type} [${shape?.map((size) => size ?? '?').join(', ') ?? '?'}]`,
		)
		.join(', ');
	const ranks = outputs.map(({ shape }) => shape?.length ?? 0);
	const isMap = (shape: readonly (number | null)[] | null) =>
		(shape?.length === 4 && shape[2] !== 1) || (shape?.length === 3 && outputs.length === 1);
	const what = outputs.some(({ name }) => /keypoint|kpt/i.test(name))
		? 'a pose estimator (such as ECPose): it gives keypoints and no boxes'
		: ranks.every((rank) => rank === 2) || outputs.every(({ shape }) => shape?.length === 4 && shape[2] === 1)
			? 'a classifier: it names whole pictures and finds no objects in them'
			: outputs.every(({ shape }) => isMap(shape))
				? 'a network for segmentation or the like: it gives a map and no boxes'
				: null;
	const besides = others.length > 0 ? ` beside inputs ${others.map(({ name }) => name).join(', ')}` : '';
	return new UserFacingError(
		'model-unreadable',
		what === null
			? `${file.path} is no detector that is known: no output fits (got ${found}${besides}).`
			: `${file.path} is ${what} (got ${found}).`,
		{ remedy: `Supported: ${SUPPORTED}.` },
	);
}
