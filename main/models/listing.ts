import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { listModels, type CatalogEntry } from './catalog.ts';
import { publishedBytes, readCatalog, type CatalogModel } from './catalog-file.ts';

/** A model that is there, or that could be got. */
export type ListedModel = {
	id: string;
	name: string;
	/** `available`: its files have addresses; `elsewhere`: a mirror, a folder or the user must bring them. */
	state: 'installed' | 'available' | 'elsewhere';
	/** Where it is; null where it is not. */
	entry: CatalogEntry | null;
	/** What the catalogue knows; null for the user's own models. */
	published: CatalogModel | null;
	/** On the disk, or as published; null where that is unknown. */
	bytes: number | null;
	/** Bytes of a download that broke off and can be gone on with. */
	loadedBytes: number;
};

/** All models that are there, then those of the catalogue that are not. */
export async function listAll(modelsFolder: string): Promise<ListedModel[]> {
	const [entries, { models }] = await Promise.all([listModels(modelsFolder), readCatalog()]);
	const installed = entries.map(async (entry): Promise<ListedModel> => {
		const published = models.find((model) => isOf(entry, model)) ?? null;
		return {
			id: entry.id,
			name: published?.name ?? entry.id,
			state: 'installed',
			entry,
			published,
			bytes: await bytesOf(entry),
			loadedBytes: 0,
		};
	});
	const others = models
		.filter(({ id, files }) => files.length > 0 && entries.every((entry) => entry.id !== id))
		.map(async (published): Promise<ListedModel> => {
			const { id, name, files } = published;
			const state = files.every(({ address }) => address !== null) ? 'available' : 'elsewhere';
			const loadedBytes = await bytesIn(join(modelsFolder, `.part-${id}`));
			return { id, name, state, entry: null, published, bytes: publishedBytes(published), loadedBytes };
		});
	return Promise.all([...installed, ...others]);
}

/** A model of the user's own that bears the name of one of the catalogue is not that one. */
function isOf({ id, source, receipt }: CatalogEntry, model: CatalogModel): boolean {
	if (id !== model.id) return false;
	return source === 'shipped' || receipt?.from === 'catalog';
}

async function bytesOf({ path, receipt }: CatalogEntry): Promise<number | null> {
	if (receipt) return receipt.files.reduce((sum, { bytes }) => sum + bytes, 0);
	const found = await stat(path).catch(() => null);
	if (!found) return null;
	return found.isDirectory() ? bytesIn(path) : found.size;
}

/** Of the files of a folder; 0 where there is none. */
async function bytesIn(folder: string): Promise<number> {
	const names = await readdir(folder).catch(() => []);
	const sizes = await Promise.all(
		names.map((name) =>
			stat(join(folder, name)).then(
				(file) => (file.isFile() ? file.size : 0),
				() => 0,
			),
		),
	);
	return sizes.reduce((sum, size) => sum + size, 0);
}
