import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { UserFacingError } from '../domain/errors.ts';
import { readCheckpoint } from '../weights/checkpoint.ts';
import type { Model } from '../detector/detector.ts';
import { detrFamily } from './detr/index.ts';
import type { Checkpoint, ModelFamily, ModelFiles } from './family.ts';
import { LOOKOUT_FORMAT } from './lookout/config.ts';
import { openLookout } from './lookout/index.ts';
import { LOOKOUT_SH_FORMAT, openLookoutSh } from './lookout-sh/index.ts';
import { shvitFamily } from './shvit/index.ts';
import { sparseDetrFamily } from './sparse-detr/index.ts';
import { vitDet } from './vitdet/index.ts';

/** Longer side of the picture that the network sees unless asked otherwise, in pixels. */
export const DEFAULT_MAX_SIDE = 768;
/** Detections below this score are not stored unless asked otherwise: low, so that precision curves have a tail. */
export const DEFAULT_SCORE_THRESHOLD = 0.05;

/** Who reads a model folder, by the `format` that its model.json states. One line per format. */
const FAMILIES: Readonly<Record<string, (files: ModelFiles) => Model>> = {
	[LOOKOUT_FORMAT]: openLookout,
	[LOOKOUT_SH_FORMAT]: openLookoutSh,
};

/** Families that are known by the tensors of a published file; the first that recognizes them opens it. */
const CHECKPOINT_FAMILIES: readonly ModelFamily[] = [vitDet, detrFamily, sparseDetrFamily, shvitFamily];

/** The files of a model folder. */
const [CONFIG_FILE, WEIGHTS_FILE] = ['model.json', 'model.safetensors'];
/** Tensors that a sentence names of a file that no family knows. */
const NAMED_TENSORS = 4;

/**
 * Opens a model: a folder with model.json and model.safetensors, one of the two files, or a published file of weights
 * (`.pth`, `.safetensors`) of a family that is known. Throws `model-not-found`, `model-unreadable` or `tensor-mismatch`.
 */
export async function openModel(path: string): Promise<Model> {
	const place = resolve(path);
	const found = await stat(place).catch(() => null);
	if (!found) throw new UserFacingError('model-not-found', `${place}: no such model.`);
	if (found.isDirectory()) return openFolder(place);
	const isPartOfFolder =
		[CONFIG_FILE, WEIGHTS_FILE].includes(basename(place)) && existsSync(join(dirname(place), CONFIG_FILE));
	return isPartOfFolder ? openFolder(dirname(place)) : openCheckpoint(await readCheckpoint(place));
}

async function openFolder(folder: string): Promise<Model> {
	const configPath = join(folder, CONFIG_FILE);
	const weightsPath = join(folder, WEIGHTS_FILE);
	const configText = new TextDecoder().decode(await read(configPath));
	const weightBytes = await read(weightsPath);
	const format = statedFormat(configText, configPath);
	const open = FAMILIES[format];
	if (!open) {
		const known = Object.keys(FAMILIES).join('" or "');
		throw new UserFacingError(
			'model-unreadable',
			`${configPath}: format must be "${known}" (got "${format}").`,
		);
	}
	return open({ configPath, configText, weightsPath, weightBytes });
}

function openCheckpoint(checkpoint: Checkpoint): Model {
	const family = CHECKPOINT_FAMILIES.find((candidate) => candidate.recognizes(checkpoint.weights));
	if (family) return family.open(checkpoint);
	const names = [...checkpoint.weights.keys()].slice(0, NAMED_TENSORS).join(', ');
	const known = CHECKPOINT_FAMILIES.map(({ title }) => title).join(', ');
	throw new UserFacingError(
		'model-unreadable',
		`${checkpoint.path} holds tensors of no family that is known (${known}): it starts with ${names}.`,
	);
}

async function read(path: string): Promise<Uint8Array> {
	try {
		return await readFile(path);
	} catch (cause) {
		throw new UserFacingError(
			'model-not-found',
			`${path} cannot be read; a model is a folder that holds it.`,
			{ cause },
		);
	}
}

function statedFormat(configText: string, place: string): string {
	try {
		const json: unknown = JSON.parse(configText);
		if (typeof json === 'object' && json !== null && 'format' in json) return String(json.format);
	} catch (cause) {
		throw new UserFacingError('model-unreadable', `${place} is not JSON.`, { cause });
	}
	throw new UserFacingError('model-unreadable', `${place} has no "format".`);
}
