import type { CardInput, CardOutput } from './card.ts';
import { type Colours, type Evidence, imageNet, plainColours, type ResolvedOutput } from './evidence.ts';
import { makersIn, type OnnxFile, type OnnxPort } from './onnx-file.ts';
import { type Draft, recognition, type Recognition, STRETCH } from './reading.ts';

const DISPLAY_SCORE = 0.4;
/** Rows of boxes of a DETR; those of anchors are more. */
const MOST_QUERIES = 1000;
const isWhole = (type: string) => type === 'int64' || type === 'int32';

/** Rows 5, 7, 9 and 13 of the signatures: networks of queries. */
export function recognizeDetr(evidence: Evidence): Recognition | null {
	return postprocessed(evidence) ?? withLogits(evidence);
}

/** Boxes, labels and scores of the best pairs. */
function postprocessed(evidence: Evidence): Recognition | null {
	const { file, outputs, others, colours } = evidence;
	const boxes = outputs.find(({ shape }) => shape?.length === 3 && shape[2] === 4);
	const flat = outputs.filter(({ shape }) => shape?.length === 2);
	const labels = flat.find(({ type }) => isWhole(type)) ?? flat.find(({ name }) => name === 'labels');
	const scores = flat.find((output) => output !== labels && !isWhole(output.type));
	if (!boxes || !labels || !scores || flat.length > 2) return null;
	const [sizes, further] = others;
	if (further || (sizes && !isSize(sizes))) return null;
	const rule = coloursByRule(evidence);
	const count = labelsInGraph(file, labels.name);
	const output: CardOutput = {
		form: 'detr-postprocessed',
		tensors: { boxes: boxes.name, labels: labels.name, scores: scores.name },
		boxes: 'xyxy',
		unit: sizes ? 'share' : 'pixels',
		scores: 'probabilities',
	};
	const draft: Draft = {
		title: colours ? 'LTDETR or alike' : 'RT-DETR, D-FINE or DEIM',
		reason: `boxes, labels and scores of ${boxes.shape![1] ?? 'the best'} queries${sizes ? `, worked out for the size in ${sizes.name}` : ''}; ${rule.source}`,
		resize: STRETCH,
		colours: rule,
		extras: sizes ? { [sizes.name]: 'unit-size' } : {},
		output,
		suppression: null,
		labels: count,
		displayScore: DISPLAY_SCORE,
	};
	if (colours) return recognition('certain', [draft], evidence);
	const readings = [draft, otherColours(draft, evidence)];
	if (sizes) return recognition(evidence.isVit ? 'likely' : 'certain', readings, evidence);
	const shares: Draft = {
		...draft,
		reason: 'as the first one, with boxes from 0 to 1',
		output: { ...output, unit: 'share' },
	};
	return recognition('ask', [draft, shares, otherColours(draft, evidence)], evidence);
}

function isSize({ type, dims }: OnnxPort): boolean {
	return (isWhole(type) || type === 'float32') && dims?.length === 2 && (dims[1] === 2 || dims[1] === null);
}

/** Boxes and logits of all queries. */
function withLogits(evidence: Evidence): Recognition | null {
	const { outputs, others, picture, config, colours } = evidence;
	const tables = outputs.filter(
		({ type, shape }) => !isWhole(type) && shape?.length === 3 && (shape[1] ?? 0) < MOST_QUERIES,
	);
	const fitting = tables.filter(({ shape }) => shape![2] === 4);
	const boxes = fitting.find(({ name }) => /box|dets/.test(name)) ?? fitting[0];
	const scored = tables.filter((output) => output !== boxes && output.shape![1] === boxes?.shape![1]);
	const logits = scored.find(({ name }) => /logit|label|class|score/.test(name)) ?? scored[0];
	if (!boxes || !logits) return null;
	const mask = others.find(({ dims }) => dims === null || dims.length === 3);
	if (others.some((other) => other !== mask)) return null;
	const labels = logits.shape![2] ?? null;
	const common = {
		resize: STRETCH,
		extras: mask ? { [mask.name]: 'ones' as const } : {},
		suppression: null,
		labels,
		notes: halfNotes(evidence),
	};
	const outputOf = (scores: 'sigmoid' | 'softmax'): CardOutput => ({
		form: 'detr-logits',
		tensors: { boxes: boxes.name, logits: logits.name },
		boxes: 'cxcywh',
		unit: 'share',
		scores,
	});
	const queries = `${boxes.shape![1] ?? 'some'} queries with ${labels ?? 'some'} logits each`;
	const isRfDetr = !config && picture.name !== 'pixel_values' && logits.name === 'labels';
	if (colours || isRfDetr) {
		const draft: Draft = {
			...common,
			title: colours ? 'LTDETR or alike' : 'RF-DETR or LW-DETR',
			reason: `${queries}, in an output called ${logits.name} that holds no whole numbers`,
			colours: colours ?? imageNet('usual for RF-DETR'),
			output: outputOf('sigmoid'),
			background: 'maybe-last',
			displayScore: DISPLAY_SCORE,
		};
		return recognition('certain', [draft], evidence);
	}
	return huggingFace(evidence, { ...common, queries, outputOf }, boxes);
}

