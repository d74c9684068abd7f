import { stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { z } from 'zod';
import type { VideoEntry } from '../../preload/contract.ts';
import { UserFacingError } from '../domain/errors.ts';
import type { VideoIdentity } from '../domain/run.ts';
import type { VideoInfo } from '../domain/video.ts';
import { installationFolder } from '../process/installation.ts';
import { identifyVideo } from '../video/identity.ts';
import { probeVideo } from '../video/probe.ts';
import { fileTag } from './byte-ranges.ts';
import { readJsonFile } from '../process/json-file.ts';
import { OpaqueIds } from './opaque-ids.ts';
import type { ProbeCache } from './probe-cache.ts';
import { RecentFiles } from './recent-files.ts';

/** A video that was opened. */
export type KnownVideo = { videoId: string; info: VideoInfo; identity: VideoIdentity };

const recentFile = z.array(z.object({ videoId: z.string().regex(/^[a-z0-9-]{1,64}$/), path: z.string() }));

/** The video files that the page may name, by ids, and the recently opened ones. */
export class Videos {
	readonly #mayOpenPath: (path: string) => Promise<boolean>;
	readonly #probes: ProbeCache;
	readonly #ids: OpaqueIds<string>;
	readonly #opened = new Map<string, KnownVideo & { state: string }>();
	readonly #recent: RecentFiles;

	private constructor(
		ids: OpaqueIds<string>,
		recent: RecentFiles,
		mayOpenPath: (path: string) => Promise<boolean>,
		probes: ProbeCache,
	) {
		this.#ids = ids;
		this.#recent = recent;
		this.#mayOpenPath = mayOpenPath;
		this.#probes = probes;
	}

	/** Reads the recent list in `folder`; files that `mayOpenPath` refuses get no id. */
	static async load(
		folder: string,
		mayOpenPath: (path: string) => Promise<boolean>,
		probes: ProbeCache,
	): Promise<Videos> {
		const recentPath = join(folder, 'recent.json');
		const ids = new OpaqueIds<string>((path) => path);
		const recent: string[] = [];
		for (const { videoId, path } of (await readJsonFile(recentPath, recentFile)) ?? []) {
			if (!(await mayOpenPath(path))) continue;
			ids.idOf(path, videoId);
			recent.push(path);
		}
		const contentOf = (files: readonly string[]) => files.map((path) => ({ videoId: ids.idOf(path), path }));
		return new Videos(ids, new RecentFiles(recentPath, recent, contentOf), mayOpenPath, probes);
	}

	/** Gives a file an id; whether it exists and is a video shows when it is opened. */
	async entryOf(path: string): Promise<VideoEntry> {
		const whole = resolve(path);
		return {
			videoId: this.#ids.idOf(whole),
			name: basename(whole),
			folder: shownFolder(dirname(whole)),
			exists: await exists(whole),
		};
	}

	recent(): Promise<VideoEntry[]> {
		return Promise.all(this.#recent.files.map((path) => this.entryOf(path)));
	}

	/** The paths of recently opened videos, newest first. */
	get recentPaths(): readonly string[] {
		return this.#recent.files;
	}

	/** The bundled clip; null if the installation lacks it. */
	async sample(): Promise<VideoEntry | null> {
		const entry = await this.entryOf(samplePath());
		return entry.exists ? entry : null;
	}

	/** Throws `file-not-found` for unknown ids. */
	pathOf(videoId: string): string {
		const path = this.#ids.find(videoId);
		if (path !== undefined) return path;
		throw new UserFacingError(
			'file-not-found',
			`A video that is known was expected (got the id ${videoId}).`,
			{
				remedy: 'Open the file again.',
			},
		);
	}

	/** The path, checked anew: a folder in it may have become a link. */
	async readablePathOf(videoId: string): Promise<string> {
		const path = this.pathOf(videoId);
		if (await this.#mayOpenPath(path)) return path;
		throw new UserFacingError('file-unreadable', `${path}: a file in one of the named folders was expected.`);
	}

	/** Probes the file, once for every state of it. Throws what probing throws. */
	async open(videoId: string): Promise<KnownVideo> {
		const path = await this.readablePathOf(videoId);
		const state = await stat(path).then(fileTag, () => 'missing');
		const known = this.#opened.get(videoId);
		if (known?.state === state) return known;
		const identity = await identify(path);
		const info = await this.#probes.probe(path, identity);
		const video = { videoId, info, identity, state };
		this.#opened.delete(videoId); // so that it becomes the last one
		this.#opened.set(videoId, video);
		return video;
	}

	/** Puts a video at the top of the recent list. */
	async remember(videoId: string): Promise<void> {
		await this.#recent.remember(this.pathOf(videoId));
	}

	async forget(videoId: string): Promise<void> {
		await this.#recent.forget(this.pathOf(videoId));
	}

	/** The path at which a video of this identity was last opened in this session; null if it was not. */
	pathOfIdentity(identity: VideoIdentity): string | null {
		for (const { info, identity: own } of [...this.#opened.values()].reverse()) {
			if (own.edgesSha256 === identity.edgesSha256 && own.fileBytes === identity.fileBytes) return info.path;
		}
		return null;
	}
}

/** The bundled clip. */
export function samplePath(): string {
	return join(installationFolder(), 'assets', 'samples', 'plaza.mp4');
}

// For a file that cannot be read, probing gives the better message.
async function identify(path: string): Promise<VideoIdentity> {
	try {
		return await identifyVideo(path);
	} catch (cause) {
		await probeVideo(path);
		throw new UserFacingError('file-unreadable', `${path}: the file cannot be read.`, { cause });
	}
}

/** Whether a file is there. */
export function exists(path: string): Promise<boolean> {
	return stat(path).then(
		(file) => file.isFile(),
		() => false,
	);
}

/** A folder as a person reads it. */
export function shownFolder(folder: string): string {
	const home = homedir();
	return folder === home || folder.startsWith(home + sep) ? `~${folder.slice(home.length)}` : folder;
}
