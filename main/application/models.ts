import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { ModelDescription } from '../../preload/contract.ts';
import { PRODUCT_VERSION } from '../process/product-version.ts';
import { UserFacingError } from '../domain/errors.ts';
import { listModels, type CatalogEntry } from '../models/catalog.ts';
import { fileTag } from './byte-ranges.ts';
import { readJsonFile, writeJsonFile } from './json-file.ts';

const description = z.object({
	id: z.string(),
	name: z.string(),
	classes: z.array(z.string()),
	modes: z.array(z.string()),
}) satisfies z.ZodType<ModelDescription>;

/** Keyed by the state of a model's files. */
const cacheFile = z.record(z.string(), description);

/**
 * The models that open, as the page shows them. Opening one loads the runtime into this process, so descriptions are
 * cached in `folder` for as long as the model's files and this program stay the same.
 */
export class Models {
	readonly #cachePath: string;
	readonly #folder: string;
	#described: Promise<ModelDescription[]> | null = null;

	constructor(folder: string) {
		this.#cachePath = join(folder, 'models.json');
		this.#folder = folder;
	}

	/** Read once. Models that do not open are left out: `sparsight doctor` tells why. */
	describe(): Promise<ModelDescription[]> {
		this.#described ??= this.#read();
		return this.#described;
	}

	async #read(): Promise<ModelDescription[]> {
		const cached = (await readJsonFile(this.#cachePath, cacheFile)) ?? {};
		const found: Record<string, ModelDescription> = {};
		for (const entry of await listModels()) {
			const key = await stateOf(entry);
			const model = cached[key] ?? (await describe(entry, this.#folder));
			if (model) found[key] = model;
		}
		const isNew = Object.keys(found).some((key) => !(key in cached));
		// Without the cache the next start takes a little longer, that is all.
		if (isNew) await writeJsonFile(this.#cachePath, found).catch(() => undefined);
		return Object.values(found);
	}
}

async function describe({ path }: CatalogEntry, cacheFolder: string): Promise<ModelDescription | null> {
	const { openModel } = await import('../families/index.ts');
	try {
		const { id, name, classes, modes } = await openModel(path, cacheFolder);
		return { id, name, classes: [...classes], modes: [...modes] };
	} catch (error) {
		if (error instanceof UserFacingError) return null;
		throw error;
	}
}

async function stateOf({ id, path }: CatalogEntry): Promise<string> {
	const names = (await readdir(path).catch(() => [])).sort(); // a file of weights has none
	const paths = [path, ...names.map((name) => join(path, name))];
	const tags = await Promise.all(paths.map((part) => stat(part).then(fileTag, () => '-')));
	return [id, PRODUCT_VERSION, ...tags].join(' ');
}
