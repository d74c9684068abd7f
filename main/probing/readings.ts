import { accessSync, constants, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { UserFacingError } from '../domain/errors.ts';
import { cardBeside, changeCard, findCard, saveCard, type OnnxCard } from '../families/onnx/card.ts';
import { namesInText, withNames } from '../families/onnx/class-names.ts';
import { requireFit } from '../families/onnx/card-model.ts';
import { inspectOnnx, type Inspection } from '../families/onnx/inspect.ts';
import type { Reading } from '../families/onnx/reading.ts';
import type { CardChange, CardPlace } from './protocol.ts';

/** What a person chooses from. */
export type Choice = {
	inspection: Inspection;
	/** The stored card first, then what the file itself suggests. */
	readings: readonly Reading[];
	isSaved: boolean;
	/** See `ModelReadings`. */
	places: readonly CardPlace[];
};

type Folders = { cache: string; cards: string };

/** How a file can be read; runs nothing. Throws what `inspectOnnx` throws. */
export async function choiceOf(path: string, folders: Folders): Promise<Choice> {
	const inspection = await inspectOnnx(path, folders);
	const saved = readableCard(inspection, folders.cards);
	const { readings } = inspection.recognition;
	return {
		inspection,
		readings: saved ? [{ card: saved, reason: 'as its card has it' }, ...readings] : readings,
		isSaved: saved !== null,
		places: placesOf(inspection.source.path),
	};
}

/** A reading's card with what a person changed. Throws `bad-argument` or `model-unreadable` for what does not fit. */
export function cardOf(
	{ inspection, readings }: Choice,
	index: number,
	changes: readonly CardChange[],
): OnnxCard {
	const reading = readings[index];
	if (!reading) {
		throw new UserFacingError('bad-argument', `reading must be below ${readings.length} (got ${index}).`);
	}
	const { fields, names } = changes.find((change) => change.reading === index) ?? { fields: [], names: null };
	const named =
		names === null
			? reading.card
			: withNames(reading.card, namesInText(names, 'The list of names'), 'The list');
	const card = fields.length === 0 ? named : changeCard(named, fields);
	return requireFit(card, inspection.file, 'The card');
}

/** Stores a card for the file. Throws `output-not-writable` where that can't be. */
export function storeCard(
	{ inspection, places }: Choice,
	card: OnnxCard,
	at: CardPlace,
	folders: Folders,
): void {
	const { source, sha256 } = inspection;
	try {
		if (!places.includes(at)) throw new Error('not one of the places');
		saveCard(
			{ ...card, sha256 },
			at === 'beside' ? { beside: source.path } : { folder: folders.cards, sha256 },
		);
	} catch (cause) {
		if (cause instanceof UserFacingError && cause.code === 'disk-full') throw cause;
		const where = at === 'beside' ? `beside ${source.path}` : `in ${folders.cards}`;
		throw new UserFacingError('output-not-writable', `The card cannot be written ${where}.`, { cause });
	}
}

/** A stored card that can't be read is as good as none: another is about to take its place. */
function readableCard({ source, sha256 }: Inspection, folder: string): OnnxCard | null {
	try {
		return findCard(source.path, sha256, folder)?.card ?? null;
	} catch (error) {
		if (error instanceof UserFacingError) return null;
		throw error;
	}
}

/** A card beside the file goes before one in the settings, so that one there would have no effect. */
function placesOf(path: string): CardPlace[] {
	const places: CardPlace[] = [];
	try {
		accessSync(dirname(path), constants.W_OK);
		places.push('beside');
	} catch {
		// the settings remain
	}
	return existsSync(cardBeside(path)) ? places : [...places, 'settings'];
}
