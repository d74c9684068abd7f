import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { foldersIn, makeClip, standInShell } from '../../main/application/application.fixture.ts';
import { Application } from '../../main/application/application.ts';
import { NOTES_FOLDER } from '../../main/application/video-notes.ts';
import { BatchFolder } from '../../main/batch/batch-folder.ts';
import { errorFromData, errorToData } from '../../main/domain/errors.ts';
import type { ZoneSet } from '../../main/domain/zones.ts';
import { storeSampleRun } from '../../main/export/run.fixture.ts';
import { identifyVideo, identityKey } from '../../main/video/identity.ts';
import { probeVideo } from '../../main/video/probe.ts';
import type { Answers, RequestInput, RequestName } from '../../preload/contract.ts';
import { SOME_ZONES } from '../note-subjects.ts';
import type { Found, Session, Writer } from './writer.ts';

// What the page asks of the application.

type Ask = <Name extends RequestName>(name: Name, input: RequestInput<Name>) => Promise<Answers[Name]>;

/** The page of one start of the application. */
type Page = {
	ask: Ask;
	place: string;
	/** Of a video with a run, of one without, and of one that is not there. */
	videoId: string;
	otherId: string;
	goneId: string;
	projectId: string;
};

type Requests = Pick<Writer, 'title' | 'mayBe' | 'mayForget' | 'isCache' | 'grows'> & {
	/** What was asked earlier, so that there is something to lose. */
	before?: (page: Page) => Promise<unknown>;
	act: (page: Page) => Promise<unknown>;
	find: (page: Page) => Promise<Found>;
};

const RUN_ID = 'run-1';
const OTHER_ZONES: ZoneSet = { ...SOME_ZONES, hysteresis: 0.1, lines: [] };
const DENSE = { modelId: 'lookout', mode: 'dense', settings: {} };