/** Of releases of transformers, by `model_type`: how logits become scores, and whether pictures are normalised. */
const MODEL_TYPES: Readonly<Record<string, { scores: 'sigmoid' | 'softmax'; normalised: boolean }>> = {
	detr: { scores: 'softmax', normalised: true },
	yolos: { scores: 'softmax', normalised: true },
	'table-transformer': { scores: 'softmax', normalised: true },
	conditional_detr: { scores: 'sigmoid', normalised: true },
	deformable_detr: { scores: 'sigmoid', normalised: true },
	dab_detr: { scores: 'sigmoid', normalised: true },
	deta: { scores: 'sigmoid', normalised: true },
	rf_detr: { scores: 'sigmoid', normalised: true },
	lw_detr: { scores: 'sigmoid', normalised: true },
	rt_detr: { scores: 'sigmoid', normalised: false },
	rt_detr_v2: { scores: 'sigmoid', normalised: false },
	d_fine: { scores: 'sigmoid', normalised: false },
	deimv2: { scores: 'sigmoid', normalised: false },
};

/** Logits of COCO's ids and of none of them. */
const WITH_BACKGROUND = 92;

type Common = Pick<Draft, 'resize' | 'extras' | 'suppression' | 'labels' | 'notes'> & {
	queries: string;
	outputOf(scores: 'sigmoid' | 'softmax'): CardOutput;
};

function huggingFace(evidence: Evidence, common: Common, boxes: ResolvedOutput): Recognition {
	const { config, names } = evidence;
	const { queries, outputOf, ...rest } = common;
	const type = typeof config?.['model_type'] === 'string' ? config['model_type'] : null;
	const known = type === null ? undefined : MODEL_TYPES[type];
	const processor = processorColours(evidence);
	const draftOf = (
		scores: 'sigmoid' | 'softmax',
		title: string,
		reason: string,
		colours: Colours,
	): Draft => ({
		...rest,
		...processorSize(evidence),
		title,
		reason,
		colours,
		output: outputOf(scores),
		background: scores === 'softmax' ? 'last' : 'maybe-last',
		most: boxes.shape![1] ?? 300,
		displayScore: scores === 'softmax' ? 0.5 : DISPLAY_SCORE,
	});
	if (known && type !== null) {
		const usual = known.normalised ? imageNet(`usual for ${type}`) : plainColours(`usual for ${type}`);
		const reason = `${queries}, and config.json says model_type ${type}`;
		return recognition('certain', [draftOf(known.scores, type, reason, processor ?? usual)], evidence);
	}
	const rule = processor ?? coloursByRule(evidence);
	const sigmoid = draftOf(
		'sigmoid',
		'DETR with sigmoid scores',
		`${queries}, read as RT-DETR, Deformable DETR or RF-DETR have them`,
		rule,
	);
	const softmax = draftOf(
		'softmax',
		'DETR with softmax scores',
		`${queries}, read as DETR and YOLOS have them, the last one for nothing`,
		processor ?? imageNet('usual for DETR'),
	);
	const count = names?.names.length;
	const hasBackground = rest.labels === WITH_BACKGROUND || (count !== undefined && rest.labels === count + 1);
	const readings = hasBackground ? [softmax, sigmoid] : [sigmoid, softmax];
	return recognition('ask', processor ? readings : [...readings, otherColours(sigmoid, evidence)], evidence);
}

