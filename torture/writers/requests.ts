import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { foldersIn, makeClip, standInShell } from '../../main/application/application.fixture.ts';
import { Application } from '../../main/application/application.ts';
import { identityKey } from '../../main/application/videos.ts';
import { errorFromData } from '../../main/domain/errors.ts';
import { storeSampleRun } from '../../main/export/run.fixture.ts';
import { identifyVideo } from '../../main/video/identity.ts';
import { probeVideo } from '../../main/video/probe.ts';
import type { Answers, RequestInput, RequestName } from '../../preload/contract.ts';
import { SOME_ZONES } from '../note-subjects.ts';
import type { Session, Writer } from './writer.ts';

// What the page asks of the application.

/** A request, and what it says to the ids of one start. */
type Asked = {
	[Name in RequestName]: readonly [Name, (ids: Ids) => RequestInput<Name>];
}[RequestName];
type Ids = { videoId: string; runId: string; projectId: string };

const RUN_ID = 'run-1';

function requester(title: string, asked: readonly Asked[], again: readonly Asked[] = asked): Writer {
	return {
		title,
		prepare: async (place) => {
			makeClip(join(place, 'clip.mp4'), 12, '-vf', 'scale=64:48');
			const identity = await identifyVideo(join(place, 'clip.mp4'));
			const video = await probeVideo(join(place, 'clip.mp4'));
			const runs = join(place, 'runs', identityKey(identity));
			mkdirSync(runs, { recursive: true });
			await storeSampleRun(join(runs, RUN_ID), { header: { video, videoIdentity: identity } });
			mkdirSync(join(place, 'exports'));
			writeFileSync(join(place, 'exports', 'Yard-zones.json'), 'earlier zones');
			// What is asked has been asked before, so that there is something to lose.
			const session = await openSession(place, asked);
			await session.act();
			await session.close();
		},
		open: (place) => openSession(place, again),
		grows: /^cache\//,
	};
}

async function openSession(place: string, asked: readonly Asked[]): Promise<Session> {
	const folders = foldersIn(place);
	const clip = join(place, 'clip.mp4');
	const shell = standInShell(folders, {
		chooseVideos: () => Promise.resolve([clip]),
		chooseProject: () => Promise.resolve(join(place, 'exports', 'Gates.sparsight')),
	});
	const application = await Application.open({ shell, folders });
	const ask = async <Name extends RequestName>(
		name: Name,
		input: RequestInput<Name>,
	): Promise<Answers[Name]> => {
		const reply = await application.request(name, input);
		if ('error' in reply) throw errorFromData(reply.error);
		return reply.answer as Answers[Name];
	};
	const [entry] = await ask('video.choose', {});
	const project = await ask('project.choose', {});
	const ids: Ids = { videoId: entry!.videoId, runId: RUN_ID, projectId: project!.projectId };
	return {
		act: async () => {
			for (const [name, input] of asked) await ask(name, input(ids) as never);
		},
		check: async () => {
			await application.close();
			// What another start of the program finds.
			const again = await Application.open({ shell, folders });
			const reply = await again.request('video.open', { videoId: ids.videoId });
			await again.close();
			void reply;
		},
		close: () => application.close(),
	};
}

const seen = (ids: Ids) => ({ active: 0, videos: [{ videoId: ids.videoId, view: null }] });

export const REQUEST_WRITERS: readonly Writer[] = [
	requester('Preferences', [['preferences.change', () => ({ theme: 'dark' })]]),
	requester('The list of recent videos', [['video.open', ({ videoId }) => ({ videoId })]]),
	requester('Zones of a video', [['zones.set', ({ videoId }) => ({ videoId, zones: SOME_ZONES })]]),
	requester('A file of zones', [['zones.save', () => ({ name: 'Yard', zones: SOME_ZONES })]]),
	requester('A template of zones', [['templates.store', () => ({ name: 'Yard', zones: SOME_ZONES })]]),
	requester('A stated clock', [
		[
			'video.stateClock',
			({ videoId }) => ({ videoId, stated: { start: '2026-11-29 09:00:00', timeZone: 'Asia/Tokyo' } }),
		],
	]),
	requester('Edits of tracks', [
		[
			'tracks.edit',
			({ runId }) => ({
				runId,
				edits: [{ kind: 'rename' as const, track: 1, name: 'Ann' }],
			}),
		],
	]),
	requester('A project', [
		['project.save', (ids) => ({ projectId: ids.projectId, name: 'Gates', project: seen(ids) })],
	]),
	requester("The page's batch", [
		[
			'batch.add',
			({ videoId }) => ({
				videoIds: [videoId],
				configurations: [{ modelId: 'lookout', mode: 'dense', settings: {} }],
			}),
		],
	]),
	requester('Times of frames (a cache)', [['video.frameTimes', ({ videoId }) => ({ videoId })]]),
];
