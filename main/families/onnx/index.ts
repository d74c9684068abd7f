import { keepBest, toDisplay, type BoxColumns } from '../../boxes/candidates.ts';
import { modelOf } from '../../detector/model.ts';
import type { PictureOptions } from '../../detector/detector.ts';
import type { BoundNetwork } from '../../detector/bound-network.ts';
import { UserFacingError } from '../../domain/errors.ts';
import { factsOf, type ModelFamily, type OpenedModel } from '../family.ts';
import type { ModelSource } from '../source.ts';
import { findCard, type OnnxCard } from './card.ts';
import { cardCost, onnxHost } from './host.ts';
import { type OnnxFile, readOnnxFile } from './onnx-file.ts';
import { normalisationOf, placePicture } from './picture.ts';
import type { GraphCost } from './operations.ts';
import type { Recognition } from './reading.ts';
import { recognize } from './signature.ts';

/**
 * Detectors as ONNX files, of whatever origin: known by what goes in and comes out, or by a card that says it. To modes they
 * are black boxes that run whole.
 */
export const onnxFamily: ModelFamily = {
	id: 'onnx',
	title: 'ONNX file',
	offers: [],
	readsGraphs: true,
	open: openOnnx,
};

async function openOnnx(source: ModelSource): Promise<OpenedModel> {
	const file = readOnnxFile(source.path);
	const found = findCard(source.path, await source.sha256(), source.cardsFolder);
	if (found) return modelOfCard(source, file, requireFit(found.card, file, found.place), found.card.notes);
	const recognized = recognize(file);
	if (recognized.degree === 'ask') throw mustChoose(source.path, recognized);
	const [reading] = recognized.readings;
	const doubt =
		recognized.degree === 'likely'
			? [`${reading!.card.title} is the likely reading, not a certain one: ${reading!.reason}`]
			: [];
	return modelOfCard(source, file, reading!.card, [...doubt, ...recognized.remarks]);
}

/** A model as one card has it; `remarks` are for the person who opens it. */
export async function modelOfCard(
	source: ModelSource,
	file: OnnxFile,
	card: OnnxCard,
	remarks: readonly string[] = [],
): Promise<OpenedModel> {
	const { title: name, classes, displayScore: displayThreshold } = card;
	const facts = await factsOf(source, { name, classes: classes.names, displayThreshold });
	let known: GraphCost | null = null;
	const cost = () => (known ??= cardCost(file, card));
	return { ...modelOf(facts, (options) => bindCard(file, card, cost, options)), remarks };
}

function bindCard(
	file: OnnxFile,
	card: OnnxCard,
	cost: () => GraphCost,
	{ displaySize, scoreThreshold }: PictureOptions,
): BoundNetwork<BoxColumns> {
	const placement = placePicture(card.input, displaySize);
	const { letterbox, left, top } = placement;
	return {
		host: onnxHost(file, card, placement, scoreThreshold, cost),
		letterbox,
		normalisation: normalisationOf(card.input),
		interpret(candidates: BoxColumns) {
			const boxesXyxy = candidates.boxesXyxy.map((side, i) => side - (i % 2 === 0 ? left : top));
			// Boxes that overlap by no more than all of it stay: where the network has suppressed, nothing goes.
			const kept = keepBest({ ...candidates, boxesXyxy }, card.suppression?.iou ?? 1, card.most);
			return toDisplay(kept, letterbox);
		},
	};
}

/** Throws `model-unreadable` where a card speaks of inputs and outputs that a file has not. */
export function requireFit(card: OnnxCard, file: OnnxFile, place: string): OnnxCard {
	const inputs = new Set(file.inputs.map(({ name }) => name));
	const outputs = new Set(file.outputs.map(({ name }) => name));
	const named = [card.input.name, ...Object.keys(card.input.extras)];
	const without = [...inputs].filter((name) => !named.includes(name));
	const wrong =
		named.find((name) => !inputs.has(name)) ??
		Object.values(card.output.tensors).find((name) => !outputs.has(name));
	if (wrong === undefined && without.length === 0) return card;
	const has = `it has the inputs ${[...inputs].join(', ')} and the outputs ${[...outputs].join(', ')}`;
	throw new UserFacingError(
		'model-unreadable',
		wrong === undefined
			? `${place} says nothing of the input ${without.join(', ')} of ${file.path}.`
			: `${place} names ${wrong}, which ${file.path} has not: ${has}.`,
	);
}

function mustChoose(path: string, { readings }: Recognition): UserFacingError {
	const listed = readings.map(({ card, reason }, i) => `(${i + 1}) ${card.title}: ${reason}`).join('; ');
	return new UserFacingError(
		'card-needed',
		`${path} can be read in ${readings.length} ways, and only you can tell which is right: ${listed}.`,
		{
			remedy: `Choose with "sparsight models card ${path} --reading N --save"; --video F shows what each finds in a frame.`,
		},
	);
}
