import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { preferencesSchema, type RequestInput } from '../../preload/contract.ts';
import type {
	ListedProject,
	OpenedProject,
	RecentProject,
	VideoView,
} from '../../preload/projects-contract.ts';
import { UserFacingError } from '../domain/errors.ts';
import type { VideoIdentity } from '../domain/run.ts';
import { writeFileWhole } from '../process/json-file.ts';
import { OneAtATime } from '../process/one-at-a-time.ts';
import { shortName } from '../process/short-name.ts';
import { readTextFile } from '../process/text-file.ts';
import { identifyVideo, identityKey } from '../video/identity.ts';
import { OpaqueIds } from './opaque-ids.ts';
import { parseProject, PROJECT_EXTENSION, projectToText, type StoredVideo } from './project-file.ts';
import type { RecentFiles } from './recent-files.ts';
import type { Shell } from './shell.ts';
import type { VideoNotes } from './video-notes.ts';
import { exists, shownFolder, type Videos } from './videos.ts';

type ProjectsDependencies = {
	notes: VideoNotes;
	videos: Videos;
	shell: Shell;
	recent: RecentFiles;
	/** Where a host without dialogs keeps projects. */
	folder: string;
};

/** Files of projects: several videos, each where it was left. */
export class Projects {
	readonly #deps: ProjectsDependencies;
	readonly #ids = new OpaqueIds<string>((path) => path);
	/** By id of a video, what the project that was opened knows of it. */
	readonly #stored = new Map<string, StoredVideo>();
	/** One file after the other, so that the last state is the last one written. */
	readonly #saves = new OneAtATime();

	constructor(dependencies: ProjectsDependencies) {
		this.#deps = dependencies;
	}

	/** Whether a file is called like a project. */
	static isProject(path: string): boolean {
		return extname(path).toLowerCase() === `.${PROJECT_EXTENSION}`;
	}

	/** Gives a file that the user named an id. */
	entryOf(path: string): ListedProject {
		const whole = resolve(path);
		return {
			projectId: this.#ids.idOf(whole),
			name: basename(whole, extname(whole)),
			folder: shownFolder(dirname(whole)),
		};
	}

	/** What was opened or saved last, newest first, as far as this host may open it. */
	async recent(): Promise<RecentProject[]> {
		const { recent, shell, folder } = this.#deps;
		const known = await Promise.all(
			recent.files.map(async (path) => {
				if (dirname(path) !== folder && !(await shell.mayOpenPath(path))) return [];
				return [{ ...this.entryOf(path), exists: await exists(path) }];
			}),
		);
		return known.flat();
	}

	/** Takes a project out of the list of recent ones; the file stays. */
	async forget(projectId: string): Promise<void> {
		await this.#deps.recent.forget(this.#pathOf(projectId));
	}

	async choose(): Promise<ListedProject | null> {
		const path = await this.#deps.shell.chooseProject();
		return path === null ? null : this.entryOf(path);
	}

