import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { RunEntry } from '../../preload/contract.ts';
import { systemError, UserFacingError } from '../domain/errors.ts';
import type { RunHeader, RunStatus, VideoIdentity } from '../domain/run.ts';
import { readJournal } from '../results/commit-journal.ts';
import { readHeader, readStatus } from '../results/header.ts';
import { makeFolder } from '../process/make-folder.ts';
import { RUN_FILES } from '../results/run-folder.ts';
import { readJsonFile } from '../process/json-file.ts';
import { compareVideo, identityKey } from '../video/identity.ts';
import { editsPath } from '../tracking/stored-edits.ts';
import { NOTES_FOLDER } from './video-notes.ts';

/** Lies in a run's folder while the worker of some host writes to it. */
const WRITER_FILE = 'writer.json';

/** A stored run as shown in lists; `active` and `waiting` are added by `Runs`, which knows the processes. */
export type StoredEntry = Omit<RunEntry, 'active' | 'waiting'>;

/**
 * The folders of stored runs: `<runs>/<identity of the video>/<run id>`, so that a video finds its runs wherever it is
 * moved.
 */
export class RunStore {
	readonly #root: () => string;
	readonly #folders = new Map<string, string>();
	/** By a video's folder, which file its runs were made from: what is read once of every video need not be read for each list. */
	readonly #sources = new Map<string, Pick<RunHeader, 'video' | 'videoIdentity'>>();

	/** `root` is called each time, because it is a preference. */
	constructor(root: () => string) {
		this.#root = root;
	}

