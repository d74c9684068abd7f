import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { VideoView } from '../../preload/projects-contract.ts';
import { statedClock } from '../domain/recording-clock.ts';
import type { ZoneSet } from '../domain/zones.ts';
import { identifyVideo } from '../video/identity.ts';
import { OpaqueIds } from './opaque-ids.ts';
import { parseProject } from './project-file.ts';
import { Projects } from './projects.ts';
import { RecentFiles } from './recent-files.ts';
import type { Shell } from './shell.ts';
import { VideoNotes } from './video-notes.ts';
import type { Videos } from './videos.ts';

const VIEW: VideoView = {
	panes: [{ runId: 'run-1', draft: { modelId: 'lookout', mode: 'dense', settings: {} } }],
	activePane: 0,
	maximised: false,
	frame: 123,
	range: [10, null],
	look: { showBoxes: false, heatMap: 'history', timelineHeight: null },
};
const ZONES: ZoneSet = {
	format: 'sparsight-zones',
	version: 1,
	pictureSize: { width: 640, height: 480 },
	anchor: 'bottom',
	hysteresis: 0.05,
	zones: [],
	lines: [{ id: 'line-1', name: 'Gate', from: [0, 240], to: [320, 240] }],
};

let root: string;
let recent: string[];
let recentProjects: RecentFiles;
const place = (...names: string[]) => join(root, ...names);

/** A host of its own, with nothing but the files. */
function host(name = 'host', mayOpenPath = () => true) {
	const ids = new OpaqueIds<string>((path) => path);
	const notes = new VideoNotes(() => place(name, 'runs'));
	const videos = {
		recentPaths: recent,
		entryOf: (path: string) =>
			Promise.resolve({ videoId: ids.idOf(path), name: path.slice(root.length), folder: root, exists: true }),
		pathOf: (videoId: string) => ids.find(videoId)!,
		open: async (videoId: string) => {
			const path = ids.find(videoId)!;
			return { videoId, identity: await identifyVideo(path), info: { path } };
		},
	} as unknown as Videos;
	const shell = { host: 'web', mayOpenPath: () => Promise.resolve(mayOpenPath()) } as unknown as Shell;
	const projects = new Projects({ notes, videos, shell, recent: recentProjects, folder: place('projects') });
	const save = async (projectId: string | null, ...paths: string[]) => {
		const entries = paths.map((path) => ({ videoId: ids.idOf(path), view: VIEW }));
		return (await projects.save({ projectId, name: 'Gates', project: { active: 1, videos: entries } }))!;
	};
	return { projects, notes, save, idOf: (path: string) => ids.idOf(path) };
}

beforeEach(async () => {
	root = await mkdtemp(join(tmpdir(), 'sparsight-projects-'));
	recent = [];
	recentProjects = await RecentFiles.load(place('recent-projects.json'));
	await mkdir(place('videos'));
	for (const name of ['a.mp4', 'b.mp4']) await writeFile(place('videos', name), `content of ${name}`);
});
afterEach(() => rm(root, { recursive: true }));

const VIDEOS = () => [place('videos', 'a.mp4'), place('videos', 'b.mp4')];

test('videos come back as they were left, with zones and clock for who has none', async () => {
	const first = host('first');
	const identity = await identifyVideo(VIDEOS()[0]!);
	await first.notes.storeZones(identity, ZONES);
	const clock = statedClock('2026-11-29 09:00:00', 'Asia/Tokyo');
	await first.notes.storeClock(identity, clock);
	await first.save(null, ...VIDEOS());

	const second = host('second');
	const [listed] = await second.projects.list();
	expect(listed!.name).toBe('Gates');
	const opened = await second.projects.open(listed!.projectId);
	expect(opened).toMatchObject({ name: 'Gates', active: 1 });
	expect(opened.videos.map(({ entry, view }) => [entry.exists, view])).toEqual([[true, VIEW], [true, VIEW]]); // prettier-ignore
	expect([await second.notes.zones(identity), await second.notes.clock(identity)]).toEqual([ZONES, clock]);
});

