import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { foldersIn, standInShell } from '../main/application/application.fixture.ts';
import { Application } from '../main/application/application.ts';
import { projectToText } from '../main/application/project-file.ts';
import { VideoNotes } from '../main/application/video-notes.ts';
import { BatchFolder } from '../main/batch/batch-folder.ts';
import { DENSE } from '../main/batch/configuration.fixture.ts';
import { LocalQueue } from '../main/batch/local-queue.ts';
import { planJobs } from '../main/batch/plan.ts';
import { summarizeBatch } from '../main/batch/table.ts';
import { countTracks } from '../main/counting/count-tracks.ts';
import { parseZones, zonesToText } from '../main/counting/zone-file.ts';
import { allSteps } from '../main/domain/all-steps.ts';
import { errorFromData } from '../main/domain/errors.ts';
import { statedClock, timesOfDay } from '../main/domain/recording-clock.ts';
import type { TrackPaths } from '../main/domain/track-paths.ts';
import type { ZoneSet } from '../main/domain/zones.ts';
import { openRun } from '../main/results/stored-run.ts';
import { parseTrackEdits, trackEditsToText } from '../main/tracking/edits-file.ts';
import { RunIdentities } from '../main/tracking/run-tracks.ts';
import type { TrackEdit } from '../main/tracking/track-edits.ts';
import { identifyVideo, identityKey } from '../main/video/identity.ts';
import type { RequestInput, RequestName } from '../preload/contract.ts';
import { BYTE_MUTATIONS, JSON_MUTATIONS } from './mutations.ts';
import { storedRun } from './stored-run.ts';
import type { Subject } from './subjects.ts';

// What is noted beside runs: by a person (zones, clocks, edits of tracks, projects), and by those who work at a batch.

const json = Object.values(JSON_MUTATIONS);
/** Half of all changes are to values. */
const mutations = [...Object.values(BYTE_MUTATIONS), ...json, ...json];
const mostMilliseconds = 20_000;

export const NOTE_SUBJECTS = {
	zones: {
		title: 'Zones and lines',
		seeds: () => Promise.resolve(new Map([['zones.json', Buffer.from(zonesToText(SOME_ZONES))]])),
		mutations,
		read: (name, content, folder) => {
			const zones = parseZones(Buffer.from(content).toString('utf8'), join(folder, name));
			countTracks(SOME_PATHS, zones);
			return Promise.resolve();
		},
		mostMilliseconds,
	},
	clocks: {
		title: 'Stated clocks',
		seeds: () => Promise.resolve(new Map([['clock.json', Buffer.from(JSON.stringify(SOME_CLOCK))]])),
		mutations,
		read: async (name, content, folder) => {
			writeWithin(folder, join('runs', identityKey(NO_VIDEO), 'notes', name), content);
			const clock = await new VideoNotes(() => join(folder, 'runs')).clock(NO_VIDEO);
			if (clock) timesOfDay(clock, { startSeconds: 0.5 })(3600);
		},
		mostMilliseconds,
	},
	edits: {
		title: 'Edits of tracks',
		seeds: () => Promise.resolve(new Map([['track-edits.json', Buffer.from(trackEditsToText(SOME_EDITS))]])),
		mutations,
		read: async (name, content, folder) => {
			const edits = parseTrackEdits(Buffer.from(content).toString('utf8'), join(folder, name));
			const run = await openRun(await storedRun(folder));
			const identities = new RunIdentities(run.header.displayThresholds, edits);
			allSteps(identities.follow(run));
			identities.tracks();
		},
		mostMilliseconds,
	},
	projects: {
		title: 'Projects',
		seeds: async (folder) => new Map([['Gates.sparsight', Buffer.from(await projectText(folder))]]),
		mutations,
		read: readProject,
		mostMilliseconds,
	},
	batches: {
		title: 'Batches (list, claims, outcomes)',
		seeds: async () => batchFiles(),
		mutations,
		read: readBatch,
		mostMilliseconds,
	},
} as const satisfies Record<string, Subject>;

export const SOME_ZONES: ZoneSet = {
	format: 'sparsight-zones',
	version: 1,
	pictureSize: { width: 640, height: 480 },
	anchor: 'bottom',
	hysteresis: 0.05,
	zones: [
		{
			id: 'yard',
			name: 'Yard',
			points: [
				[100, 100],
				[400, 120],
				[300, 400],
			],
		},
	],
	lines: [{ id: 'gate', name: 'Gate', from: [0, 240], to: [320, 260.5] }],
};

