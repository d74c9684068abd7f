import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { Answers, HostEvent, ListedModel, ModelDescription } from '../../preload/contract.ts';
import { PRODUCT_VERSION } from '../process/product-version.ts';
import { errorToData, UserFacingError, type ErrorData } from '../domain/errors.ts';
import { chosenMirror } from '../models/addresses.ts';
import { readCard, type ModelCard } from '../models/card.ts';
import { readCatalog } from '../models/catalog-file.ts';
import { listModels, type CatalogEntry } from '../models/catalog.ts';
import { addModel, getModel } from '../models/install.ts';
import { listAll, type ListedModel as Listed } from '../models/listing.ts';
import type { DownloadProgress } from '../models/progress-rate.ts';
import { checkFiles } from '../models/receipt.ts';
import { removeModel } from '../models/remove.ts';
import type { DataFolders } from '../process/data-folders.ts';
import { fileTag } from './byte-ranges.ts';
import { readJsonFile, writeJsonFile } from '../process/json-file.ts';
import type { ModelSpeeds } from './model-speeds.ts';

const card = z.object({
	name: z.string(),
	family: z.string(),
	classes: z.array(z.string()),
	modes: z.array(z.string()),
	refusals: z.record(z.string(), z.string()),
	sha256: z.string(),
	remarks: z.array(z.string()),
	denseMacs: z.number(),
}) satisfies z.ZodType<ModelCard>;

/** Keyed by the state of a model's files. */
const cacheFile = z.record(z.string(), card);

/** What opening a model showed: what it is, or why it does not open. */
type Opened = { card: ModelCard; problem: null } | { card: null; problem: ErrorData };

type ModelsDependencies = {
	folders: Pick<DataFolders, 'cache' | 'cards' | 'models'>;
	speeds: ModelSpeeds;
	emit: (event: HostEvent) => void;
};

/**
 * The models that are there and those that can be got. Opening one loads the runtime into this process, so cards are
 * cached for as long as the model's files and this program stay the same.
 */
export class Models {
	readonly #deps: ModelsDependencies;
	readonly #cachePath: string;
	/** By the state of a model's files. */
	readonly #opened = new Map<string, Promise<Opened>>();
	readonly #downloads = new Map<string, { cancel: AbortController; progress: DownloadProgress }>();
	readonly #closing = new AbortController();
	#described: Promise<ModelDescription[]> | null = null;

	constructor(dependencies: ModelsDependencies) {
		this.#deps = dependencies;
		this.#cachePath = join(dependencies.folders.cache, 'models.json');
	}

	/** The models that open. */
	describe(): Promise<ModelDescription[]> {
		this.#described ??= this.#read();
		return this.#described;
	}