	/** An id and a path for a run that is about to begin; the writer makes the folder. */
	async reserve(identity: VideoIdentity, mode: string): Promise<{ runId: string; folder: string }> {
		const parent = join(this.#root(), identityKey(identity));
		makeFolder(parent);
		const when = new Date().toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-');
		const what = mode.replace(/[^a-z0-9-]/g, '');
		const runId = `${when}-${what}-${randomBytes(4).toString('hex')}`.slice(0, 64);
		const folder = join(parent, runId);
		this.#folders.set(runId, folder);
		return { runId, folder };
	}

	/** The runs of a video as it is, newest first; unreadable ones are left out. */
	async list(identity: VideoIdentity): Promise<StoredEntry[]> {
		return newestFirst(await this.#entriesIn(join(this.#root(), identityKey(identity))));
	}

	/** As `list`, with the runs of what the file at `path` held before it grew, as a recording does that goes on. */
	async listWithEarlier(identity: VideoIdentity, path: string): Promise<StoredEntry[]> {
		const root = this.#root();
		const entries = await this.#entriesIn(join(root, identityKey(identity)));
		for (const name of await readdir(root).catch(() => [])) {
			if (name === identityKey(identity) || bytesOf(name) >= identity.fileBytes) continue;
			const source = await this.#sourceOf(join(root, name));
			if (source?.video.path !== path) continue; // what lies elsewhere is not looked into
			const same = await compareVideo(path, identity, source.videoIdentity).catch(() => 'other');
			if (same !== 'other') entries.push(...(await this.#entriesIn(join(root, name))));
		}
		return newestFirst(entries);
	}

	async entry(runId: string): Promise<StoredEntry> {
		const folder = await this.folderOf(runId);
		const header = await readHeader(folder);
		return describe(runId, header, await readRunStatus(folder));
	}

	/**
	 * Where a run is stored. Ids of earlier sessions are searched under every video; the contract guarantees that they
	 * hold neither dots nor separators. Throws `run-unreadable` if there is none.
	 */
	async folderOf(runId: string): Promise<string> {
		const known = this.#folders.get(runId);
		if (known !== undefined) return known;
		const root = this.#root();
		for (const parent of await readdir(root).catch(() => [])) {
			const folder = join(root, parent, runId);
			if (!existsSync(join(folder, RUN_FILES.header))) continue;
			this.#folders.set(runId, folder);
			return folder;
		}
		throw new UserFacingError(
			'run-unreadable',
			`A stored run was expected (got the id ${runId}, which is none).`,
		);
	}

	/** Notes which process writes to a run, for other hosts that share the folder; null if none does. */
	async noteWriter(runId: string, pid: number | null): Promise<void> {
		const place = join(await this.folderOf(runId), WRITER_FILE);
		if (pid === null) await rm(place, { force: true });
		else await writeFile(place, `${JSON.stringify({ pid })}\n`);
	}

	/** Throws `bad-argument` if a process of another host is still writing to a run. */
	async refuseWhileWritten(runId: string): Promise<void> {
		const place = join(await this.folderOf(runId), WRITER_FILE);
		const writer = await readJsonFile(place, z.object({ pid: z.int().positive() }));
		if (writer === null || !isAlive(writer.pid)) return;
		throw new UserFacingError(
			'bad-argument',
			`A run that nobody writes to was expected (process ${writer.pid} of another window does).`,
			{ remedy: `Let it end there. If that process is something else by now, delete ${place}.` },
		);
	}

	/** Deletes the files of a run. It disappears from lists at once, however long deleting its files takes. */
	async delete(runId: string): Promise<void> {
		const folder = await this.folderOf(runId);
		const doomed = `${folder}.deleted`;
		try {
			await rename(folder, doomed);
			this.#folders.delete(runId);
			await rm(editsPath(folder), { force: true });
			await rm(doomed, { recursive: true, force: true });
		} catch (error) {
			throw systemError(error) ?? error;
		}
	}

	/** By the first of a video's runs; null where it can't be read. */
	async #sourceOf(parent: string): Promise<Pick<RunHeader, 'video' | 'videoIdentity'> | null> {
		const known = this.#sources.get(parent);
		if (known) return known;
		const first = (await readdir(parent).catch(() => [])).find((name) => name !== NOTES_FOLDER);
		const header = first === undefined ? null : await readHeader(join(parent, first)).catch(() => null);
		if (header) this.#sources.set(parent, { video: header.video, videoIdentity: header.videoIdentity });
		return header;
	}

	async #entriesIn(parent: string): Promise<StoredEntry[]> {
		const entries: StoredEntry[] = [];
		for (const name of await readdir(parent).catch(() => [])) {
			const entry = await this.#readEntry(parent, name).catch(() => null);
			if (entry) entries.push(entry);
		}
		return entries;
	}

	async #readEntry(parent: string, name: string): Promise<StoredEntry | null> {
		if (!/^[a-z0-9-]{1,64}$/.test(name)) return null;
		const folder = join(parent, name);
		const header = await readHeader(folder);
		this.#folders.set(name, folder);
		return describe(name, header, await readRunStatus(folder));
	}
}

function newestFirst(entries: StoredEntry[]): StoredEntry[] {
	return entries.sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
}

/** The length of the file whose runs lie in a folder, as its name says. */
function bytesOf(folder: string): number {
	return Number(folder.split('-').at(-1));
}

function isAlive(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		return error instanceof Error && 'code' in error && error.code === 'EPERM';
	}
}

/** The status of a run: as its writer noted or, if it was interrupted, as far as its journal goes. */
async function readRunStatus(folder: string): Promise<RunStatus> {
	const noted = await readStatus(folder);
	if (noted && noted.state !== 'running') return noted;
	const { frames, lastFrameIndex, wallSeconds } = (await readJournal(folder)).last;
	const executionChanges = noted?.executionChanges ?? [];
	const unfinished = { state: 'running', decode: null, error: null, executionChanges } as const;
	return { ...unfinished, framesStored: frames, lastFrameIndex, wallSeconds };
}

function describe(runId: string, header: RunHeader, status: RunStatus): StoredEntry {
	const { createdAt, model, mode, settings, precision } = header;
	return { runId, createdAt, modelId: model.id, mode, settings, precision, status };
}
