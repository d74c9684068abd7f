import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Answers, HostEvent, RequestInput, RequestName } from '../../preload/contract.ts';
import type { ErrorData } from '../domain/errors.ts';
import { installationFolder } from '../process/installation.ts';
import { forkWorker } from '../process/worker-process.ts';
import { Application } from './application.ts';
import type { DataFolders } from '../process/data-folders.ts';
import type { Shell } from './shell.ts';

// For tests only: an application whose shell is a stand-in, and whose workers are the real ones.

/** The built workers: what is shipped is what is tested. */
export function workerEntries(): { analysis: string; export: string; probe: string; provider: string } {
	const built = join(installationFolder(), 'out', 'main');
	const entries = {
		analysis: join(built, 'worker.js'),
		export: join(built, 'export-worker.js'),
		probe: join(built, 'probe-worker.js'),
		provider: join(built, 'provider-probe.js'),
	};
	if (Object.values(entries).every((entry) => existsSync(entry))) return entries;
	throw new Error('These tests run the built workers: run "npm run build" first, or use "npm test".');
}

export function ffmpeg(...words: string[]): Buffer {
	const program = process.env['SPARSIGHT_FFMPEG'] ?? 'ffmpeg';
	return execFileSync(program, ['-v', 'error', '-y', ...words], { maxBuffer: 2 ** 26 });
}

/** ffprobe's answer, read as JSON. */
export function ffprobe(...words: string[]): unknown {
	const program = process.env['SPARSIGHT_FFPROBE'] ?? 'ffprobe';
	return JSON.parse(execFileSync(program, ['-v', 'error', '-of', 'json', ...words], { encoding: 'utf8' }));
}

/** `frames` small frames of people on a square; the sample clip is repeated where it is too short. */
export function makeClip(path: string, frames: number, ...words: string[]): void {
	const source = join(installationFolder(), 'assets', 'samples', 'plaza.mp4');
	const looped = ['-stream_loop', '-1', '-i', source, '-frames:v', String(frames), '-vf', 'scale=160:120'];
	ffmpeg(...looped, ...words, path);
}

/** The folders of an application, all in one. */
export function foldersIn(base: string): DataFolders {
	const at = (name: string) => join(base, name);
	return {
		settings: at('settings'),
		cards: at('cards'),
		runs: at('runs'),
		exports: at('exports'),
		models: at('models'),
		cache: at('cache'),
	};
}

/** A temporary folder for one test file, with the folders of an application. */
export function makeFolders(): DataFolders & { base: string; remove: () => void } {
	const base = mkdtempSync(join(tmpdir(), 'sparsight-app-'));
	const folders = foldersIn(base);
	mkdirSync(folders.exports);
	return { base, ...folders, remove: () => rmSync(base, { recursive: true, force: true }) };
}

/** A desktop shell whose dialogs answer what the test says. */
export function standInShell(folders: DataFolders, changes: Partial<Shell> = {}): Shell {
	return {
		host: 'desktop',
		browseRoots: [],
		mayOpenPath: () => Promise.resolve(true),
		chooseVideos: () => Promise.resolve([]),
		chooseFolder: () => Promise.resolve(null),
		keepAwake: () => undefined,
		droppedPath: () => null,
		chooseProject: () => Promise.resolve(null),
		chooseModel: () => Promise.resolve(null),
		chooseTruth: () => Promise.resolve(null),
		chooseExportTarget: (name) => Promise.resolve(join(folders.exports, name)),
		printPage: null,
		revealFile: () => undefined,
		mediaUrl: (videoId, kind) => `media:${kind}/${videoId}`,
		downloadUrl: () => null,
		startAnalysisWorker: () => forkWorker(workerEntries().analysis),
		startExportWorker: () => forkWorker(workerEntries().export),
		startProbeWorker: () => forkWorker(workerEntries().probe),
		startProviderProbe: () => forkWorker(workerEntries().provider),
		...changes,
	};
}

/** An application as the page sees it: answers or throws ErrorData, and records every event. */
export class PageSide {
	readonly application: Application;
	readonly events: HostEvent[] = [];
	readonly #waiting = new Set<() => void>();

	constructor(application: Application) {
		this.application = application;
		application.listen((event) => {
			this.events.push(event);
			for (const look of [...this.#waiting]) look();
		});
	}

	async ask<Name extends RequestName>(name: Name, input: RequestInput<Name>): Promise<Answers[Name]> {
		const reply = await this.application.request(name, input);
		if ('error' in reply) throw Object.assign(new Error(reply.error.message), reply.error);
		return reply.answer as Answers[Name];
	}

	/** The first event of this type from `since` on for which `wanted` holds, past or future. */
	hear<Type extends HostEvent['type']>(
		type: Type,
		wanted: (event: Extract<HostEvent, { type: Type }>) => boolean = () => true,
		since = 0,
	): Promise<Extract<HostEvent, { type: Type }>> {
		return new Promise((resolve) => {
			let next = since;
			const look = () => {
				for (; next < this.events.length; next++) {
					const event = this.events[next] as Extract<HostEvent, { type: Type }>;
					if (event.type !== type || !wanted(event)) continue;
					this.#waiting.delete(look);
					resolve(event);
					return;
				}
			};
			this.#waiting.add(look);
			look();
		});
	}

	/** Resolves with how a run ended. */
	ended(runId: string, since = 0): Promise<{ error: ErrorData | null }> {
		return this.hear('analysis.ended', (event) => event.runId === runId, since);
	}
}

export async function openPageSide(folders: DataFolders, changes: Partial<Shell> = {}): Promise<PageSide> {
	return new PageSide(await Application.open({ shell: standInShell(folders, changes), folders }));
}