	async list(): Promise<ListedModel[]> {
		await this.describe();
		const models = await listAll(this.#deps.folders.models);
		return Promise.all(models.map((model) => this.#listed(model)));
	}

	/** Begins a download; throws `bad-argument` where it goes on already or the model is there. */
	async get(modelId: string): Promise<void> {
		const { models, redirects } = await readCatalog();
		const model = models.find(({ id, files }) => id === modelId && files.length > 0);
		if (!model) throw new UserFacingError('model-not-found', `The catalogue has no model ${modelId} to get.`);
		if (this.#downloads.has(modelId)) {
			throw new UserFacingError('bad-argument', `The model ${modelId} is being got already.`);
		}
		const cancel = new AbortController();
		const nothing = { bytes: 0, totalBytes: null, bytesPerSecond: 0, secondsLeft: null };
		const download = { cancel, progress: nothing as DownloadProgress };
		const mirror = chosenMirror();
		this.#downloads.set(modelId, download);
		const work = getModel(model, {
			modelsFolder: this.#deps.folders.models,
			origin: mirror === null ? { kind: 'publisher' } : { kind: 'mirror', address: mirror },
			redirects,
			signal: cancel.signal,
			check: (path) => this.#requireOpens(path),
			onProgress: (progress) => {
				download.progress = progress;
				this.#deps.emit({ type: 'model.progress', modelId, progress });
			},
		});
		void this.#follow(modelId, work);
	}

	/** Throws `bad-argument` where nothing is being got. */
	cancel(modelId: string): void {
		const download = this.#downloads.get(modelId);
		if (!download) throw new UserFacingError('bad-argument', `The model ${modelId} is not being got.`);
		download.cancel.abort();
	}

	/** Installs a file or folder of the user's, all of it in files that `mayRead` allows. */
	async add(path: string, mayRead: (path: string) => Promise<boolean>): Promise<{ modelId: string }> {
		const { models } = this.#deps.folders;
		const place = await addModel(path, {
			modelsFolder: models,
			check: (found) => this.#requireOpens(found),
			signal: this.#closing.signal,
			mayRead,
		});
		const entry = (await listModels(models)).find((one) => one.path === place);
		await this.#changed();
		if (entry) return { modelId: entry.id };
		throw new UserFacingError('bad-argument', `${path}: another model of that name goes before it.`);
	}

	async remove(modelId: string): Promise<void> {
		await removeModel(modelId, this.#deps.folders.models);
		await this.#changed();
	}

	async verify(modelId: string): Promise<Answers['models.verify']> {
		const entry = await this.#entry(modelId);
		if (!entry.receipt) return { state: 'unrecorded', files: [] };
		const folder = entry.receipt.opened === null ? entry.path : dirname(entry.path);
		const files = await checkFiles(folder, entry.receipt);
		return { state: files.every(({ state }) => state === 'unchanged') ? 'sound' : 'damaged', files };
	}

	/** The file or folder of one that is installed. Throws `model-not-found`. */
	async pathOf(modelId: string): Promise<string> {
		return (await this.#entry(modelId)).path;
	}

	/** A card was written: a model may open now that did not before. */
	async cardsChanged(): Promise<void> {
		await this.#changed();
	}

	async measure(modelId: string, mode: string, videoPath: string): Promise<Answers['models.measure']> {
		return this.#deps.speeds.measure(await this.#entry(modelId), mode, videoPath);
	}

	/** Ends all downloads, which can be gone on with, and copies. */
	close(): void {
		this.#closing.abort();
		for (const { cancel } of this.#downloads.values()) cancel.abort();
	}

	async #follow(modelId: string, work: Promise<string>): Promise<void> {
		const error = await work.then(
			() => null,
			(reason: unknown) => errorToData(reason),
		);
		this.#downloads.delete(modelId);
		if (error === null) await this.#changed();
		this.#deps.emit({ type: 'model.ended', modelId, error });
	}

	async #changed(): Promise<void> {
		this.#described = null;
		this.#deps.emit({ type: 'models', models: await this.describe() });
	}

	async #entry(modelId: string): Promise<CatalogEntry> {
		const entry = (await listModels(this.#deps.folders.models)).find(({ id }) => id === modelId);
		if (entry) return entry;
		throw new UserFacingError('model-not-found', `A model that is installed was expected (got ${modelId}).`);
	}

	async #listed({ id, name, state, entry, published, bytes, loadedBytes }: Listed): Promise<ListedModel> {
		const opened = entry ? await this.#open(await this.#stateOf(entry), entry) : null;
		return {
			modelId: id,
			name: published?.name ?? opened?.card?.name ?? name,
			state,
			source: entry?.source ?? null,
			bytes,
			loadedBytes,
			progress: this.#downloads.get(id)?.progress ?? null,
			published: published && {
				licence: published.licence,
				page: published.page,
				accuracy: published.accuracy,
				unverified: published.unverified,
				family: published.family,
				form: published.form,
			},
			card: opened?.card ?? null,
			problem: opened?.problem ?? null,
			speeds: opened?.card ? await this.#deps.speeds.of(opened.card.sha256) : [],
		};
	}

	async #read(): Promise<ModelDescription[]> {
		const cached = (await readJsonFile(this.#cachePath, cacheFile)) ?? {};
		const found: Record<string, ModelCard> = {};
		const described: ModelDescription[] = [];
		const { models: published } = await readCatalog();
		for (const entry of await listModels(this.#deps.folders.models)) {
			const key = await this.#stateOf(entry);
			const cachedCard = cached[key];
			if (cachedCard) this.#opened.set(key, Promise.resolve({ card: cachedCard, problem: null }));
			const { card: own } = await this.#open(key, entry);
			if (!own) continue;
			found[key] = own;
			const listed = entry.receipt?.from === 'catalog' ? published.find(({ id }) => id === entry.id) : null;
			described.push({
				id: entry.id,
				name: listed?.name ?? own.name,
				classes: own.classes,
				modes: own.modes,
			});
		}
		const isNew = Object.keys(found).some((key) => !(key in cached));
		// Without the cache the next start takes a little longer, that is all.
		if (isNew) await writeJsonFile(this.#cachePath, found).catch(() => undefined);
		return described;
	}

	#open(key: string, { path }: CatalogEntry): Promise<Opened> {
		const known = this.#opened.get(key);
		if (known) return known;
		const opening = readCard(path, this.#deps.folders).then(
			(own): Opened => ({ card: own, problem: null }),
			(error: unknown): Opened => ({ card: null, problem: errorToData(error) }),
		);
		this.#opened.set(key, opening);
		return opening;
	}

	/** One that only needs a card may be installed. */
	async #requireOpens(path: string): Promise<void> {
		try {
			await readCard(path, this.#deps.folders);
		} catch (error) {
			if (!(error instanceof UserFacingError && error.code === 'card-needed')) throw error;
		}
	}

	async #stateOf({ id, path }: CatalogEntry): Promise<string> {
		const names = (await readdir(path).catch(() => [])).sort(); // a file of weights has none
		const cards = path.endsWith('.onnx') ? [`${path}.card.json`, this.#deps.folders.cards] : [];
		const paths = [path, ...cards, ...names.map((name) => join(path, name))];
		const tags = await Promise.all(paths.map((part) => stat(part).then(fileTag, () => '-')));
		return [id, PRODUCT_VERSION, ...tags].join(' ');
	}
}