/** What preprocessor_config.json says of colours. */
function processorColours({ processor }: Evidence): Colours | null {
	if (!processor) return null;
	const source = 'preprocessor_config.json';
	const { image_mean: mean, image_std: std, do_normalize: normalises } = processor;
	if (normalises === false) return plainColours(source);
	const isTriple = (list: unknown): list is number[] =>
		Array.isArray(list) && list.length === 3 && list.every((value) => typeof value === 'number');
	return isTriple(mean) && isTriple(std) ? { mean, std, source } : null;
}

/** The size in preprocessor_config.json, where the file itself leaves it open. */
function processorSize({ processor, picture }: Evidence): Pick<Draft, 'size' | 'resize'> | object {
	if (!picture.isGuess || typeof processor?.['size'] !== 'object' || processor['size'] === null) return {};
	const given = processor['size'] as Record<string, unknown>;
	const { width, height, shortest_edge: shortest } = given;
	const source = 'preprocessor_config.json';
	if (typeof width === 'number' && typeof height === 'number') return { size: { width, height, source } };
	if (typeof shortest !== 'number') return {};
	// Networks that were trained on pictures of any shape: the usual one, and padding of ImageNet's mean grey, which is 0 to them.
	const size = { width: Math.ceil((shortest * 4) / 3 / 32) * 32, height: shortest, source };
	const resize: CardInput['resize'] = { kind: 'letterbox', pad: 116, align: 'top-left' };
	return { size, resize };
}

/** The rule of colours: vision transformers were trained with ImageNet's, networks of convolutions of these families on plain pixels. */
function coloursByRule({ isVit, colours }: Evidence): Colours {
	if (colours) return colours;
	return isVit
		? imageNet("a vision transformer is in it, and those are trained with ImageNet's mean and deviation")
		: plainColours('no vision transformer is in it, and networks without are trained on pixels from 0 to 1');
}

/** The same with the other of both usual colours. */
function otherColours(draft: Draft, { isVit }: Evidence): Draft {
	const colours = isVit ? plainColours('the other usual one') : imageNet('the other usual one');
	const what = isVit ? 'pixels from 0 to 1 as they are' : "ImageNet's mean and deviation";
	return { ...draft, colours, reason: `as the first one, with ${what}` };
}

function halfNotes({ picture }: Evidence): string[] {
	if (picture.type !== 'float16') return [];
	return [
		'half precision costs RF-DETR Medium and Large much of their accuracy: the same network in float32 is safer',
	];
}

/** Steps back from the labels that are looked at. */
const STEPS = 8;

/**
 * How many labels the best pairs are taken from: what the place of a pair is divided by to get its label, or one more than the
 * largest of the ids that labels are looked up in. Null where the graph does not show it.
 */
function labelsInGraph({ nodes, constants }: OnnxFile, output: string): number | null {
	const makers = makersIn(nodes);
	const valuesOf = (name: string) => {
		const made = makers.get(name)?.attributes.get('value');
		return constants.get(name)?.values ?? (typeof made === 'object' && 'dims' in made ? made.values : null);
	};
	let layer = [output];
	for (let step = 0; step < STEPS; step++) {
		const inputs: string[] = [];
		for (const name of layer) {
			const node = makers.get(name);
			if (!node || node.operator === 'TopK') continue;
			if (node.operator === 'Gather') {
				const table = valuesOf(node.inputs[0]!);
				if (table && table.length > 1) return Math.max(...table) + 1;
			}
			for (const input of node.inputs) {
				const [count, other] = valuesOf(input) ?? [];
				const divides = ['Div', 'Mod', 'Mul'].includes(node.operator);
				if (divides && count !== undefined && other === undefined && count > 0) return count;
				inputs.push(input);
			}
		}
		layer = inputs;
	}
	return null;
}
