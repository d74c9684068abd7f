import { UserFacingError } from '../../domain/errors.ts';
import type { ModelFamily, OpenedModel } from '../family.ts';
import type { ModelSource } from '../source.ts';
import { findCard } from './card.ts';
import { modelOfCard, requireFit } from './card-model.ts';
import { readOnnxFile } from './onnx-file.ts';
import { examineCard } from './probe.ts';
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
	const { card, reason } = recognized.readings[0]!;
	if (recognized.degree === 'certain') return modelOfCard(source, file, card, recognized.remarks);
	const doubt = `${card.title} is the likely reading, not a certain one: ${reason}`;
	const model = await modelOfCard(source, file, card, [doubt, ...recognized.remarks]);
	return { ...model, examine: (...seen) => examineCard({ source, file }, card, ...seen) };
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
