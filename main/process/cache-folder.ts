import { readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';

/** Says that a cached file was of use just now. */
export async function touch(path: string): Promise<void> {
	const now = new Date();
	await utimes(path, now, now).catch(() => undefined);
}

/** Deletes the files of `folder` that were not of use for longest until at most `mostBytes` remain; never those of `keep`. */
export async function trimFolder(
	folder: string,
	mostBytes: number,
	keep: ReadonlySet<string>,
): Promise<void> {
	const files: { path: string; size: number; usedMs: number }[] = [];
	for (const name of await readdir(folder).catch(() => [])) {
		const path = join(folder, name);
		const found = await stat(path).catch(() => null);
		if (found?.isFile()) files.push({ path, size: found.size, usedMs: found.mtimeMs });
	}
	let total = files.reduce((sum, { size }) => sum + size, 0);
	for (const { path, size } of files.sort((a, b) => a.usedMs - b.usedMs)) {
		if (total <= mostBytes) return;
		if (keep.has(path)) continue;
		await rm(path, { force: true }).catch(() => undefined);
		total -= size;
	}
}
