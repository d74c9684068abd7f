import type { BoxColumns } from '../../boxes/candidates.ts';
import { Detections } from '../../domain/detections.ts';
import { UserFacingError } from '../../domain/errors.ts';
import type { Frame, Letterbox } from '../../domain/frame.ts';
import { type Picture, resizeBytes } from '../../pixels/resize.ts';
import type { GraphRuntime } from '../../runtime/runtime.ts';
import type { OnnxCard } from './card.ts';
import { modelOfCard, requireFit } from './card-model.ts';
import type { Inspection } from './inspect.ts';

/** Boxes below this score are not looked at, 0 to 1. */
const LEAST_SCORE = 0.05;
/** Best boxes whose scores are averaged. */
const TOP = 10;
/** How far boxes may reach beyond the input, as a share of its side, and how many may reach further. */
const [REACH, MOST_OUTSIDE] = [0.25, 0.1];
/** Times the second best's mean score from which a reading is clearly the best. */
const CLEARLY = 1.25;

/** What one frame says of a reading. */
export type Probe = {
	/** In pixels of the frame, best first, from `LEAST_SCORE` on; for drawing. */
	detections: Detections;
	/** Whether all scores are 0 to 1. */
	scoresFit: boolean;
	/** Whether boxes lie in the picture, but for a few, and have a size. */
	boxesFit: boolean;
	/** Boxes that the card would show. */
	shown: number;
	/** Of those, how many of each class, most first. */
	classes: readonly { name: string; count: number }[];
	/** Mean score of the ten best boxes, those that are missing as 0. */
	meanTopScore: number;
	/** Why the network can't be run as this reading has it; null = it can. */
	failure: string | null;
};

/** Whether nothing that a frame shows speaks against a reading. */
export function isPlausible({ scoresFit, boxesFit, failure, detections }: Probe): boolean {
	return failure === null && scoresFit && boxesFit && detections.count > 0;
}

/** A frame: rgb in displayed pixels. */
export type Glimpse = Picture<Uint8Array>;

/**
 * Looks at a frame through each of several cards of a file. `best`: the plausible one whose best boxes score most; null = none is.
 * `isClear`: whether it stands out from the others.
 */
export async function compareCards(
	{ source, file }: Pick<Inspection, 'source' | 'file'>,
	cards: readonly OnnxCard[],
	picture: Glimpse,
	runtime: GraphRuntime,
): Promise<{ probes: readonly Probe[]; best: number | null; isClear: boolean }> {
	const probes: Probe[] = [];
	for (const card of cards) probes.push(await probeCard({ source, file }, card, picture, runtime));
	const plausible = probes.flatMap((probe, i) =>
		isPlausible(probe) ? [{ i, score: probe.meanTopScore }] : [],
	);
	const [first, second] = plausible.sort((a, b) => b.score - a.score || a.i - b.i);
	return {
		probes,
		best: first?.i ?? null,
		isClear: first !== undefined && (!second || first.score >= CLEARLY * second.score),
	};
}

/** Looks at a frame, rgb in displayed pixels, as a card has it. What the network itself fails at stands in `failure`. */
export async function probeCard(
	inspection: Pick<Inspection, 'source' | 'file'>,
	card: OnnxCard,
	picture: Glimpse,
	runtime: GraphRuntime,
): Promise<Probe> {
	try {
		return await lookThrough(inspection, card, picture, runtime);
	} catch (error) {
		if (!(error instanceof UserFacingError)) throw error;
		return { ...judge(card, NOTHING, Detections.none), failure: error.message };
	}
}

/**
 * What a frame says of a card that is only likely, as a clause. Throws `card-needed` where the frame contradicts it, and what
 * running the network throws.
 */