	/** What lies in the folder of projects, newest first. */
	async list(): Promise<ListedProject[]> {
		const names = await readdir(this.#deps.folder).catch(() => []);
		const dated = await Promise.all(
			names.filter(Projects.isProject).map(async (name) => {
				const path = join(this.#deps.folder, name);
				const found = await stat(path).catch(() => null); // gone meanwhile, or a link to nowhere
				return found?.isFile() ? [{ path, changed: found.mtimeMs }] : [];
			}),
		);
		return dated
			.flat()
			.sort((a, b) => b.changed - a.changed)
			.map(({ path }) => this.entryOf(path));
	}

	/**
	 * Finds the videos of a project, and gives those without zones and clock the ones in it. Throws `project-unreadable`,
	 * `file-not-found`.
	 */
	async open(projectId: string): Promise<OpenedProject> {
		const path = this.#pathOf(projectId);
		const { active, videos } = parseProject(await readTextFile(path, 'project-unreadable'), path);
		const found = await Promise.all(videos.map((video) => this.#find(video, dirname(path))));
		await this.#deps.recent.remember(path);
		return {
			...this.entryOf(path),
			active: Math.min(active, videos.length - 1),
			videos: await Promise.all(
				videos.map(async (video, i) => {
					const place = found[i] ?? null;
					const entry = await this.#deps.videos.entryOf(place ?? video.path);
					this.#stored.set(entry.videoId, { ...video, path: place ?? video.path });
					if (place !== null) await this.#giveNotes(video);
					return { entry: { ...entry, exists: place !== null }, view: video.view && checkedLook(video.view) };
				}),
			),
		};
	}

	/** Null if the user cancels. Throws for videos that nobody knows, a name that is taken, a full disk. */
	async save({ projectId, name, project }: RequestInput<'project.save'>): Promise<ListedProject | null> {
		const path = projectId === null ? await this.#newPath(name) : this.#pathOf(projectId);
		if (path === null) return null;
		await this.#saves.do(async () => {
			const videos = await Promise.all(
				project.videos.map(async ({ videoId, view }) => ({ ...(await this.#describe(videoId)), view })),
			);
			await writeFileWhole(path, projectToText({ active: project.active, videos }));
			await this.#deps.recent.remember(path);
		});
		return this.entryOf(path);
	}

	/** Throws `project-video-differs` for a file of other content than the one that is missing. */
	async locate({ missingId, videoId }: RequestInput<'project.locate'>) {
		const stored = this.#stored.get(missingId);
		const { identity, info } = await this.#deps.videos.open(videoId);
		if (!stored || identityKey(identity) !== identityKey(stored.identity)) {
			throw new UserFacingError(
				'project-video-differs',
				`${info.path}: the video that was ${stored?.path ?? 'in the project'} was expected (this file has other content).`,
				{ remedy: 'Choose the file that was moved or renamed.' },
			);
		}
		this.#stored.set(videoId, { ...stored, path: info.path });
		await this.#giveNotes(stored);
		return this.#deps.videos.entryOf(info.path);
	}

	/** Where a video is now: at its place, beside the project, or in the list of recent ones; null for nowhere. */
	async #find({ path, identity }: StoredVideo, besides: string): Promise<string | null> {
		const { videos, shell } = this.#deps;
		const fits = async (candidate: string) =>
			(await shell.mayOpenPath(candidate)) && (await hasIdentity(candidate, identity));
		if (await fits(path)) return path;
		const beside = (await readdir(besides).catch(() => [])).map((name) => join(besides, name));
		for (const candidate of [...beside, ...videos.recentPaths]) if (await fits(candidate)) return candidate;
		return null;
	}

	/** What is there already is never written over. */
	async #giveNotes({ identity, zones, clock }: StoredVideo): Promise<void> {
		const { notes } = this.#deps;
		try {
			if (zones && (await notes.zones(identity)) === null) await notes.storeZones(identity, zones);
			if (clock && (await notes.clock(identity)) === null) await notes.storeClock(identity, clock);
		} catch (error) {
			if (!(error instanceof UserFacingError)) throw error; // zones that count nothing; the rest opens
		}
	}

	/** A video as it is stored; one that is not found, as it was. */
	async #describe(videoId: string): Promise<Omit<StoredVideo, 'view'>> {
		const { videos, notes } = this.#deps;
		const stored = this.#stored.get(videoId);
		try {
			const { identity } = await videos.open(videoId);
			const [zones, clock] = await Promise.all([
				notes.zones(identity).catch(() => stored?.zones ?? null),
				notes.clock(identity),
			]);
			return { path: videos.pathOf(videoId), identity, zones: zones as StoredVideo['zones'], clock };
		} catch (error) {
			if (!stored) throw error;
			const { path, identity, zones, clock } = stored;
			return { path, identity, zones, clock };
		}
	}

	async #newPath(name: string): Promise<string | null> {
		const { shell, folder } = this.#deps;
		const fileName = shortName(
			name.replace(/[\\/:*?"<>|\p{Cc}]+/gu, '-').replace(/^\.+/, '-'),
			`.${PROJECT_EXTENSION}`,
		);
		if (shell.host === 'desktop') return shell.chooseExportTarget(fileName, PROJECT_EXTENSION);
		const path = join(folder, fileName);
		if (await stat(path).catch(() => null)) {
			throw new UserFacingError(
				'project-exists',
				`A name that no project has was expected (got "${name}").`,
				{
					remedy: 'Choose another name, or open that project.',
				},
			);
		}
		return path;
	}

	#pathOf(projectId: string): string {
		const path = this.#ids.find(projectId);
		if (path !== undefined) return path;
		throw new UserFacingError(
			'file-not-found',
			`A project that was listed was expected (got the id ${projectId}).`,
		);
	}
}

/** Without preferences that the page doesn't know, or not like this. */
function checkedLook(view: VideoView): VideoView {
	const { shape } = preferencesSchema;
	const isKnown = (name: string): name is keyof typeof shape => Object.hasOwn(shape, name);
	const kept = Object.entries(view.look).filter(
		([name, value]) => isKnown(name) && shape[name].safeParse(value).success,
	);
	return { ...view, look: Object.fromEntries(kept) };
}

async function hasIdentity(path: string, identity: VideoIdentity): Promise<boolean> {
	try {
		const file = await stat(path);
		if (!file.isFile() || file.size !== identity.fileBytes) return false;
		return identityKey(await identifyVideo(path)) === identityKey(identity);
	} catch {
		return false;
	}
}
