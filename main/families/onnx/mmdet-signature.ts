import { z } from 'zod';
import type { Evidence } from './evidence.ts';
import { type Draft, recognition, type Recognition } from './reading.ts';

/** Grey of ImageNet's mean, which is nearly 0 once it is normalised. */
const MEAN_GREY = 116;

const perChannel = z.array(z.number()).length(3);
const pixel = z.int().min(0).max(255);
/** What is read of mmdeploy's pipeline.json; see its `get_preprocess`. */
const pipelineFile = z.object({
	pipeline: z.object({
		tasks: z.array(z.object({ transforms: z.array(z.looseObject({ type: z.string() })).default([]) })),
	}),
});
const resizeStep = z.object({ keep_ratio: z.boolean().default(false) });
const normalizeStep = z.object({
	mean: perChannel,
	std: z.array(z.number().positive()).length(3),
	/** Whether the network sees red first: pictures are loaded with blue first. */
	to_rgb: z.boolean().default(true),
});
const padStep = z.object({
	pad_val: z
		.union([
			pixel.transform((grey) => [grey]),
			z.object({ img: z.array(pixel).min(1) }).transform(({ img }) => img),
		])
		.default([0]),
});

/** Row 8 of the signatures: the names are those of row 7, the types are not. Certain with mmdeploy's pipeline.json beside the file. */
export function recognizeMmdet(evidence: Evidence): Recognition | null {
	const { outputs, others } = evidence;
	const boxes = outputs.find(
		({ type, shape }) => type.startsWith('float') && shape?.length === 3 && shape[2] === 5,
	);
	const labels = outputs.find(({ type, shape }) => type.startsWith('int') && shape?.length === 2);
	if (!boxes || !labels || others.length > 0) return null;
	const rtmdet: Draft = {
		title: 'MMDetection (RTMDet)',
		reason: 'boxes with a score behind them, and whole numbers as labels, as mmdeploy exports them',
		resize: { kind: 'letterbox', pad: 114, align: 'top-left' },
		range: 255,
		colour: 'bgr',
		colours: { mean: [103.53, 116.28, 123.675], std: [57.375, 57.12, 58.395], source: 'usual for RTMDet' },
		output: {
			form: 'mmdet',
			tensors: { boxes: boxes.name, labels: labels.name },
			boxes: 'xyxy',
			unit: 'pixels',
			scores: 'probabilities',
		},
		suppression: null,
		labels: null,
		displayScore: 0.3,
	};
	const stated = statedInput(evidence);
	if (stated) {
		const title = 'MMDetection';
		const reason = `${rtmdet.reason}, and pipeline.json says how pictures are made`;
		const notes = evidence.names
			? []
			: ["nothing says what the classes are called: they go by COCO's names, the usual ones"];
		return recognition('certain', [{ ...rtmdet, ...stated, title, reason, notes }], evidence);
	}
	const mostOthers: Draft = {
		...rtmdet,
		title: 'MMDetection (Faster R-CNN, RetinaNet, DINO …)',
		reason: 'as the first one, with the colours of most other configurations',
		resize: { kind: 'letterbox', pad: 0, align: 'top-left' },
		colour: 'rgb',
		colours: {
			mean: [123.675, 116.28, 103.53],
			std: [58.395, 57.12, 57.375],
			source: 'usual for MMDetection',
		},
	};
	return recognition('likely', [rtmdet, mostOthers], evidence);
}

/** How mmdeploy makes pictures, where its pipeline.json lies beside the file and says all of it; else null. */
function statedInput({ pipeline }: Evidence): Pick<Draft, 'resize' | 'colour' | 'colours'> | null {
	const file = pipelineFile.safeParse(pipeline);
	if (!file.success) return null;
	const steps = file.data.pipeline.tasks.flatMap(({ transforms }) => transforms);
	const at = (type: string) => steps.findIndex((step) => step.type === type);
	const resize = resizeStep.safeParse(steps[at('Resize')]);
	const normalize = normalizeStep.safeParse(steps[at('Normalize')]);
	const pad = padStep.safeParse(steps[at('Pad')] ?? {});
	if (!resize.success || !normalize.success || !pad.success) return null;
	const { mean, std, to_rgb: redFirst } = normalize.data;
	const grey = at('Pad') >= 0 && at('Pad') < at('Normalize') ? pad.data.pad_val[0]! : MEAN_GREY;
	return {
		resize: resize.data.keep_ratio
			? { kind: 'letterbox', pad: grey, align: 'top-left' }
			: { kind: 'stretch' },
		colour: redFirst ? 'rgb' : 'bgr',
		colours: { mean, std, source: 'pipeline.json' },
	};
}
