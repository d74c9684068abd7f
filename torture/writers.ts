import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeClip, standInShell } from '../main/application/application.fixture.ts';
import { Application } from '../main/application/application.ts';
import { identityKey } from '../main/application/videos.ts';
import { BatchFolder } from '../main/batch/batch-folder.ts';
import { pulseOf } from '../main/batch/claims.ts';
import { LocalQueue } from '../main/batch/local-queue.ts';
import { planJobs } from '../main/batch/plan.ts';
import { writeTables } from '../main/batch/table.ts';
import { errorFromData, errorToData } from '../main/domain/errors.ts';
import { EXPORT_FORMATS } from '../main/export/index.ts';
import { storeSampleRun } from '../main/export/run.fixture.ts';
import { writeExport } from '../main/export/write-export.ts';
import { saveCard, type OnnxCard } from '../main/families/onnx/card.ts';
import { parseOnnx } from '../main/families/onnx/onnx-file.ts';
import { recognize } from '../main/families/onnx/signature.ts';
import { SIGNATURES, tinyOnnx } from '../main/families/onnx/tiny-onnx.fixture.ts';
import { serveFiles } from '../main/models/file-server.fixture.ts';
import { addModel, getModel } from '../main/models/install.ts';
import type { DataFolders } from '../main/process/data-folders.ts';
import { SampleEngine, undisturbed } from '../main/results/endless-run.fixture.ts';
import { RunWriter } from '../main/results/run-writer.ts';
import { sampleHeader } from '../main/results/sample-run.fixture.ts';
import { openRun } from '../main/results/stored-run.ts';
import { TensorStore } from '../main/runtime/tensor-store.ts';
import { identifyVideo } from '../main/video/identity.ts';
import { probeVideo } from '../main/video/probe.ts';
import { FileBytes } from '../main/weights/byte-source.ts';
import { FileHashes } from '../main/weights/file-hashes.ts';
import type { Answers, RequestInput, RequestName } from '../preload/contract.ts';
import { DENSE, SOME_ZONES } from './note-subjects.ts';
import { framesOf } from './programs.ts';

/** Something that writes files, and can be asked again in the same process. */
export type Session = {
	/** Throws where it can't write what matters. */
	act(): Promise<unknown>;
	/** Throws unless what was asked for is there, whole. */
	check(): Promise<void>;
	close(): Promise<void>;
};

export type Writer = {
	title: string;
	/** What lies in `place` before. */
	prepare(place: string): Promise<void>;
	open(place: string): Promise<Session>;
	/** Names of files that are gone on with where they end: they may be longer after a failure. */
	grows?: RegExp;
};

const nothing = () => Promise.resolve();
const FRAMES = 150;

function recorder(title: string, before: number): Writer {
	return {
		title,
		prepare: async (place) => {
			if (before > 0) await record(join(place, 'run'), before, 'cancelled');
		},
		open: (place) =>
			Promise.resolve({
				act: () => record(join(place, 'run'), FRAMES, 'cancelled'),
				check: async () => {
					const { length } = undisturbed(FRAMES);
					const run = await openRun(join(place, 'run'));
					const macs = Array.from(run.results(), ({ cost }) => cost.macs);
					expectSame(macs, undisturbed(length).map(({ cost }) => cost.macs)); // prettier-ignore
				},
				close: nothing,
			}),
		grows: /^run/,
	};
}

/** Stores frames up to `frames` as analysis does: also its failure. */
async function record(folder: string, frames: number, state: 'complete' | 'cancelled'): Promise<void> {
	const engine = new SampleEngine();
	let first = 0;
	let writer: RunWriter;
	try {
		writer = await RunWriter.create(folder, sampleHeader());
	} catch (error) {
		if (codeOf(error) !== 'run-exists') throw error;
		const resumed = await RunWriter.resume(folder).catch((refusal: unknown) => {
			if (codeOf(refusal) === 'resume-mismatch') return null; // it is complete
			throw refusal;
		});
		if (!resumed) return;
		({ writer } = resumed);
		engine.restoreState(resumed.state);
		first = resumed.lastFrameIndex + 1;
	}
	const end = { decode: null, wallSeconds: 1 };
	try {
		await writer.recordEvent({ frameIndex: first, settings: {} });
		for (let i = first; i < frames; i++) {
			await writer.append(engine.next(i));
			if (i % 50 === 49) await writer.snapshot(engine.saveState());
		}
		await writer.close(state, { ...end, error: null, state: engine.saveState() });
	} catch (error) {
		await writer.close('failed', { ...end, error: String(error), state: null }).catch(() => undefined);
		throw error;
	}
}

