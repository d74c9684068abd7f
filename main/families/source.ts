import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { UserFacingError } from '../domain/errors.ts';
import { FileBytes } from '../weights/byte-source.ts';
import type { Weights } from '../weights/safetensors.ts';
import { type Checkpoint, readCheckpoint } from '../weights/checkpoint.ts';
import { FileHashes } from '../weights/file-hashes.ts';

/** Files that say what a folder's weights are: Sparsight's own first, then those of Hugging Face. */
const CONFIG_FILES = ['model.json', 'config.json'] as const;
const WEIGHTS_FILE = 'model.safetensors';
/** How published files of weights are called. */
const WEIGHTS_EXTENSIONS = ['.pth', '.pt', '.safetensors'];
/** How files are called that hold a network with its weights. */
const GRAPH_EXTENSION = '.onnx';

/** Whether a folder that holds files of these names is meant as a model; whether it can be read, opening shows. */
export function isModelFolder(names: readonly string[]): boolean {
	return CONFIG_FILES.some((name) => names.includes(name)) && names.includes(WEIGHTS_FILE);
}

/** Whether a file of this name is meant as a model by itself. */
export function isModelFile(name: string): boolean {
	return [...WEIGHTS_EXTENSIONS, GRAPH_EXTENSION].includes(extname(name).toLowerCase());
}

/** A JSON file of a folder: what it holds, and its path for sentences. */
export type SourceConfig = { name: (typeof CONFIG_FILES)[number]; place: string; json: unknown };

/**
 * A model on the disk, not understood yet: a folder, a file of weights, or a file with a whole network. Its parts are read when
 * they are asked for.
 */
export class ModelSource {
	/** The folder, or the file. */
	readonly path: string;
	/** What the model is called: the folder's name, or the file's without what follows the last dot. */
	readonly id: string;
	readonly weightsPath: string;
	/** What says which family and sizes the weights are of; null where a file of weights stands alone. */
	readonly config: SourceConfig | null;
	/** Where a person's cards of ONNX files lie, by the hash of the file; null = nowhere. */
	readonly cardsFolder: string | null;
	readonly #hashes: FileHashes;
	#checkpoint: Promise<Checkpoint> | null = null;

	private constructor(
		path: string,
		id: string,
		weightsPath: string,
		config: SourceConfig | null,
		hashes: FileHashes,
		cardsFolder: string | null = null,
	) {
		this.path = path;
		this.id = id;
		this.weightsPath = weightsPath;
		this.config = config;
		this.#hashes = hashes;
		this.cardsFolder = cardsFolder;
	}

	/**
	 * A folder with model.json or config.json and model.safetensors; one of these files; a published file of weights; or an ONNX
	 * file. Throws `model-not-found`, or `model-unreadable`, also where a folder has both configurations.
	 */
	static async at(
		path: string,
		hashes = new FileHashes(null),
		cardsFolder: string | null = null,
	): Promise<ModelSource> {
		const place = resolve(path);
		const found = await stat(place).catch(() => null);
		if (!found) throw new UserFacingError('model-not-found', `${place}: no such model.`);
		if (found.isDirectory()) return ModelSource.#ofFolder(place, await namesIn(place), hashes);
		const folder = dirname(place);
		const isPart = [...CONFIG_FILES, WEIGHTS_FILE].some((name) => name === basename(place));
		const names = isPart ? await namesIn(folder) : [];
		return CONFIG_FILES.some((name) => names.includes(name))
			? ModelSource.#ofFolder(folder, names, hashes)
			: new ModelSource(place, stem(place), place, null, hashes, cardsFolder);
	}

	/** What is in memory already: a file of weights, or a folder's weights with its configuration. */
	static inMemory(checkpoint: Checkpoint, config: SourceConfig | null = null): ModelSource {
		const path = config ? dirname(checkpoint.path) : checkpoint.path;
		const source = new ModelSource(path, stem(path), checkpoint.path, config, new FileHashes(null));
		source.#checkpoint = Promise.resolve(checkpoint);
		return source;
	}

	static async #ofFolder(folder: string, names: readonly string[], hashes: FileHashes): Promise<ModelSource> {
		const [name, other] = CONFIG_FILES.filter((candidate) => names.includes(candidate));
		if (other) {
			throw new UserFacingError(
				'model-unreadable',
				`${folder} has both ${name} and ${other}: one of them was expected, for each says what ${WEIGHTS_FILE} is.`,
				{ remedy: 'Move the one that belongs to other weights into a folder with them.' },
			);
		}
		if (!name) {
			throw new UserFacingError(
				'model-not-found',
				`${folder} is no model: a folder with ${CONFIG_FILES.join(' or ')} and ${WEIGHTS_FILE} was expected.`,
			);
		}
		const place = join(folder, name);
		const weightsPath = join(folder, WEIGHTS_FILE);
		if (!names.includes(WEIGHTS_FILE)) {
			throw new UserFacingError(
				'model-not-found',
				`${folder} has ${name} and no weights: ${WEIGHTS_FILE} was expected beside it.`,
			);
		}
		const config = { name, place, json: await readJson(place) };
		return new ModelSource(folder, basename(folder), weightsPath, config, hashes);
	}

	/** Whether it is a file with a whole network in it, which has no tensors to be known by. */
	get isGraph(): boolean {
		return extname(this.path).toLowerCase() === GRAPH_EXTENSION;
	}

	/** Of the file with the weights, hexadecimal. Throws `model-not-found` or `model-unreadable`. */
	async sha256(): Promise<string> {
		if (!this.isGraph) return (await this.checkpoint()).sha256;
		return this.#hashes.sha256(new FileBytes(this.path));
	}

	/** The tensors under their published names. */
	async weights(): Promise<Weights> {
		return (await this.checkpoint()).weights;
	}

	/** Tensors, the plain data beside them, and the hash of their file. Opened once. */
	checkpoint(): Promise<Checkpoint> {
		this.#checkpoint ??= readCheckpoint(this.weightsPath, this.#hashes);
		return this.#checkpoint;
	}

	/** Another JSON file of the folder; null where there is none. Throws `model-unreadable`. */
	async json(name: string): Promise<unknown> {
		if (!this.config) return null;
		const names = await namesIn(this.path);
		return names.includes(name) ? readJson(join(this.path, name)) : null;
	}
}

async function readJson(place: string): Promise<unknown> {
	let text: string;
	try {
		text = await readFile(place, 'utf8');
	} catch (cause) {
		throw new UserFacingError('model-not-found', `${place} cannot be read.`, { cause });
	}
	try {
		return JSON.parse(text);
	} catch (cause) {
		throw new UserFacingError('model-unreadable', `${place} is not JSON.`, { cause });
	}
}

async function namesIn(folder: string): Promise<string[]> {
	try {
		return await readdir(folder);
	} catch (cause) {
		throw new UserFacingError('model-not-found', `${folder} cannot be read.`, { cause });
	}
}

function stem(path: string): string {
	return basename(path, extname(path));
}