const REQUESTS: readonly Requests[] = [
	{
		title: 'Preferences',
		before: ({ ask }) => ask('preferences.change', { theme: 'light', volume: 0.5 }),
		act: ({ ask }) => ask('preferences.change', { theme: 'dark' }),
		find: async ({ ask }) => ({ preferences: (await ask('app.describe', {})).preferences }),
	},
	{
		title: 'The list of recent videos',
		before: ({ ask, videoId }) => ask('video.open', { videoId }),
		act: ({ ask, otherId }) => ask('video.open', { videoId: otherId }),
		find: async ({ ask }) => ({ recent: (await ask('app.describe', {})).recent.map(({ name }) => name) }),
		mayForget: true,
	},
	{
		title: 'Zones of a video',
		before: ({ ask, videoId }) => ask('zones.set', { videoId, zones: OTHER_ZONES }),
		act: ({ ask, videoId }) => ask('zones.set', { videoId, zones: SOME_ZONES }),
		find: async ({ ask, videoId }) => ({ zones: await ask('zones.get', { videoId }) }),
	},
	{
		title: "Zones of a video where those before can't be read",
		before: async (page) => {
			const notes = await notesOf(page);
			mkdirSync(notes, { recursive: true });
			writeFileSync(join(notes, 'zones.json'), 'drawn by another program');
		},
		act: ({ ask, videoId }) => ask('zones.set', { videoId, zones: SOME_ZONES }),
		find: async (page) => {
			const { ask, videoId } = page;
			const zones = await ask('zones.get', { videoId }).catch((error: unknown) => errorToData(error).code);
			const notes = await notesOf(page);
			const kept = readdirSync(notes).filter((name) => name.startsWith('zones-unreadable'));
			return { zones, kept: kept.map((name) => readFileSync(join(notes, name), 'utf8')) };
		},
		// Put aside, and nothing in its place yet.
		mayBe: (found) => found === null,
		grows: /zones\.json$/,
	},
	{
		title: 'A file of zones',
		before: ({ ask }) => ask('zones.save', { name: 'Yard', zones: OTHER_ZONES }),
		act: ({ ask }) => ask('zones.save', { name: 'Yard', zones: SOME_ZONES }),
		find: async ({ ask, videoId, place }) => {
			const text = readFileSync(join(place, 'exports', 'Yard-zones.json'), 'utf8');
			return { zones: await ask('zones.read', { videoId, name: 'Yard-zones.json', text }) };
		},
	},
	{
		title: 'A template of zones',
		before: async ({ ask }) => {
			await ask('templates.store', { name: 'Gate', zones: SOME_ZONES });
			await ask('templates.store', { name: 'Yard', zones: OTHER_ZONES });
		},
		act: ({ ask }) => ask('templates.store', { name: 'Yard', zones: SOME_ZONES }),
		find: async ({ ask, videoId }) => {
			const names = await ask('templates.list', {});
			const templates = names.map(
				async (name) => [name, await ask('templates.use', { name, videoId })] as const,
			);
			return Object.fromEntries(await Promise.all(templates));
		},
	},
	{
		title: 'A stated clock',
		before: ({ ask, videoId }) => ask('video.stateClock', { videoId, stated: stated('08:30:00') }),
		act: ({ ask, videoId }) => ask('video.stateClock', { videoId, stated: stated('09:00:00') }),
		find: async ({ ask, videoId }) => ({ clock: (await ask('video.open', { videoId })).clock }),
	},
	{
		title: 'Edits of tracks',
		before: ({ ask }) => ask('tracks.edit', { runId: RUN_ID, edits: named('Ben') }),
		act: ({ ask }) => ask('tracks.edit', { runId: RUN_ID, edits: named('Ann') }),
		find: async ({ ask }) => ({ edits: await ask('tracks.edits', { runId: RUN_ID }) }),
	},
	{
		title: 'A project',
		before: (page) => saveProject(page, [page.videoId]),
		act: (page) => saveProject(page, [page.videoId, page.otherId]),
		find: async ({ ask, projectId }) => {
			const { active, videos } = await ask('project.open', { projectId });
			return {
				project: { active, videos: videos.map(({ entry, view }) => [entry.name, entry.exists, view]) },
			};
		},
	},
	{
		title: 'The list of recent projects',
		before: async (page) => {
			await saveProject(page, [page.videoId]);
			await saveProject({ ...page, projectId: null }, [page.videoId], 'Yard');
		},
		act: ({ ask, projectId }) => ask('project.open', { projectId }),
		find: async ({ ask }) => ({
			recent: (await ask('app.describe', {})).recentProjects.map(({ name }) => name),
		}),
		mayForget: true,
	},
	{
		title: "The page's batch, added to",
		before: ({ ask, videoId }) => ask('batch.add', { videoIds: [videoId], configurations: [DENSE] }),
		act: ({ ask, otherId }) => ask('batch.add', { videoIds: [otherId], configurations: [DENSE] }),
		find: listedJobs,
	},
	{
		title: "The page's batch, taken from",
		before: ({ ask, videoId, otherId }) =>
			ask('batch.add', { videoIds: [videoId, otherId], configurations: [DENSE] }),
		act: async ({ ask, videoId }) => {
			const { jobs } = await ask('batch.get', {});
			const ids = jobs.filter(({ video }) => video.videoId === videoId).map(({ jobId }) => jobId);
			if (ids.length > 0) await ask('batch.remove', { jobIds: ids });
		},
		find: listedJobs,
	},
	{
		title: "The page's batch, begun and done",
		before: ({ ask, goneId }) => ask('batch.add', { videoIds: [goneId], configurations: [DENSE] }),
		act: async ({ ask }) => {
			await ask('batch.retry', {});
			await ask('batch.run', { running: true });
			for (;;) {
				const { phase, error } = await ask('batch.get', {});
				if (error) throw errorFromData(error);
				if (phase === 'stopped') return;
				await sleep(5);
			}
		},
		// By its files: a batch that was going goes on with the next start.
		find: async ({ place }) => {
			const folder = join(place, 'settings', 'batch');
			const page = join(folder, 'page.json');
			const states = await new BatchFolder(folder).states();
			return {
				state: existsSync(page) ? (JSON.parse(readFileSync(page, 'utf8')) as unknown) : null,
				jobs: states.map(({ state }) => (state.state === 'failed' ? state.error.code : 'waiting')),
			};
		},
		mayBe: (found) => JSON.stringify(found) === '{"running":true}',
		grows: /^settings\/batch\/(claims|outcomes|page)/,
	},
	{
		title: 'A run that the page starts',
		before: ({ ask }) => ask('preferences.change', { provider: 'cpu', threads: 1 }),
		act: async ({ ask, videoId }) => {
			const range = { from: { frame: 0 }, to: null, every: 1 };
			if ((await ask('run.list', { videoId })).length === 1)
				await ask('analysis.start', { videoId, ...DENSE, range });
			while ((await ask('run.list', { videoId })).some(({ active }) => active)) await sleep(20);
		},
		find: async ({ ask, videoId }) => {
			const runs = await ask('run.list', { videoId });
			return Object.fromEntries(runs.map(({ mode, status }) => [mode, [status.state, status.framesStored]]));
		},
	},
	{
		title: 'A run that is deleted',
		act: async ({ ask, videoId }) => {
			if ((await ask('run.list', { videoId })).length > 0) await ask('run.delete', { runId: RUN_ID });
		},
		find: async ({ ask, videoId }) => ({
			runs: (await ask('run.list', { videoId })).map(({ runId, status }) => [runId, status.framesStored]),
		}),
		grows: /^runs\//,
	},
	{
		title: 'Measured speeds of models',
		before: async ({ ask, videoId }) => {
			await ask('preferences.change', { provider: 'cpu', threads: 1 });
			await ask('models.measure', { modelId: 'lookout', mode: 'dense', videoId });
		},
		act: ({ ask, videoId }) => ask('models.measure', { modelId: 'lookout', mode: 'token-cache', videoId }),
		find: async ({ ask }) => {
			const model = (await ask('models.list', {})).find(({ modelId }) => modelId === 'lookout');
			return { speeds: model!.speeds.map(({ mode, provider, frames }) => [mode, provider, frames]) };
		},
		mayForget: true,
	},
	{
		title: 'What models there are (a cache)',
		act: async ({ place }) => {
			rmSync(join(place, 'cache'), { recursive: true, force: true });
			await withPage(place, () => Promise.resolve());
		},
		find: async ({ ask }) => ({ models: (await ask('app.describe', {})).models }),
		isCache: true,
	},
	{
		title: 'What a file says about itself (a cache)',
		act: ({ ask, otherId }) => ask('video.open', { videoId: otherId }),
		find: async ({ ask, otherId }) => ({ info: (await ask('video.open', { videoId: otherId })).info }),
		isCache: true,
	},
	{
		title: 'Times of frames (a cache)',
		act: ({ ask, otherId }) => allTimes(ask, otherId),
		find: async ({ ask, otherId }) => ({ times: Array.from(await allTimes(ask, otherId)) }),
		isCache: true,
	},
];