test('zones that were drawn since are never written over', async () => {
	const { projects, notes, save } = host();
	const identity = await identifyVideo(VIDEOS()[0]!);
	await notes.storeZones(identity, ZONES);
	const { projectId } = await save(null, ...VIDEOS());
	const newer = { ...ZONES, hysteresis: 0.2 };
	await notes.storeZones(identity, newer);
	await projects.open(projectId);
	expect(await notes.zones(identity)).toEqual(newer);
});

describe('a video that moved', () => {
	test.for<[where: string, move: (path: string) => string]>([
		['beside the project', () => place('projects', 'renamed.mp4')],
		['among recent videos', () => recent[recent.push(place('elsewhere.mp4')) - 1]!],
	])('is found %s', async ([, move]) => {
		const { projects, save, idOf } = host();
		const { projectId } = await save(null, ...VIDEOS());
		const moved = move(VIDEOS()[0]!);
		await rename(VIDEOS()[0]!, moved);
		const { videos } = await projects.open(projectId);
		expect(videos[0]!.entry).toMatchObject({ videoId: idOf(moved), exists: true });
	});

	test('and is nowhere keeps what is known of it, until a file of its content is chosen', async () => {
		const { projects, save, idOf } = host();
		const { projectId } = await save(null, ...VIDEOS());
		const moved = place('moved.mp4');
		await rename(VIDEOS()[0]!, moved);
		const { videos } = await projects.open(projectId);
		const missing = videos[0]!.entry;
		expect(videos.map(({ entry }) => entry.exists)).toEqual([false, true]);

		await projects.save({
			projectId,
			name: 'Gates',
			project: { active: 0, videos: videos.map(({ entry: { videoId }, view }) => ({ videoId, view })) },
		});
		expect(parseProject(await readFile(place('projects', 'Gates.sparsight'), 'utf8'), 'x').videos[0]).toMatchObject({ path: VIDEOS()[0]! }); // prettier-ignore

		const locate = (path: string) =>
			projects.locate({ projectId, missingId: missing.videoId, videoId: idOf(path) });
		await expect(locate(VIDEOS()[1]!)).rejects.toMatchObject({ code: 'project-video-differs' });
		expect((await locate(moved)).videoId).toBe(idOf(moved));
	});

	test('to where this host may not read is not found', async () => {
		await host().save(null, ...VIDEOS());
		const { projects } = host('other', () => false);
		const { videos } = await projects.open((await projects.list())[0]!.projectId);
		expect(videos.map(({ entry }) => entry.exists)).toEqual([false, false]);
	});
});

test('a name that is taken is refused, and names never leave the folder', async () => {
	const { projects, save, idOf } = host();
	await save(null, ...VIDEOS());
	await expect(save(null, ...VIDEOS())).rejects.toMatchObject({ code: 'project-exists' });
	const project = { active: 0, videos: [{ videoId: idOf(VIDEOS()[0]!), view: VIEW }] };
	await projects.save({ projectId: null, name: '../../up', project });
	expect((await projects.list()).map(({ name }) => name).sort()).toEqual(['--..-up', 'Gates'].sort());
});

describe('a file', () => {
	const FILE = {
		format: 'sparsight-project',
		version: 1,
		active: 0,
		videos: [
			{
				path: '/a.mp4',
				identity: { fileBytes: 1, edgesSha256: 'ab'.repeat(32) },
				view: VIEW,
				zones: ZONES,
				clock: null,
			},
		],
	};
	const text = (changes: object) => JSON.stringify({ ...FILE, ...changes });

	test('that is a project is read', () => expect(parseProject(text({}), 'x')).toEqual(FILE));

	test.for<[what: string, text: string, sentence: RegExp]>([
		['that is damaged', '{"format":', /^x\.sparsight: a project as JSON was expected/],
		['of another kind', '{"format":"sparsight-zones","version":1}', /a file of another kind/],
		[
			'of a newer version',
			text({ version: 2, panes: [] }),
			/version 1 at most was expected \(got version 2\)/,
		],
		['with a field that nobody knows', text({ colour: 'red' }), /^x\.sparsight: the file is not as projects/],
		['without videos', text({ videos: [] }), /^x\.sparsight: videos is not as projects have it/],
		[
			'with a video without content',
			text({ videos: [{ ...FILE.videos[0]!, identity: null }] }),
			/^x\.sparsight: videos\.0\.identity/,
		],
	])('%s is refused in a sentence', ([, content, sentence]) => {
		expect(() => parseProject(content, 'x.sparsight')).toThrow(sentence);
	});

	test('leaves out overlay choices that this version does not know', async () => {
		await host().save(null, ...VIDEOS());
		const path = place('projects', 'Gates.sparsight');
		const file = parseProject(await readFile(path, 'utf8'), path);
		const look = { showBoxes: 'maybe', glow: 3, heatMap: 'history' };
		file.videos[0]!.view = { ...VIEW, look };
		await writeFile(path, JSON.stringify(file));
		const { projects } = host('other');
		const { videos } = await projects.open((await projects.list())[0]!.projectId);
		expect(videos[0]!.view!.look).toEqual({ heatMap: 'history' });
	});
});

