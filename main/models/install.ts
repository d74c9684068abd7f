import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, symlink } from 'node:fs/promises';
import { basename, dirname, extname, join, parse, resolve, sep } from 'node:path';
import { UserFacingError } from '../domain/errors.ts';
import { isModelFile, isModelFolder } from '../families/source.ts';
import type { CatalogFile, CatalogModel } from './catalog-file.ts';
import { REAL_DISK, requireSpace, writingError, type Disk } from './disk.ts';
import { download, type Fetched, type TransferOptions } from './download.ts';
import { ProgressRate, type DownloadProgress } from './progress-rate.ts';
import { writeReceipt } from './receipt.ts';
import { Staging } from './staging.ts';

/** Where a model's files come from. */
export type ModelOrigin =
	| { kind: 'publisher' }
	/** A server that has ID/FILE for every model; its address ends with a slash. */
	| { kind: 'mirror'; address: string }
	/** A folder that has ID/FILE, or the files themselves. */
	| { kind: 'folder'; path: string };

export type InstallOptions = {
	/** Of all models; made where it is missing. */
	modelsFolder: string;
	signal: AbortSignal;
	/** Opens the model at a path and throws what is wrong with it: such a model is not installed. */
	check: (path: string) => Promise<void>;
};

export type GetOptions = InstallOptions &
	Pick<TransferOptions, 'redirects' | 'patience' | 'disk'> & {
		origin: ModelOrigin;
		onProgress: (progress: DownloadProgress) => void;
	};

/**
 * Gets a model of the catalogue. It is installed whole or not at all: what was loaded before a broken connection, `cancelled` or the
 * end of the process lies hidden, and the next call goes on from there. Returns the model's path. Throws what `download`
 * throws, and `bad-argument` where the model is there already or its files have no address.
 */
export async function getModel(model: CatalogModel, options: GetOptions): Promise<string> {
	const { modelsFolder, origin, onProgress, disk = REAL_DISK } = options;
	const staging = await Staging.enter(modelsFolder, model.id);
	const rate = new ProgressRate(model.files, onProgress);
	try {
		const known = model.files.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0);
		await requireSpace(disk, modelsFolder, known - (await bytesIn(staging.folder)));
		const files = [];
		for (const file of model.files) {
			const path = join(staging.folder, file.name);
			const earlier = await fetchedBefore(path, file);
			const fetched = earlier ?? (await fetchFile(model, file, path, options, rate));
			rate.done(file.name, fetched.bytes);
			files.push({ name: file.name, ...fetched });
		}
		const opened = openedName(files.map(({ name }) => name));
		const place = opened === null ? staging.folder : join(staging.folder, opened);
		await options.check(place).catch(async (error: unknown) => {
			await staging.discard();
			throw unopened(model.name, staging.folder, error);
		});
		await writeReceipt(staging.folder, {
			id: model.id,
			from: 'catalog',
			source: sourceOf(origin, model),
			opened,
			files,
		});
		const folder = await staging.install();
		return opened === null ? folder : join(folder, opened);
	} finally {
		rate.close();
		await staging.leave();
	}
}

/** Why what came does not open, without the hidden folder that it lay in and that is gone. */
function unopened(name: string, folder: string, error: unknown): unknown {
	if (!(error instanceof UserFacingError)) return error;
	const reason = error.message.replaceAll(`${folder}${sep}`, '').replaceAll(folder, name);
	return new UserFacingError(error.code, `${name} came whole and does not open, so it was not installed: ${reason}`, {
		...(error.remedy !== null && { remedy: error.remedy }),
		cause: error,
	});
}

/** A file that an earlier attempt brought to its end. */
async function fetchedBefore(path: string, { sha256 }: CatalogFile): Promise<Fetched | null> {
	if (!(await stat(path).catch(() => null))) return null;
	const found = await hashed(path);
	if (sha256 === null || found.sha256 === sha256) return found;
	await rm(path);
	return null;
}

