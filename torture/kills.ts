import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startAnalysis } from '../main/analysis/client.ts';
import { startExport } from '../main/export/client.ts';
import type { ExportExchange } from '../main/export/protocol.ts';
import { forkWorker } from '../main/process/worker-process.ts';
import { BATCH_FRAMES } from '../main/results/run-writer.ts';
import { openRun } from '../main/results/stored-run.ts';
import { installationFolder } from '../main/process/installation.ts';
import { WHOLE_VIDEO } from '../main/domain/video.ts';
import { type Chance, chanceOf, oneOf } from '../main/domain/chance.fixture.ts';
import {
	childrenOf,
	ENTRIES,
	framesOf,
	isAlive,
	makeBench,
	makeClip,
	PagelessHost,
	run,
	start,
	until,
} from './programs.ts';

export type KilledProgram = 'command line' | 'worker' | 'exporter' | 'web host';
export const KILLED_PROGRAMS: readonly KilledProgram[] = ['command line', 'worker', 'exporter', 'web host'];

/** Of one program. */
export type KillFigures = {
	program: KilledProgram;
	tried: number;
	/** Kills that came before the program was done by itself. */
	struck: number;
	/** Most frames of a run that a worker had told of and that were not stored. */
	mostLost: number;
	failures: string[];
};

const FRAMES = 200;
const MODE = 'token-cache';
const FORMATS = { csv: 'csv', report: 'html', video: 'mp4', arrow: 'arrow' } as const;

/** Runs, exports and hosts that are killed at moments of chance, and what must hold of what they leave. */
export class KillBench {
	readonly #folder: string;
	readonly #remove: () => void;
	readonly #straight: readonly string[];
	readonly #exports = new Map<string, Buffer>();
	readonly #chance: Chance;
	/** How long an undisturbed run takes here. */
	readonly #milliseconds: number;
	/** How long it computes frames. */
	readonly #runMilliseconds: number;
	#count = 0;

	private constructor(
		bench: ReturnType<typeof makeBench>,
		seed: number,
		straight: string[],
		milliseconds: number,
		runMilliseconds: number,
	) {
		this.#folder = bench.folder;
		this.#remove = bench.remove;
		this.#chance = chanceOf(seed);
		this.#straight = straight;
		this.#milliseconds = milliseconds;
		this.#runMilliseconds = Math.ceil(runMilliseconds);
	}

	static async open(seed: number): Promise<KillBench> {
		const bench = makeBench();
		makeClip(join(bench.folder, 'clip.mp4'), FRAMES);
		const begun = performance.now();
		const { code, stderr } = await run(bench.folder, wordsOf(bench.folder, 'straight'));
		if (code !== 0) throw new Error(`an undisturbed run failed: ${stderr}`);
		const milliseconds = performance.now() - begun;
		const stored = join(bench.folder, 'straight');
		const { status } = await openRun(stored);
		return new KillBench(bench, seed, await framesOf(stored), milliseconds, 1000 * status.wallSeconds);
	}

	close(): void {
		this.#remove();
	}

	/** Kills a program `count` times. */
	async kill(program: KilledProgram, count: number): Promise<KillFigures> {
		const figures: KillFigures = { program, tried: 0, struck: 0, mostLost: 0, failures: [] };
		for (let i = 0; i < count; i++) {
			figures.tried++;
			try {
				const { struck, lost = 0 } = await this.#killOnce(program);
				if (struck) figures.struck++;
				figures.mostLost = Math.max(figures.mostLost, lost);
			} catch (error) {
				figures.failures.push(error instanceof Error ? error.message : String(error));
			}
		}
		return figures;
	}