const stated = (time: string) => ({ start: `2026-11-29 ${time}`, timeZone: 'Asia/Tokyo' });
const named = (name: string) => [{ kind: 'rename' as const, track: 1, name }];

async function notesOf({ place }: Page): Promise<string> {
	return join(place, 'runs', identityKey(await identifyVideo(join(place, 'clip.mp4'))), NOTES_FOLDER);
}

/** Without an id, a new one. */
function saveProject(
	{ ask, projectId }: Pick<Page, 'ask'> & { projectId: string | null },
	ids: readonly string[],
	name = 'Gates',
) {
	const videos = ids.map((videoId) => ({ videoId, view: null }));
	return ask('project.save', { projectId, name, project: { active: ids.length - 1, videos } });
}

async function listedJobs({ ask }: Page): Promise<Found> {
	const { jobs } = await ask('batch.get', {});
	return { jobs: jobs.map(({ video, mode, modelId, state }) => [video.name, mode, modelId, state]) };
}

async function allTimes(ask: Ask, videoId: string): Promise<Float64Array> {
	for (;;) {
		const { ptsSeconds, complete } = await ask('video.frameTimes', { videoId });
		if (complete) return ptsSeconds;
	}
}

export const REQUEST_WRITERS = REQUESTS.map(({ before, act, find, ...rest }): Writer => ({
	grows: /^cache\//,
	...rest,
	prepare: async (place) => {
		makeClip(join(place, 'clip.mp4'), 12, '-vf', 'scale=64:48');
		makeClip(join(place, 'other.mp4'), 15, '-vf', 'scale=64:48');
		const videoIdentity = await identifyVideo(join(place, 'clip.mp4'));
		const video = await probeVideo(join(place, 'clip.mp4'));
		const run = join(place, 'runs', identityKey(videoIdentity), RUN_ID);
		mkdirSync(dirname(run), { recursive: true });
		await storeSampleRun(run, { header: { video, videoIdentity } });
		mkdirSync(join(place, 'exports'));
		await withPage(place, async (page) => before?.(page));
	},
	open: (place) => openSession(place, act),
	find: (place) => withPage(place, find),
}));

async function withPage<T>(place: string, use: (page: Page) => Promise<T>): Promise<T> {
	const { page, close } = await openPage(place);
	try {
		return await use(page);
	} finally {
		await close();
	}
}

async function openSession(place: string, act: Requests['act']): Promise<Session> {
	const { page, close } = await openPage(place);
	return { act: () => act(page), close };
}

async function openPage(place: string): Promise<{ page: Page; close: () => Promise<void> }> {
	const folders = foldersIn(place);
	const shell = standInShell(folders, {
		chooseVideos: () => Promise.resolve(['clip', 'other', 'gone'].map((name) => join(place, `${name}.mp4`))),
		chooseProject: () => Promise.resolve(join(place, 'exports', 'Gates.sparsight')),
	});
	const application = await Application.open({ shell, folders });
	const ask: Ask = async (name, input) => {
		const reply = await application.request(name, input);
		if ('error' in reply) throw errorFromData(reply.error);
		return reply.answer as Answers[typeof name];
	};
	// What every start writes into caches is written by then.
	await ask('app.describe', {});
	const [video, other, gone] = await ask('video.choose', {});
	const project = await ask('project.choose', {});
	const ids = { videoId: video!.videoId, otherId: other!.videoId, goneId: gone!.videoId };
	const page = { ask, place, ...ids, projectId: project!.projectId };
	return { page, close: () => application.close() };
}