async function fetchFile(
	model: CatalogModel,
	file: CatalogFile,
	path: string,
	options: GetOptions,
	rate: ProgressRate,
): Promise<Fetched> {
	const { origin, disk = REAL_DISK, signal } = options;
	const onBytes = (have: number, total: number | null) => rate.update(file.name, have, total);
	if (origin.kind === 'folder') {
		const from = await fileIn(origin.path, model.id, file.name);
		return copyChecked(from, path, { sha256: file.sha256, disk, signal, onBytes });
	}
	const address = origin.kind === 'mirror' ? `${origin.address}${model.id}/${file.name}` : file.address;
	if (address === null) {
		throw new UserFacingError('download-refused', `${model.name}: ${file.name} has no address of its own.`, {
			remedy: model.unverified ?? 'Get it from a mirror, or add the file yourself.',
		});
	}
	const { bytes, sha256 } = file;
	return download({ address, path, bytes, sha256 }, { ...options, onBytes });
}

async function fileIn(folder: string, id: string, name: string): Promise<string> {
	for (const path of [join(folder, id, name), join(folder, name)]) {
		if ((await stat(path).catch(() => null))?.isFile()) return path;
	}
	throw new UserFacingError(
		'file-not-found',
		`${resolve(folder)}: ${id}/${name} was expected, or ${name} itself (neither is there).`,
	);
}

type CopyOptions = Pick<CatalogFile, 'sha256'> & {
	disk: Disk;
	signal: AbortSignal;
	onBytes?: (have: number, total: number | null) => void;
};

async function copyChecked(from: string, to: string, options: CopyOptions): Promise<Fetched> {
	const { sha256: expected, disk, signal, onBytes } = options;
	const { size } = await stat(from);
	await requireSpace(disk, dirname(to), size);
	const hash = createHash('sha256');
	let bytes = 0;
	const part = await disk.open(`${to}.part`, 'w').catch((error: unknown) => {
		throw writingError(to, error);
	});
	try {
		for await (const piece of createReadStream(from) as AsyncIterable<Buffer>) {
			await part.write(piece);
			hash.update(piece);
			bytes += piece.length;
			onBytes?.(bytes, size);
			if (signal.aborted) throw copyCancelled(from);
		}
		await part.sync();
	} catch (error) {
		throw error instanceof UserFacingError ? error : writingError(to, error);
	} finally {
		await part.close();
	}
	const sha256 = hash.digest('hex');
	if (expected !== null && sha256 !== expected) {
		await rm(`${to}.part`, { force: true });
		throw new UserFacingError(
			'hash-mismatch',
			`${from}: the SHA-256 ${expected} was expected (got ${sha256}).`,
			{ remedy: 'Nothing was installed; the file is another one than the catalogue knows.' },
		);
	}
	await rename(`${to}.part`, to);
	return { bytes, sha256 };
}

function copyCancelled(from: string): UserFacingError {
	return new UserFacingError('cancelled', `Copying ${from} was cancelled.`);
}

export type AddOptions = InstallOptions & {
	link?: boolean;
	disk?: Disk;
	/** Whether a file may be copied: a link in a folder may lead out of what a host may read. */
	mayRead?: (path: string) => Promise<boolean>;
};

async function requireReadable(path: string, mayRead: AddOptions['mayRead']): Promise<void> {
	if (!mayRead || (await mayRead(path))) return;
	throw new UserFacingError('file-unreadable', `${path}: a file in one of the named folders was expected.`);
}

/**
 * Installs a model of one's own, a folder or a file with what lies beside it under its name, once it opens. `link` leaves the files
 * where they are. Returns the model's path; throws `cancelled`, and leaves nothing, when `signal` is aborted.
 */
export async function addModel(
	path: string,
	{ modelsFolder, check, signal, disk = REAL_DISK, link = false, mayRead }: AddOptions,
): Promise<string> {
	const source = await wholeOf(resolve(path));
	const id = idOf(source);
	const names = await partsOf(source);
	for (const name of names.files) await requireReadable(join(names.folder, name), mayRead);
	await check(source);
	if (signal.aborted) throw copyCancelled(source);
	const staging = await Staging.enter(modelsFolder, id);
	try {
		await staging.discard(); // of something else that once had this name
		await mkdir(staging.folder);
		const files = [];
		const from = names.folder;
		for (const name of names.files) {
			const [original, to] = [join(from, name), join(staging.folder, name)];
			const copy = link ? linkTo(original, to, signal) : copyChecked(original, to, { sha256: null, disk, signal });
			files.push({ name, ...(await copy) });
		}
		const place = names.opened === null ? staging.folder : join(staging.folder, names.opened);
		await check(place);
		if (signal.aborted) throw copyCancelled(source);
		await writeReceipt(staging.folder, { id, from: 'added', source, opened: names.opened, files });
		const folder = await staging.install();
		return names.opened === null ? folder : join(folder, names.opened);
	} catch (error) {
		await staging.discard();
		throw error;
	} finally {
		await staging.leave();
	}
}