export async function examineCard(
	inspection: Pick<Inspection, 'source' | 'file'>,
	card: OnnxCard,
	picture: Glimpse,
	runtime: GraphRuntime,
): Promise<string> {
	const probe = await lookThrough(inspection, card, picture, runtime);
	const wrong = contradictions(probe);
	const { path } = inspection.file;
	if (wrong.length > 0) {
		throw new UserFacingError(
			'card-needed',
			`${path} was read as ${card.title}, which is only likely, and a frame of the video contradicts it: ${wrong.join(' and ')}.`,
			{
				remedy: `See what else it may be with "sparsight models card ${path} --video F", then choose with --reading N --save, or change fields with --set.`,
			},
		);
	}
	if (probe.detections.count === 0)
		return 'a frame of the video was looked at, and nothing is found in it: that speaks neither for this reading nor against it';
	return `a frame of the video was looked at: all scores lie within 0 to 1 and boxes inside of the picture, and it ${describeFound(probe)}`;
}

/** Throws what the network fails at. */
async function lookThrough(
	{ source, file }: Pick<Inspection, 'source' | 'file'>,
	card: OnnxCard,
	picture: Glimpse,
	runtime: GraphRuntime,
): Promise<Probe> {
	const model = await modelOfCard(source, file, requireFit(card, file, 'The card'));
	const detector = await model.open(
		{ mode: 'dense', settings: {}, displaySize: picture.size, maxSide: 1, scoreThreshold: LEAST_SCORE },
		runtime,
	);
	try {
		const pixels = detector.prepare(frameOf(picture, detector.letterbox));
		const { output } = await detector.run(pixels, detector.select(pixels));
		return judge(card, output as BoxColumns, detector.interpret(output));
	} finally {
		await detector.release();
	}
}

/** What in a frame speaks against a reading, a clause each. */
export function contradictions({ scoresFit, boxesFit }: Probe): string[] {
	return [
		...(scoresFit ? [] : ['scores lie outside of 0 to 1']),
		...(boxesFit ? [] : ['boxes lie outside of the picture or have no size']),
	];
}

/** `finds 3: 2 person, 1 car`. */
export function describeFound({ shown, classes }: Probe): string {
	const found = classes.map(({ name, count }) => `${count} ${name}`).join(', ') || 'nothing worth showing';
	return `finds ${shown}: ${found}`;
}

const NOTHING: BoxColumns = {
	classIndices: new Int32Array(0),
	scores: new Float32Array(0),
	boxesXyxy: new Float32Array(0),
};

function judge(card: OnnxCard, found: BoxColumns, detections: Detections): Probe {
	const { width, height } = card.input;
	const [aside, above] = [REACH * width, REACH * height];
	let outside = 0;
	for (let i = 0; i < found.scores.length; i++) {
		const [left, top, right, bottom] = found.boxesXyxy.subarray(4 * i, 4 * i + 4) as unknown as number[];
		const isIn = left! >= -aside && top! >= -above && right! <= width + aside && bottom! <= height + above;
		const hasSize = right! - left! > 1 && bottom! - top! > 1;
		if (!isIn || !hasSize) outside++;
	}
	const shown = detections.filter((i) => detections.scores[i]! >= card.displayScore);
	const counts = [...shown.countPerClass(card.classes.names.length)];
	const top = [...detections.scores.subarray(0, TOP)];
	return {
		detections,
		scoresFit: found.scores.every((score) => score >= 0 && score <= 1),
		boxesFit: outside <= MOST_OUTSIDE * found.scores.length,
		shown: shown.count,
		classes: counts
			.map((count, i) => ({ name: card.classes.names[i]!, count }))
			.filter(({ count }) => count > 0)
			.sort((a, b) => b.count - a.count),
		meanTopScore: top.reduce((sum, score) => sum + score, 0) / TOP,
		failure: null,
	};
}

/** A picture as a letterbox has it. */
function frameOf(picture: Glimpse, { contentSize, inputSize, fill }: Letterbox): Frame {
	const { data } = resizeBytes(picture, contentSize, 'bilinear');
	const pixels = new Uint8Array(3 * inputSize.width * inputSize.height).fill(fill);
	for (let row = 0; row < contentSize.height; row++) {
		const from = 3 * contentSize.width * row;
		pixels.set(data.subarray(from, from + 3 * contentSize.width), 3 * inputSize.width * row);
	}
	return { index: 0, timeSeconds: 0, pixels, format: 'rgb24', size: inputSize };
}