	#killOnce(program: KilledProgram): Promise<{ struck: boolean; lost?: number }> {
		switch (program) {
			case 'command line':
				return this.#killCommandLine();
			case 'worker':
				return this.#killWorker();
			case 'exporter':
				return this.#killExporter();
			case 'web host':
				return this.#killWebHost();
		}
	}

	async #killCommandLine() {
		const out = this.#name();
		const { child, said, exited, isOver } = start(this.#folder, [...wordsOf(this.#folder, out), '--verbose']);
		await Promise.race([this.#moment(out), exited]);
		const struck = !isOver();
		child.kill('SIGKILL');
		await exited;
		const worker = Number(/worker process (\d+)/.exec(said.stderr)?.[1] ?? 0);
		if (worker > 0) await until(() => !isAlive(worker));
		await this.#expectResumed(out);
		return { struck };
	}

	async #killWorker() {
		const out = this.#name();
		let told = 0;
		const job = {
			videoPath: join(this.#folder, 'clip.mp4'),
			modelPath: join(installationFolder(), 'models', 'lookout'),
			mode: MODE,
			settings: {},
			range: WHOLE_VIDEO,
			runFolder: join(this.#folder, out),
			start: 'create' as const,
			threads: 1,
			execution: null,
			maxSide: null,
			scoreThreshold: null,
			wantsFrames: true,
			cacheFolder: join(this.#folder, 'cache'),
		};
		const analysis = startAnalysis(job, forkWorker(ENTRIES.analysis), (news) => {
			if (news.type === 'frames') told += news.batch.frameIndices.length;
		});
		const outcome = analysis.outcome.then(
			() => false,
			(error: unknown) => {
				if (error instanceof Error && error.message.includes('SIGKILL')) return true;
				throw error;
			},
		);
		await Promise.race([this.#moment(out), outcome]);
		analysis.kill();
		const struck = await outcome;
		const stored = existsSync(join(job.runFolder, 'run.json'))
			? (await openRun(job.runFolder)).frameCount
			: 0;
		const lost = Math.max(0, told - stored);
		if (lost > BATCH_FRAMES) throw new Error(`${lost} frames are lost, more than a batch`);
		await this.#expectResumed(out);
		return { struck, lost };
	}

	/** By itself, as the page's host starts it, or in the command line, whose leftovers the next export takes away. */
	async #killExporter() {
		const format = oneOf(this.#chance, Object.keys(FORMATS)) as keyof typeof FORMATS;
		const whole = await this.#wholeExport(format);
		const folder = join(this.#folder, this.#name());
		mkdirSync(folder);
		const out = join(folder, `export.${FORMATS[format]}`);
		const words = ['export', 'straight', '--format', format, '--out', out];
		const moment = this.#chance(whole.milliseconds);
		let struck: boolean;
		if (this.#chance(2) === 0) {
			const { child, exited, isOver } = start(this.#folder, words);
			await Promise.race([sleep(moment), exited]);
			struck = !isOver();
			const started = childrenOf(child.pid!);
			child.kill('SIGKILL');
			await exited;
			await until(() => !started.some(isAlive));
		} else {
			const runs = [
				{
					folder: join(this.#folder, 'straight'),
					label: 'straight',
					videoPath: join(this.#folder, 'clip.mp4'),
				},
			];
			const worker = forkWorker<ExportExchange>(ENTRIES.export);
			const { written } = startExport(
				{ format, runs, out, range: null, settings: {} },
				worker,
				() => undefined,
			);
			const ended = written.then(
				() => false,
				() => true,
			);
			await Promise.race([sleep(moment), ended]);
			worker.kill();
			struck = await ended;
			expectNames(folder, [[], [`export.${FORMATS[format]}`]]);
		}
		const visible = readdirSync(folder).filter((name) => !name.startsWith('.'));
		if (visible.length > 0 && !readFileSync(out).equals(whole.bytes))
			throw new Error(`${format}: a file under its name is not whole`);
		const { code, stderr } = await run(this.#folder, words);
		if (code !== 0) throw new Error(`${format}: the next export failed: ${stderr}`);
		expectNames(folder, [[`export.${FORMATS[format]}`]]);
		if (!readFileSync(out).equals(whole.bytes)) throw new Error(`${format}: the next export differs`);
		return { struck };
	}

	readonly #exportMilliseconds = new Map<string, number>();

	async #wholeExport(format: keyof typeof FORMATS): Promise<{ bytes: Buffer; milliseconds: number }> {
		const out = join(this.#folder, `whole.${format}`);
		if (!this.#exports.has(format)) {
			const begun = performance.now();
			const { code, stderr } = await run(this.#folder, [
				'export',
				'straight',
				'--format',
				format,
				'--out',
				out,
			]);
			if (code !== 0) throw new Error(`${format}: an undisturbed export failed: ${stderr}`);
			this.#exports.set(format, readFileSync(out));
			this.#exportMilliseconds.set(format, Math.ceil(performance.now() - begun));
		}
		return { bytes: this.#exports.get(format)!, milliseconds: this.#exportMilliseconds.get(format)! };
	}

	async #killWebHost() {
		const runs = join(this.#folder, 'runs');
		rmSync(runs, { recursive: true, force: true });
		const host = await PagelessHost.start(this.#folder, 'clip.mp4');
		const ended = new Promise<void>((resolve) => {
			host.onEvent = ({ type }) => type === 'analysis.ended' && resolve();
		});
		await host.analyze(MODE);
		let over = false;
		void ended.then(() => (over = true));
		await Promise.race([sleep(this.#chance(Math.ceil(this.#milliseconds))), ended]);
		const workers = childrenOf(host.pid);
		await host.kill();
		await until(() => !workers.some(isAlive));
		const [stored] = readdirSync(runs, { recursive: true, encoding: 'utf8' }).filter((name) =>
			name.endsWith('run.json'),
		);
		if (stored !== undefined) await this.#expectResumed(join('runs', stored, '..'));
		const next = await PagelessHost.start(this.#folder, 'clip.mp4'); // it must start again
		await next.ask('app.describe', {});
		await next.kill();
		return { struck: !over };
	}

	/** What is stored is the beginning of an undisturbed run; gone on with, the run is as if undisturbed. */
	async #expectResumed(out: string): Promise<void> {
		const folder = join(this.#folder, out);
		if (existsSync(join(folder, 'run.json'))) {
			const left = await framesOf(folder);
			if (left.join('\n') !== this.#straight.slice(0, left.length).join('\n'))
				throw new Error(`${out}: stored frames differ`);
		}
		const isRun = existsSync(join(folder, 'run.json')); // else it died before there was one
		const { code, stderr } = await run(this.#folder, [
			...wordsOf(this.#folder, out),
			...(isRun ? ['--resume'] : []),
		]);
		if (code !== 0) throw new Error(`${out}: going on failed: ${stderr}`);
		if ((await framesOf(folder)).join('\n') !== this.#straight.join('\n'))
			throw new Error(`${out}: the resumed run differs`);
		rmSync(folder, { recursive: true });
	}

	/** One kill in four comes anywhere, the others while frames are computed. */
	async #moment(out: string): Promise<void> {
		const all = Math.ceil(this.#milliseconds);
		if (this.#chance(4) === 0) return void (await sleep(this.#chance(all)));
		const since = performance.now();
		while (!existsSync(join(this.#folder, out, 'run.json')) && performance.now() - since < 10 * all)
			await sleep(5);
		await sleep(this.#chance(this.#runMilliseconds));
	}

	#name(): string {
		return `killed-${this.#count++}`;
	}
}

/** By its whole path, which reports show. */
function wordsOf(folder: string, out: string): string[] {
	return ['analyze', join(folder, 'clip.mp4'), '--mode', MODE, '--threads', '1', '--out', out];
}

function expectNames(folder: string, allowed: readonly (readonly string[])[]): void {
	const names = readdirSync(folder).join();
	if (!allowed.some((list) => list.join() === names)) throw new Error(`left behind: ${names}`);
}
