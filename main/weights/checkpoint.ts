import { UserFacingError } from '../domain/errors.ts';
import { FileBytes } from './byte-source.ts';
import type { FileHashes } from './file-hashes.ts';
import { finiteWeights } from './finite-weights.ts';
import { PickleObject } from './pickle.ts';
import { openSafetensors, readSafetensors, type WeightTensor, type Weights } from './safetensors.ts';
import { isTorchFile, readTorchFile } from './torch-checkpoint.ts';
import { TorchTensor } from './torch-tensor.ts';

/** A published file of weights, read: tensors under their published names. */
export type Checkpoint = {
	path: string;
	/** Of the file. */
	sha256: string;
	weights: Weights;
	/**
	 * What else the file holds as plain data, by name, such as `{ epoch: 49, args: { … } }`; null where nothing is.
	 * Entries with tensors in them, such as an optimizer's, are left out.
	 */
	options: Readonly<Record<string, unknown>> | null;
};

/** Where the tensors stand in published files; otherwise they are the whole file. */
const WEIGHT_KEYS = ['model', 'state_dict', 'model_state_dict'];
/** Of a file that is read at once. */
const MAX_FILE_BYTES = 2 ** 31 - 1;
/** Enough to tell the formats apart. */
const FORMAT_BYTES = 64;
/** Below this share of the file, the model's numbers are copied out, so that the rest (an optimizer's) can be freed. */
const WORTH_KEEPING = 0.75;
/** Plain data of published files are a few levels deep. */
const MAX_DEPTH = 64;

/**
 * Reads a file of weights by its content: safetensors, tensor by tensor when their numbers are asked for, or what
 * `torch.save` wrote in either format, as a whole. Throws `model-not-found` or `model-unreadable`, naming the file; the
 * latter also when numbers are asked for that are not finite.
 */
export async function readCheckpoint(path: string, hashes: FileHashes): Promise<Checkpoint> {
	const file = new FileBytes(path);
	const sha256 = await hashes.sha256(file);
	if (!isTorchFile(file.read(0, Math.min(FORMAT_BYTES, file.length)))) {
		const weights = finiteWeights(openSafetensors(file, path, sha256), path);
		return { path, sha256, weights, options: null };
	}
	if (file.length > MAX_FILE_BYTES) {
		throw new UserFacingError(
			'model-unreadable',
			`${path} has ${file.length} bytes; checkpoints may have up to ${MAX_FILE_BYTES}.`,
			{ remedy: 'Save the model without its optimizer.' },
		);
	}
	return { path, sha256, ...parseCheckpoint(file.read(0, file.length), path, sha256) };
}

/** As `readCheckpoint`, of bytes that are there already. */
export function parseCheckpoint(
	bytes: Uint8Array,
	place: string,
	sha256?: string,
): Pick<Checkpoint, 'weights' | 'options'> {
	if (!isTorchFile(bytes)) {
		return { weights: finiteWeights(readSafetensors(bytes, place), place), options: null };
	}
	const root = readTorchFile(bytes, place);
	const options = plainEntries(root, place);
	const tensors = modelTensors(root);
	if (tensors.size === 0) {
		const keys = root instanceof Map ? [...root.keys()].slice(0, 5).map(keyText).join(', ') : typeof root;
		throw new UserFacingError(
			'model-unreadable',
			`${place} holds no tensors by name: expected them under ${WEIGHT_KEYS.join(', ')} or as the whole (got ${keys}).`,
		);
	}
	return { weights: finiteWeights(toWeights(tensors, bytes.length, sha256), place), options };
}

function modelTensors(root: unknown): Map<string, TorchTensor> {
	for (const key of WEIGHT_KEYS) {
		const tensors = namedTensors(root instanceof Map ? root.get(key) : null);
		if (tensors.size > 0) return tensors;
	}
	return namedTensors(root);
}

function namedTensors(value: unknown): Map<string, TorchTensor> {
	const tensors = new Map<string, TorchTensor>();
	if (!(value instanceof Map)) return tensors;
	for (const [name, tensor] of value) {
		if (typeof name === 'string' && tensor instanceof TorchTensor) tensors.set(name, tensor);
	}
	return tensors;
}

function toWeights(
	tensors: ReadonlyMap<string, TorchTensor>,
	fileBytes: number,
	sha256: string | undefined,
): Weights {
	const storages = new Set([...tensors.values()].map((tensor) => tensor.storage));
	const used = [...storages].reduce((sum, storage) => sum + storage.byteLength, 0);
	if (used < WORTH_KEEPING * fileBytes) {
		for (const storage of storages) storage.bytes = new Uint8Array(storage.bytes);
	}
	return new Map<string, WeightTensor>(
		[...tensors].map(([name, tensor]) => [name, tensor.toWeight(sha256 && `${sha256} ${name}`)]),
	);
}

/** The entries of a file's dictionary that are plain data throughout. */
function plainEntries(root: unknown, place: string): Record<string, unknown> | null {
	if (!(root instanceof Map)) return null;
	const options: [string, unknown][] = [];
	const converter = new PlainData(place);
	for (const [key, value] of root) {
		const plain = converter.convert(value, 0);
		if (typeof key === 'string' && plain !== HOLDS_TENSORS) options.push([key, plain]);
	}
	return options.length > 0 ? Object.fromEntries(options) : null;
}

const HOLDS_TENSORS = Symbol('holds tensors');

/** Converts the contents of a pickle to JSON-like data; shared objects are converted once. */
class PlainData {
	readonly #done = new Map<object, unknown>();
	readonly #open = new Set<object>();
	readonly #place: string;

	constructor(place: string) {
		this.#place = place;
	}

	/** Throws `model-unreadable` for data that contains itself or is nested too deeply. */
	convert(value: unknown, depth: number): unknown {
		if (typeof value !== 'object' || value === null) return value;
		if (value instanceof TorchTensor) return HOLDS_TENSORS;
		if (this.#done.has(value)) return this.#done.get(value);
		if (this.#open.has(value) || depth > MAX_DEPTH) {
			const what = this.#open.has(value) ? 'contain themselves' : `are nested over ${MAX_DEPTH} levels deep`;
			throw new UserFacingError('model-unreadable', `${this.#place} is refused: it holds data that ${what}.`);
		}
		this.#open.add(value);
		const plain = this.#convertParts(value, depth + 1);
		this.#open.delete(value);
		this.#done.set(value, plain);
		return plain;
	}

	#convertParts(value: object, depth: number): unknown {
		if (value instanceof Uint8Array) return [...value];
		const entries = value instanceof PickleObject ? value.fields : value;
		if (entries instanceof Map) {
			const parts = [...entries].map(([key, part]) => [keyText(key), this.convert(part, depth)] as const);
			return parts.some(([, part]) => part === HOLDS_TENSORS) ? HOLDS_TENSORS : Object.fromEntries(parts);
		}
		if (Array.isArray(entries) || entries instanceof Set) {
			const parts = [...entries].map((part: unknown) => this.convert(part, depth));
			return parts.includes(HOLDS_TENSORS) ? HOLDS_TENSORS : parts;
		}
		// A type or a storage: not part of options.
		return null;
	}
}

function keyText(key: unknown): string {
	return typeof key === 'object' && key !== null ? 'object' : String(key);
}
