import { readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { UserFacingError } from '../domain/errors.ts';
import type { Model } from './detector.ts';
import type { ModelFiles } from './families/family.ts';
import { LOOKOUT_FORMAT } from './families/lookout/config.ts';
import { openLookout } from './families/lookout/index.ts';

/** Longer side of the picture that the network sees unless asked otherwise, in pixels. */
export const DEFAULT_MAX_SIDE = 768;
/** Detections below this score are not stored unless asked otherwise: low, so that precision curves have a tail. */
export const DEFAULT_SCORE_THRESHOLD = 0.05;

/** Which family reads a model, by the `format` that its model.json states. One line per family. */
const FAMILIES: Readonly<Record<string, (files: ModelFiles) => Model>> = {
	[LOOKOUT_FORMAT]: openLookout,
};

/**
 * Opens a model: a folder with model.json and model.safetensors, or one of the two files. Throws
 * `model-not-found`, `model-unreadable` or `tensor-mismatch`.
 */
export async function openModel(path: string): Promise<Model> {
	const folder = await modelFolder(resolve(path));
	const configPath = join(folder, 'model.json');
	const weightsPath = join(folder, 'model.safetensors');
	const configText = new TextDecoder().decode(await read(configPath));
	const weightBytes = await read(weightsPath);
	const format = statedFormat(configText, configPath);
	const open = FAMILIES[format];
	if (!open) {
		const known = Object.keys(FAMILIES).join('", "');
		throw new UserFacingError(
			'model-unreadable',
			`${configPath}: format must be "${known}" (got "${format}").`,
		);
	}
	return open({ configPath, configText, weightsPath, weightBytes });
}

async function modelFolder(path: string): Promise<string> {
	const found = await stat(path).catch(() => null);
	if (!found) throw new UserFacingError('model-not-found', `${path}: no such model.`);
	return found.isDirectory() ? path : dirname(path);
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
