import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Tensor, tensorBytes } from '../graph/graph-builder.ts';
import { touch, trimFolder } from '../process/cache-folder.ts';
import { isSealedFile, writeSealedFile } from '../process/sealed-file.ts';

/** Smaller tensors travel inside of their graph. */
const LEAST_BYTES = 2 ** 16;
const MOST_BYTES = 2 * 2 ** 30;

/**
 * Tensors of graphs as files of a cache, each the numbers themselves: the runtime maps them into memory rather than copying
 * them out of a graph, all graphs of a model read the same ones, and when a model is opened again nothing has to be computed,
 * or read from the file of its weights. A file is named by its tensor's origin and by this build of the program, which
 * computed it. What was damaged is made anew; what was not of use for longest goes when all take more than `mostBytes`.
 */
export class TensorStore {
	readonly folder: string;
	readonly #mostBytes: number;
	/** Files that were found whole. */
	readonly #checked = new Set<string>();

	constructor(folder: string, mostBytes: number = MOST_BYTES) {
		this.folder = folder;
		this.#mostBytes = mostBytes;
	}

	/** Puts the large ones of a graph's tensors into files: names of files by names of tensors. Others stay where they are. */
	async filesOf(tensors: ReadonlyMap<string, Tensor>): Promise<ReadonlyMap<string, string>> {
		const large = [...tensors].filter(isLarge);
		const total = large.reduce((bytes, [, tensor]) => bytes + tensorBytes(tensor), 0);
		if (total > this.#mostBytes) return new Map();
		const files = new Map<string, string>();
		let grew = false;
		for (const [name, tensor] of large) {
			const file = fileName(tensor.origin);
			const path = join(this.folder, file);
			if (this.#isWhole(path, tensor)) await touch(path);
			else if (this.#write(path, tensor)) grew = true;
			else continue;
			files.set(name, file);
			// Between two tensors their numbers can be freed, and others have their turn.
			await new Promise(setImmediate);
		}
		if (grew) {
			const paths = [...files.values()].map((file) => join(this.folder, file));
			await trimFolder(this.folder, this.#mostBytes, new Set(paths));
		}
		return files;
	}

	#isWhole(path: string, tensor: Tensor): boolean {
		if (this.#checked.has(path) && existsSync(path)) return true;
		if (!isSealedFile(path, tensorBytes(tensor))) return false;
		this.#checked.add(path);
		return true;
	}

	/** Without room on the disk, or a right to write there, the tensor travels inside of its graph. */
	#write(path: string, tensor: Tensor): boolean {
		const { buffer, byteOffset, byteLength } = tensor.data;
		try {
			writeSealedFile(path, new Uint8Array(buffer, byteOffset, byteLength));
		} catch {
			return false;
		}
		this.#checked.add(path);
		return true;
	}
}

type Known = Tensor & { origin: string };

function isLarge(entry: [string, Tensor]): entry is [string, Known] {
	const [, tensor] = entry;
	const known = 'origin' in tensor && tensor.origin !== undefined;
	return known && tensorBytes(tensor) >= LEAST_BYTES;
}

function fileName(origin: string): string {
	return `${createHash('sha256').update(`${BUILD} ${origin}`).digest('hex')}.tensor`;
}

/** Every build writes this file anew. */
const BUILD = statSync(import.meta.filename).mtimeMs;
