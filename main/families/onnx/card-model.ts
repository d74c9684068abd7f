import { keepBest, toDisplay, type BoxColumns } from '../../boxes/candidates.ts';
import type { BoundNetwork } from '../../detector/bound-network.ts';
import type { ModelReading, PictureOptions } from '../../detector/detector.ts';
import { modelOf } from '../../detector/model.ts';
import { UserFacingError } from '../../domain/errors.ts';
import { factsOf, type OpenedModel } from '../family.ts';
import type { ModelSource } from '../source.ts';
import type { OnnxCard } from './card.ts';
import { cardCost, onnxHost } from './host.ts';
import type { OnnxFile } from './onnx-file.ts';
import type { GraphCost } from './operations.ts';
import { normalisationOf, placePicture } from './picture.ts';

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
	const model = modelOf(facts, (options) => bindCard(file, card, cost, options));
	return { ...model, reading: readingOf(card), remarks };
}

/** All that boxes depend on beside the file itself. */
function readingOf({ input, output, suppression, most, classes }: OnnxCard): ModelReading {
	return { input, output, suppression, most, 'unused labels': classes.unused };
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
