import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve, sep } from 'node:path';
import type { BrowseListing } from '../../preload/contract.ts';
import { UserFacingError } from '../domain/errors.ts';
import { isModelFile, isModelFolder } from '../families/source.ts';
import { TRUTH_NAMES, VIDEO_NAMES } from './media-types.ts';
import type { OpaqueIds } from './opaque-ids.ts';
import type { Videos } from './videos.ts';

/** Nobody reads a list of many thousand files. */
const MOST_ENTRIES = 2000;

/** Browses the named folders, and nothing outside of them, whatever links lead there. */
export class Browser {
	readonly #roots: readonly string[];
	readonly #videos: Videos;
	readonly #truths: OpaqueIds<string>;
	readonly #models: OpaqueIds<string>;
	readonly #folders: OpaqueIds<string>;

	/** `roots` are absolute, without symbolic links. */
	constructor(
		roots: readonly string[],
		videos: Videos,
		ids: { truths: OpaqueIds<string>; models: OpaqueIds<string>; folders: OpaqueIds<string> },
	) {
		this.#roots = roots;
		this.#videos = videos;
		this.#truths = ids.truths;
		this.#models = ids.models;
		this.#folders = ids.folders;
	}

	/** The path of a folder that was listed. Throws `file-not-found` for all others, and for one that became a link that leads out. */
	async folderOf(folderId: string): Promise<string> {
		const folder = this.#folders.find(folderId);
		if (folder !== undefined && (await isInside(folder, this.#roots))) return folder;
		throw new UserFacingError(
			'file-not-found',
			`A folder that was listed was expected (got the id ${folderId}).`,
		);
	}

	/** Folders, videos and possible ground truth of a folder, by name; null lists the roots. */
	async list(folderId: string | null): Promise<BrowseListing> {
		if (folderId === null) {
			const folders = this.#roots.map((root) => this.#folder(root));
			return { folderId: null, name: '', parentId: null, folders, videos: [], models: [], truths: [] };
		}
		const folder = await this.folderOf(folderId);
		const listing: BrowseListing = {
			folderId,
			name: basename(folder),
			parentId: this.#roots.includes(folder) ? null : this.#folders.idOf(dirname(folder)),
			folders: [],
			videos: [],
			models: [],
			truths: [],
		};
		for (const name of await namesIn(folder)) {
			const path = join(folder, name);
			const kind = await kindOf(path, this.#roots);
			if (kind === 'folder') listing.folders.push(this.#folder(path));
			if (kind !== null && (await isModel(path, kind))) {
				listing.models.push({ fileId: this.#models.idOf(path), name });
			}
			if (kind !== 'file') continue;
			const extension = extname(name).slice(1).toLowerCase();
			if (VIDEO_NAMES.has(extension)) listing.videos.push(await this.#videos.entryOf(path));
			else if (TRUTH_NAMES.has(extension)) listing.truths.push({ truthId: this.#truths.idOf(path), name });
		}
		return listing;
	}

	#folder(path: string): { folderId: string; name: string } {
		return { folderId: this.#folders.idOf(path), name: basename(path) || path };
	}
}

/**
 * Whether `path`, or its nearest existing parent, is really inside one of `roots` once all symbolic links are resolved.
 * `roots` are absolute, without symbolic links.
 */
export async function isInside(path: string, roots: readonly string[]): Promise<boolean> {
	const real = await realPath(resolve(path));
	if (real === null) return false;
	return roots.some((root) => real === root || real.startsWith(root.endsWith(sep) ? root : root + sep));
}

/**
 * The path with symbolic links resolved; trailing names that do not exist yet are kept. Null for a dangling link, whose
 * target could become anything.
 */
async function realPath(path: string): Promise<string | null> {
	try {
		return await realpath(path);
	} catch {
		if (await lstat(path).catch(() => null)) return null;
		const above = dirname(path);
		const realAbove = above === path ? null : await realPath(above);
		return realAbove === null ? null : join(realAbove, basename(path));
	}
}

/** Whether a file or folder is called like a model. */
async function isModel(path: string, kind: 'file' | 'folder'): Promise<boolean> {
	return kind === 'file' ? isModelFile(path) : isModelFolder(await readdir(path).catch(() => []));
}

/** Sorted in natural order, without hidden ones. */
async function namesIn(folder: string): Promise<string[]> {
	let names: string[];
	try {
		names = await readdir(folder);
	} catch (cause) {
		throw new UserFacingError('file-unreadable', `${folder}: the folder cannot be read.`, { cause });
	}
	const order = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });
	return names
		.filter((name) => !name.startsWith('.'))
		.sort((a, b) => order.compare(a, b))
		.slice(0, MOST_ENTRIES);
}

async function kindOf(path: string, roots: readonly string[]): Promise<'folder' | 'file' | null> {
	const found = await stat(path).catch(() => null);
	if (found === null || !(await isInside(path, roots))) return null;
	return found.isDirectory() ? 'folder' : found.isFile() ? 'file' : null;
}