const PATIENCE_MILLISECONDS = 200;

/** Works off a job that another process had begun, and writes the table. */
const BATCH: Writer = {
	title: 'A batch: a job taken over and done, and the table',
	prepare: async (place) => {
		const batch = new BatchFolder(join(place, 'batch'));
		await batch.add(await planJobs(['/v/a.mp4', '/v/b.mp4'], [DENSE]));
		const [job] = await batch.jobs();
		await record(join(place, 'batch', `${job!.runFolder}.attempt-1`), 50, 'cancelled');
		const progress = { framesDone: 50, framesEstimated: null, framesPerSecond: 1 };
		mkdirSync(join(place, 'batch', 'claims'));
		const dead = { host: 'another', pid: 7, nonce: 'n', state: 'released', progress };
		writeFileSync(join(place, 'batch', 'claims', `${job!.id}.2.json`), JSON.stringify(dead));
		writeFileSync(join(place, 'table.csv'), 'an earlier one');
	},
	open: (place) => {
		const batch = new BatchFolder(join(place, 'batch'), pulseOf(PATIENCE_MILLISECONDS));
		return Promise.resolve({
			act: async () => {
				const queue = new LocalQueue(batch);
				for (;;) {
					const claim = await queue.next();
					if (claim) {
						try {
							const folder = await claim.begin();
							if (folder !== null) await record(folder, 60, 'complete');
							await claim.end({ state: 'done', framesStored: 60 });
						} finally {
							await claim.release();
						}
					} else if (await queue.isDone()) break;
					// A claim that could not be given back is taken for dead.
					else await sleep(PATIENCE_MILLISECONDS);
				}
				await writeTables(batch, join(place, 'table.csv'));
			},
			check: async () => {
				const states = await batch.states();
				expectSame(states.map(({ state }) => state.state), ['done', 'done']); // prettier-ignore
				for (const { job } of states) expectSame((await framesOf(batch.runFolder(job))).length, 60);
				if (readFileSync(join(place, 'table.csv'), 'utf8') === 'an earlier one')
					throw new Error('the table is the earlier one');
			},
			close: nothing,
		});
	},
	grows: /^batch\/(claims|outcomes|[ab]\/)|^table/,
};

// ---- requests of the page

/** A request, and what it says to the ids of one start. */
type Asked = {
	[Name in RequestName]: readonly [Name, (ids: Ids) => RequestInput<Name>];
}[RequestName];
type Ids = { videoId: string; runId: string; projectId: string };

const RUN_ID = 'run-1';

function foldersIn(place: string): DataFolders {
	const at = (name: string) => join(place, name);
	return {
		settings: at('settings'),
		cards: at('cards'),
		runs: at('runs'),
		exports: at('exports'),
		models: at('models'),
		cache: at('cache'),
	};
}

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