test('what is no file among the projects is not listed, and does not hide the others', async () => {
	const { projects, save } = host();
	await save(null, ...VIDEOS());
	await mkdir(place('projects', 'folder.sparsight'));
	await symlink(place('nowhere'), place('projects', 'broken.sparsight'));
	expect((await projects.list()).map(({ name }) => name)).toEqual(['Gates']);
});

test('a folder that is called like a project is refused in a sentence', async () => {
	const { projects } = host();
	await mkdir(place('folder.sparsight'));
	const { projectId } = projects.entryOf(place('folder.sparsight'));
	await expect(projects.open(projectId)).rejects.toMatchObject({
		code: 'project-unreadable',
		message: expect.stringContaining('a readable file was expected (got a folder)') as string,
	});
});

describe('recent projects', () => {
	const names = async (projects: Projects) =>
		(await projects.recent()).map(({ name, exists }) => (exists ? name : `${name}, gone`));

	test('are what was saved or opened, newest first, also in the next session', async () => {
		const { projects, idOf } = host();
		const project = { active: 0, videos: [{ videoId: idOf(VIDEOS()[0]!), view: VIEW }] };
		expect(await names(projects)).toEqual([]);
		for (const name of ['one', 'two', 'three']) await projects.save({ projectId: null, name, project });
		const one = (await projects.list()).find(({ name }) => name === 'one')!;
		await projects.open(one.projectId);
		expect(await names(projects)).toEqual(['one', 'three', 'two']);
		expect((await projects.recent())[0]).toEqual({ ...one, folder: place('projects'), exists: true });
		recentProjects = await RecentFiles.load(place('recent-projects.json'));
		expect(await names(host('later').projects)).toEqual(['one', 'three', 'two']);
	});

	test('that are gone are marked, and can be forgotten; their files are left alone', async () => {
		const { projects, save } = host();
		const { projectId } = await save(null, ...VIDEOS());
		const path = place('projects', 'Gates.sparsight');
		await rename(path, place('moved.sparsight'));
		expect(await names(projects)).toEqual(['Gates, gone']);
		await rename(place('moved.sparsight'), path);
		await projects.forget(projectId);
		expect(await names(projects)).toEqual([]);
		expect((await projects.list()).map(({ name }) => name)).toEqual(['Gates']);
	});

	test('elsewhere are not told of where this host may not read', async () => {
		await host().save(null, ...VIDEOS());
		await rename(place('projects', 'Gates.sparsight'), place('elsewhere.sparsight'));
		const { projects } = host();
		await projects.open(projects.entryOf(place('elsewhere.sparsight')).projectId);
		expect(await names(projects)).toEqual(['elsewhere', 'Gates, gone']);
		expect(await names(host('other', () => false).projects)).toEqual(['Gates, gone']);
	});

	test('of a list that is damaged are none, and the next one begins anew', async () => {
		await writeFile(place('recent-projects.json'), '[1');
		recentProjects = await RecentFiles.load(place('recent-projects.json'));
		const { projects, save } = host();
		expect(await names(projects)).toEqual([]);
		await save(null, ...VIDEOS());
		expect(JSON.parse(await readFile(place('recent-projects.json'), 'utf8'))).toHaveLength(1);
	});
});