async function linkTo(original: string, to: string, signal: AbortSignal): Promise<Fetched> {
	await symlink(original, to).catch((error: unknown) => {
		throw writingError(to, error);
	});
	return hashed(to, signal);
}

/** The folder that a configuration or its weights belong to, which a dialog for files chooses; else the path itself. */
async function wholeOf(path: string): Promise<string> {
	const isPart = ['config.json', 'model.json', 'model.safetensors'].includes(basename(path));
	const folder = dirname(path);
	return isPart && isModelFolder(await filesIn(folder).catch(() => [])) ? folder : path;
}

/** What a model at a path is made of; `opened` is null where that is the folder. */
async function partsOf(path: string): Promise<{ folder: string; files: string[]; opened: string | null }> {
	const found = await stat(path).catch(() => null);
	if (!found) throw new UserFacingError('model-not-found', `${path}: no such model.`);
	if (found.isDirectory()) {
		const files = await filesIn(path);
		if (isModelFolder(files)) return { folder: path, files, opened: null };
		throw new UserFacingError(
			'model-not-found',
			`${path} is no model: a folder with a configuration and weights was expected.`,
		);
	}
	if (!isModelFile(path)) {
		throw new UserFacingError(
			'model-not-found',
			`${basename(path)}: a file of weights was expected, such as .safetensors or .pth (got ${extname(path) || 'no extension'}).`,
		);
	}
	const folder = dirname(path);
	const stem = parse(path).name;
	const beside = (await filesIn(folder)).filter(
		(name) => name !== basename(path) && (name.startsWith(`${stem}.`) || name.startsWith(`${stem}_`)),
	);
	const opened = basename(path);
	return { folder, files: [opened, ...beside.filter((name) => !isModelFile(name))], opened };
}

async function bytesIn(folder: string): Promise<number> {
	const sizes = await Promise.all((await readdir(folder)).map(async (name) => (await stat(join(folder, name))).size));
	return sizes.reduce((sum, size) => sum + size, 0);
}

async function filesIn(folder: string): Promise<string[]> {
	const entries = await readdir(folder, { withFileTypes: true });
	const names = entries.filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.'));
	return names.map(({ name }) => name).sort();
}

/** The one file of weights that is opened by itself; null where the folder is. */
function openedName(names: readonly string[]): string | null {
	return isModelFolder(names) ? null : (names.find(isModelFile) ?? names[0] ?? null);
}

/** What a model is called: its family takes the same name from its folder or file. */
function idOf(path: string): string {
	const { name, base } = parse(resolve(path));
	const id = isModelFile(base) ? name : base;
	if (/^[^\s.].{0,63}$/u.test(id)) return id;
	throw new UserFacingError(
		'bad-argument',
		`${path}: a name of at most 64 characters was expected, not hidden (got "${id}").`,
		{ remedy: 'Give the file or folder another name.' },
	);
}

function sourceOf(origin: ModelOrigin, model: CatalogModel): string {
	if (origin.kind === 'mirror') return origin.address;
	if (origin.kind === 'folder') return resolve(origin.path);
	return model.page ?? model.files[0]?.address ?? '';
}

async function hashed(path: string, signal?: AbortSignal): Promise<Fetched> {
	const hash = createHash('sha256');
	let bytes = 0;
	for await (const piece of createReadStream(path) as AsyncIterable<Buffer>) {
		if (signal?.aborted) throw copyCancelled(path);
		hash.update(piece);
		bytes += piece.length;
	}
	return { bytes, sha256: hash.digest('hex') };
}