const REQUESTS: readonly Writer[] = [
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

// ---- models

const CONFIG = Buffer.from('{"model_type": "none"}');
const WEIGHTS = Buffer.from(Uint8Array.from({ length: 200_000 }, (_, i) => (i * 11) % 256));
const install = (place: string) => ({
	modelsFolder: join(place, 'models'),
	signal: new AbortController().signal,
	check: nothing,
});

async function checkModel(place: string, name: string): Promise<void> {
	const weights = readFileSync(join(place, 'models', name, 'model.safetensors'));
	if (!weights.equals(WEIGHTS)) throw new Error('the weights of the model are others');
	readFileSync(join(place, 'models', name, 'config.json'));
	return nothing();
}

/** Once it is there, it is not got again. */
function unlessThere(act: () => Promise<unknown>): () => Promise<void> {
	let done = false;
	return async () => {
		if (!done) await act();
		done = true;
	};
}

const MODELS: readonly Writer[] = [
	{
		title: 'A model that is downloaded',
		prepare: nothing,
		open: async (place) => {
			const files = { 'config.json': CONFIG, 'model.safetensors': WEIGHTS };
			const server = await serveFiles(
				new Map(Object.entries(files).map(([name, content]) => [`tiny/${name}`, content])),
			);
			const sha256 = (content: Buffer) => createHash('sha256').update(content).digest('hex');
			const model = {
				id: 'tiny',
				name: 'Tiny',
				task: 'detection',
				family: 'none',
				form: 'hugging-face',
				licence: { spdx: 'MIT', remark: '' },
				page: null,
				files: Object.entries(files).map(([name, content]) => ({
					name,
					address: `${server.address}tiny/${name}`,
					bytes: content.length,
					sha256: sha256(content),
				})),
				accuracy: null,
				unverified: 'Nobody publishes it.',
			} as const;
			return {
				act: unlessThere(() =>
					getModel(model, {
						...install(place),
						origin: { kind: 'publisher' },
						redirects: {},
						onProgress: () => undefined,
						patience: { silence: 30_000, pauses: [1] },
					}),
				),
				check: () => checkModel(place, 'tiny'),
				close: () => server.close(),
			};
		},
	},
	{
		title: "A model of one's own that is installed",
		prepare: (place) => {
			mkdirSync(join(place, 'own'));
			writeFileSync(join(place, 'own', 'config.json'), CONFIG);
			writeFileSync(join(place, 'own', 'model.safetensors'), WEIGHTS);
			return nothing();
		},
		open: (place) =>
			Promise.resolve({
				act: unlessThere(() =>
					addModel(join(place, 'own'), { ...install(place), mayRead: () => Promise.resolve(true) }),
				),
				check: () => checkModel(place, 'own'),
				close: nothing,
			}),
	},
	{
		title: 'The card of an ONNX file',
		prepare: (place) => {
			saveCard(someCard(), { folder: join(place, 'cards'), sha256: 'a'.repeat(64) });
			return nothing();
		},
		open: (place) =>
			Promise.resolve({
				act: async () => saveCard(someCard(), { folder: join(place, 'cards'), sha256: 'a'.repeat(64) }),
				check: () => {
					JSON.parse(readFileSync(join(place, 'cards', `${'a'.repeat(64)}.json`), 'utf8'));
					return nothing();
				},
				close: nothing,
			}),
	},
	{
		title: 'Tensors of graphs, hashes of files (caches)',
		prepare: (place) => {
			writeFileSync(join(place, 'weights.bin'), WEIGHTS);
			return nothing();
		},
		open: (place) =>
			Promise.resolve({
				act: async () => {
					const data = new Float32Array(2 ** 15);
					const tensor = { data, shape: [2 ** 15], origin: 'made' };
					await new TensorStore(join(place, 'cache', 'weights')).filesOf(new Map([['w', tensor]]));
					await new FileHashes(join(place, 'cache')).sha256(new FileBytes(join(place, 'weights.bin')));
				},
				check: nothing,
				close: nothing,
			}),
	},
];

function someCard(): OnnxCard {
	return recognize(parseOnnx(tinyOnnx({ outputs: SIGNATURES.yoloRaw }), 'tiny.onnx')).readings[0]!.card;
}

// ---- exports

/** Written by ffmpeg or a browser: a small disk stops these; see `faults.ts`. */
const BY_OTHERS = ['video', 'redacted', 'clips', 'report-pdf'];

const EXPORTS = EXPORT_FORMATS.filter(({ id }) => !BY_OTHERS.includes(id)).map(
	({ id, fileExtension }): Writer => ({
		title: `Export ${id}`,
		prepare: async (place) => {
			makeClip(join(place, 'clip.mp4'), 12, '-vf', 'scale=64:48');
			const video = await probeVideo(join(place, 'clip.mp4'));
			const videoIdentity = await identifyVideo(join(place, 'clip.mp4'));
			await storeSampleRun(join(place, 'run'), { header: { video, videoIdentity } });
			writeFileSync(join(place, `out.${fileExtension}`), 'an earlier export');
		},
		open: (place) => {
			const out = join(place, `out.${fileExtension}`);
			return Promise.resolve({
				act: () =>
					writeExport(
						{
							format: id,
							runs: [{ folder: join(place, 'run'), label: 'Run', videoPath: join(place, 'clip.mp4') }],
							out,
							range: null,
							settings: {},
							zones: SOME_ZONES,
						},
						new AbortController().signal,
						() => undefined,
						() => Promise.reject(new Error('nothing is printed')),
					),
				check: () => {
					if (readFileSync(out, 'utf8') === 'an earlier export')
						throw new Error(`${basename(out)} is the earlier one`);
					return nothing();
				},
				close: nothing,
			});
		},
	}),
);

export const WRITERS: readonly Writer[] = [
	recorder('A run that is recorded', 0),
	recorder('A run that is gone on with', 120),
	BATCH,
	...REQUESTS,
	...MODELS,
	...EXPORTS,
];

function codeOf(error: unknown): string {
	return errorToData(error).code;
}

function expectSame(found: unknown, expected: unknown): void {
	const [a, b] = [JSON.stringify(found), JSON.stringify(expected)];
	if (a !== b) throw new Error(`${a.slice(0, 200)} is not ${b.slice(0, 200)}`);
}
