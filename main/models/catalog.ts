import { readdir, stat } from 'node:fs/promises';
import { join, parse, resolve } from 'node:path';
import { UserFacingError } from '../domain/errors.ts';
import { isModelFile, isModelFolder } from '../families/source.ts';
import { dataFolders } from '../process/data-folders.ts';
import { installationFolder } from '../process/installation.ts';
import { readReceipt, type Receipt } from './receipt.ts';

/** A model by name only: whether it can be read shows when it is opened. */
export type CatalogEntry = {
	/** Name of its folder, or of its file without the extension; the argument of `--model`. */
	id: string;
	/** A folder with a configuration and weights, or a published file of weights. */
	path: string;
	/** `installed`: downloaded or added, in the models folder; `named`: in the folder that SPARSIGHT_MODELS names. */
	source: 'shipped' | 'installed' | 'named';
	/** Of an installed model: where it came from, and its hashes. */
	receipt: Receipt | null;
};

/** A folder of model folders and files of weights beside the shipped ones. */
const MODELS_VARIABLE = 'SPARSIGHT_MODELS';

/**
 * The shipped models, then those of the models folder, then those in the folder given by SPARSIGHT_MODELS; the first of equal ids
 * counts.
 */
export async function listModels(modelsFolder = dataFolders().models): Promise<CatalogEntry[]> {
	const shipped = await modelsIn(join(installationFolder(), 'models'), 'shipped');
	const installed = await modelsIn(modelsFolder, 'installed');
	const namedFolder = process.env[MODELS_VARIABLE];
	const named = namedFolder ? await modelsIn(resolve(namedFolder), 'named') : [];
	const entries = [...shipped, ...installed, ...named];
	return entries.filter((entry, i) => entries.findIndex(({ id }) => id === entry.id) === i);
}

/** The model called `id`; throws `model-not-found`, naming the existing ones. */
export async function modelPath(id: string, modelsFolder = dataFolders().models): Promise<string> {
	const entries = await listModels(modelsFolder);
	const entry = entries.find((one) => one.id === id);
	if (entry) return entry.path;
	const known = entries.map((one) => one.id).join(', ') || 'none';
	throw new UserFacingError('model-not-found', `The model must be one of ${known} (got "${id}").`);
}

/** The folder or file of a model, given its id or a path. Throws `model-not-found`; `asked` begins the sentence. */
export async function findModel(idOrPath: string, asked = '--model'): Promise<string> {
	const entries = await listModels();
	const entry = entries.find(({ id }) => id === idOrPath);
	if (entry) return entry.path;
	const path = resolve(idOrPath);
	if (await exists(path)) return path;
	throw new UserFacingError(
		'model-not-found',
		`${asked} must be one of ${entries.map(({ id }) => id).join(', ')} or the path of a model (got "${idOrPath}").`,
		{ remedy: `Run "sparsight models" to see what is there, or set ${MODELS_VARIABLE} to a folder of models.` },
	);
}

async function modelsIn(folder: string, source: CatalogEntry['source']): Promise<CatalogEntry[]> {
	const entries: CatalogEntry[] = [];
	for (const name of await namesIn(folder)) {
		if (name.startsWith('.')) continue; // not whole yet, or about to go
		const path = join(folder, name);
		const receipt = source === 'installed' ? await readReceipt(path) : null;
		if (receipt) entries.push({ id: name, path: join(path, receipt.opened ?? ''), source, receipt });
		else if (isModelFolder(await namesIn(path))) entries.push({ id: name, path, source, receipt });
		else if (isModelFile(name) && (await isFile(path)))
			entries.push({ id: parse(name).name, path, source, receipt });
	}
	return entries;
}

/** Sorted; empty if there is no such folder. */
async function namesIn(folder: string): Promise<string[]> {
	try {
		return (await readdir(folder)).sort();
	} catch {
		return [];
	}
}

async function exists(path: string): Promise<boolean> {
	return (await stat(path).catch(() => null)) !== null;
}

async function isFile(path: string): Promise<boolean> {
	return (await stat(path).catch(() => null))?.isFile() === true;
}