/** Somebody who walks through the picture. */
const SOME_PATHS: TrackPaths = {
	identities: Int32Array.of(1),
	classIndices: Uint16Array.of(0),
	offsets: Uint32Array.of(0, 20),
	frameIndices: Int32Array.from({ length: 20 }, (_, i) => i),
	timesSeconds: Float64Array.from({ length: 20 }, (_, i) => i / 10),
	boxesXyxy: Float32Array.from(
		Array.from({ length: 20 }, (_, i) => [100 + 10 * i, 20 * i, 140 + 10 * i, 100 + 20 * i]).flat(),
	),
	scores: new Float32Array(20).fill(0.9),
};

const SOME_EDITS: readonly TrackEdit[] = [
	{ kind: 'split', track: 1, frame: 5 },
	{ kind: 'join', tracks: [1, 2] },
	{ kind: 'rename', track: 3, name: 'Courier' },
	{ kind: 'hide', track: 4 },
];

const SOME_CLOCK = statedClock('2026-11-29 09:00:00', 'Asia/Tokyo');
const NO_VIDEO = { fileBytes: 9, edgesSha256: '0'.repeat(64) };

/** Content of the video of a project: it is looked for, not decoded. */
const VIDEO = 'a video of a gate';

async function projectText(folder: string): Promise<string> {
	const path = join(folder, 'gate.mp4');
	writeFileSync(path, VIDEO);
	const view = {
		panes: [{ runId: 'run-1', draft: { modelId: 'lookout', mode: 'dense', settings: { budget: 0.5 } } }],
		activePane: 0,
		maximised: false,
		frame: 123,
		range: [10, null] as [number, null],
		look: { showBoxes: false, heatMap: 'history', timelineHeight: null },
	};
	const seen = { path, identity: await identifyVideo(path), view, zones: SOME_ZONES, clock: SOME_CLOCK };
	const unseen = { ...seen, path: join(folder, 'gone.mp4'), identity: NO_VIDEO, view: null, clock: null };
	return projectToText({
		active: 1,
		videos: [seen, unseen] as Parameters<typeof projectToText>[0]['videos'],
	});
}

/** Opens a project as the desktop does, and saves what it has told. */
async function readProject(name: string, content: Uint8Array, folder: string): Promise<void> {
	writeWithin(folder, 'gate.mp4', Buffer.from(VIDEO));
	writeWithin(folder, name, content);
	const folders = foldersIn(folder);
	const shell = standInShell(folders, { chooseProject: () => Promise.resolve(join(folder, name)) });
	const application = await Application.open({ shell, folders });
	const ask = async <Name extends RequestName>(request: Name, input: RequestInput<Name>) => {
		const reply = await application.request(request, input);
		if ('error' in reply) throw errorFromData(reply.error);
		return reply.answer;
	};
	try {
		const { projectId } = (await ask('project.choose', {})) as { projectId: string };
		const opened = (await ask('project.open', { projectId })) as {
			active: number;
			videos: { entry: { videoId: string }; view: null }[];
		};
		const videos = opened.videos.map(({ entry, view }) => ({ videoId: entry.videoId, view }));
		await ask('project.save', { projectId, name: 'Gates', project: { active: opened.active, videos } });
	} finally {
		await application.close();
	}
}

const FAILURE = { code: 'not-a-video', message: 'A video was expected.', remedy: null, stack: null } as const;

/** Of three jobs, one is done, one has failed and one was given back. */
async function batchFiles(): Promise<ReadonlyMap<string, Uint8Array>> {
	const jobs = await planJobs(['/v/a.mp4', '/v/b.mp4', '/v/c.mp4'], [DENSE]);
	const [a, b, c] = jobs.map(({ id }) => id);
	const progress = { framesDone: 7, framesEstimated: 20, framesPerSecond: 2.5 };
	const contents = {
		'batch.json': { format: 'sparsight-batch', version: 1, id: '0123456789abcdef', jobs },
		[`claims/${c}.1.json`]: { host: 'h', pid: 7, nonce: 'n', state: 'released', progress },
		[`outcomes/${a}.json`]: { state: 'done', framesStored: 20 },
		[`outcomes/${b}.json`]: { state: 'failed', error: FAILURE },
	};
	return new Map(
		Object.entries(contents).map(([name, content]) => [name, Buffer.from(JSON.stringify(content))]),
	);
}

/** Looks at a batch, works off what is open, and sums it up. */
async function readBatch(name: string, content: Uint8Array, folder: string): Promise<void> {
	for (const [other, valid] of await batchFiles()) writeWithin(folder, other, valid);
	writeWithin(folder, name, content);
	const batch = new BatchFolder(folder);
	const queue = new LocalQueue(batch);
	await batch.states();
	for (let claim = await queue.next(); claim; claim = await queue.next())
		await claim.end({ state: 'failed', error: FAILURE });
	await queue.isDone();
	await batch.retryFailed();
	await summarizeBatch(batch);
}

function writeWithin(folder: string, name: string, content: Uint8Array): void {
	const path = join(folder, name);
	mkdirSync(dirname(path), { recursive: true });
	writeFileSync(path, content);
}
