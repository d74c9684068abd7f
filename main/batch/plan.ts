import { readdir, stat } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import { UserFacingError } from '../domain/errors.ts';
import type { VideoIdentity } from '../domain/run.ts';
import { shortName } from '../process/short-name.ts';
import { VIDEO_NAMES } from '../video/file-names.ts';
import { compareVideo, identifyVideo } from '../video/identity.ts';
import { type BatchJob, type Configuration, jobId } from './job.ts';

/**
 * The files that are meant: each file that is named, and those in named folders and the folders below that are called like videos, in
 * natural order; not those below `results`, which a batch writes. A file that is missing is kept, to fail by itself. Throws
 * `file-not-found` where a folder holds none.
 */
export async function filesOf(named: readonly string[], results?: string): Promise<string[]> {
	const files = new Set<string>();
	for (const name of named) {
		const path = resolve(name);
		const isFolder = await stat(path).then(
			(found) => found.isDirectory(),
			() => false,
		);
		if (!isFolder) {
			files.add(path);
			continue;
		}
		const found = await videosIn(path, results);
		if (found.length === 0) {
			throw new UserFacingError(
				'file-not-found',
				`${path}: a folder with videos was expected (it holds none).`,
				{
					remedy: `Files are taken by their extensions: ${[...VIDEO_NAMES].join(', ')}. Name others one by one.`,
				},
			);
		}
		for (const file of found) files.add(file);
	}
	return [...files];
}

async function videosIn(folder: string, results: string | undefined): Promise<string[]> {
	const order = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });
	const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
		throw new UserFacingError('file-unreadable', `${folder}: the folder cannot be read.`, { cause });
	});
	const found: string[] = [];
	for (const entry of entries.sort((a, b) => order.compare(a.name, b.name))) {
		if (entry.name.startsWith('.')) continue;
		const path = join(folder, entry.name);
		if (path === results) continue;
		if (entry.isDirectory()) found.push(...(await videosIn(path, results)));
		else if (VIDEO_NAMES.has(extname(entry.name).slice(1).toLowerCase())) found.push(path);
	}
	return found;
}

/**
 * The jobs of all files in all configurations. Runs lie in the batch's folder under the names of their files, or where `placeOf` says
 * for files that can be read; `known`: the jobs that are there already, whose folders are theirs.
 */
export async function planJobs(
	files: readonly string[],
	configurations: readonly Configuration[],
	known: readonly BatchJob[] = [],
	placeOf?: (identity: VideoIdentity, configuration: Configuration) => Promise<string>,
): Promise<BatchJob[]> {
	const there = new Map(known.map((job) => [job.id, job]));
	const taken = new Map(known.map(({ runFolder, id }) => [runFolder, id]));
	const jobs = new Map<string, BatchJob>();
	const identities = new Map<string, Promise<VideoIdentity | null>>();
	// Configuration by configuration, so that what a worker has loaded serves the next job, too.
	for (const configuration of configurations) {
		for (const videoPath of files) {
			const id = jobId(videoPath, configuration);
			// The label is no part of it: what is wanted twice under two labels is one job.
			if (jobs.has(id)) continue;
			const job = there.get(id);
			if (job?.identity) {
				jobs.set(id, job);
				continue;
			}
			const looking = identities.get(videoPath) ?? identityNow(videoPath);
			identities.set(videoPath, looking);
			const identity = await looking;
			const runFolder =
				placeOf && identity
					? await placeOf(identity, configuration)
					: freeFolder(videoPath, configuration.label, id, taken);
			taken.set(runFolder, id);
			jobs.set(id, { id, videoPath, identity, configuration, runFolder });
		}
	}
	return [...jobs.values()];
}

/** The files that are others now than were added to the batch: runs of both would be listed as of one. */
export async function replacedFiles(
	files: readonly string[],
	known: readonly BatchJob[],
): Promise<Set<string>> {
	const before = new Map(known.map(({ videoPath, identity }) => [videoPath, identity]));
	const replaced = new Set<string>();
	for (const file of files) {
		const then = before.get(file);
		const now = then ? await identityNow(file) : null;
		if (then && now && (await compareVideo(file, now, then)) === 'other') replaced.add(file);
	}
	return replaced;
}

/** Null for a file that can't be read. */
function identityNow(file: string): Promise<VideoIdentity | null> {
	return identifyVideo(file).catch(() => null);
}

export function replacedFile(
	videoPath: string,
	remedy = 'Start the batch in another folder to analyse the file as it is now.',
): UserFacingError {
	return new UserFacingError(
		'file-unreadable',
		`${videoPath}: the file is another one than was added to the batch.`,
		{ remedy },
	);
}

/** A folder that no other job has: named after file and configuration, with a number where another file has the same name. */
function freeFolder(
	videoPath: string,
	label: string,
	id: string,
	taken: ReadonlyMap<string, string>,
): string {
	const name = basename(videoPath, extname(videoPath)).replace(/[^\p{L}\p{N}._-]+/gu, '-');
	const plain = name.replace(/^\.+|\.+$/g, '') || 'video';
	for (let count = 1; ; count++) {
		const folder = `${shortName(plain, count === 1 ? '' : `-${count}`)}/${label}`;
		const holder = taken.get(folder);
		if (holder === undefined || holder === id) return folder;
	}
}
