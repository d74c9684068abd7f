import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BatchFolder } from '../main/batch/batch-folder.ts';
import { RedisServer } from '../main/batch/redis-server.fixture.ts';
import { type Chance, chanceOf, oneOf } from '../main/domain/chance.fixture.ts';
import {
	childrenOf,
	framesOf,
	isAlive,
	makeBench,
	makeClip,
	run,
	start,
	type Started,
	until,
} from './programs.ts';

/** Of one kind of queue. */
export type BatchKillFigures = {
	queue: 'folder' | 'redis';
	tried: number;
	/** What was killed, and how often. */
	killed: Record<string, number>;
	failures: string[];
};

const COMMON = ['--threads', '1', '--patience', '2'];
const WORKERS = 2;

/** Batches whose processes are killed at moments of chance, by several at work at once, and what must come of them. */
export class BatchKillBench {
	readonly #folder: string;
	readonly #remove: () => void;
	readonly #chance: Chance;
	/** By run folder, the frames of an undisturbed batch. */
	readonly #straight = new Map<string, string>();
	/** Most milliseconds between two kills. */
	readonly #pause: number;
	#count = 0;

	readonly #runs: readonly string[];

	private constructor(
		bench: ReturnType<typeof makeBench>,
		seed: number,
		pause: number,
		runs: readonly string[],
	) {
		this.#runs = runs;
		this.#folder = bench.folder;
		this.#remove = bench.remove;
		this.#chance = chanceOf(seed);
		this.#pause = pause;
	}

	static async open(
		seed: number,
		{ clips = 4, frames = 200, pause = 3000, runs = ['token-cache', 'dense'] } = {},
	): Promise<BatchKillBench> {
		const made = makeBench();
		const bench = new BatchKillBench(made, seed, pause, runs);
		for (let i = 0; i < clips; i++) makeClip(join(made.folder, `clip-${i}.mp4`), frames + 7 * i);
		const { code, stderr } = await run(made.folder, bench.#words('straight'));
		if (code !== 0) throw new Error(`an undisturbed batch failed: ${stderr}`);
		const batch = new BatchFolder(join(made.folder, 'straight'));
		for (const job of await batch.jobs())
			bench.#straight.set(job.runFolder, (await framesOf(batch.runFolder(job))).join('\n'));
		return bench;
	}

	close(): void {
		this.#remove();
	}

	/** Kills `count` times what works at one batch, then lets it end. */
	async kill(queue: BatchKillFigures['queue'], count: number): Promise<BatchKillFigures> {
		const figures: BatchKillFigures = { queue, tried: count, killed: {}, failures: [] };
		const out = `killed-${this.#count++}`;
		const redis = queue === 'redis' ? await RedisServer.start() : null;
		const address = redis ? ['--queue', redis.address()] : [];
		const batch = () => start(this.#folder, [...this.#words(out), ...address]);
		const worker = () => start(this.#folder, ['worker', ...address, '--patience', '2']);
		// Without a server, each that is started on the folder works.
		const starts = redis ? [batch, ...Array.from({ length: WORKERS }, () => worker)] : [batch, batch];
		const programs = [];
		for (const begin of starts) {
			programs.push(begin());
			await until(() => existsSync(join(this.#folder, out, 'batch.json')));
		}
		const places = new Map<string, number>();
		try {
			for (let i = 0; i < count; i++) {
				await sleep(this.#chance(this.#pause));
				this.#notePlaces(out, places, figures);
				const name = await this.#strike(programs, starts, redis);
				figures.killed[name] = (figures.killed[name] ?? 0) + 1;
			}
			await this.#end(programs, starts, out);
			this.#notePlaces(out, places, figures);
			figures.failures.push(...(await this.#faultsOf(out)));
		} finally {
			for (const { child } of programs) child.kill('SIGKILL');
			await redis?.close();
		}
		rmSync(join(this.#folder, out), { recursive: true, force: true });
		return figures;
	}

	/** Kills a program, the process that analyses for it, or Redis, and starts anew what had been started by a person. */
	async #strike(
		programs: Started[],
		starts: readonly (() => Started)[],
		redis: RedisServer | null,
	): Promise<string> {
		const what = oneOf(
			this.#chance,
			redis ? ['program', 'program', 'analysis', 'redis'] : ['program', 'analysis'],
		);
		if (what === 'redis') {
			await redis!.kill();
			await sleep(this.#chance(500));
			await redis!.start();
			return what;
		}
		const i = this.#chance(programs.length);
		const { child, exited, isOver } = programs[i]!;
		const children = isOver() ? [] : childrenOf(child.pid!);
		if (what === 'analysis' && children.length > 0) {
			for (const pid of children) process.kill(pid, 'SIGKILL');
			return what;
		}
		child.kill('SIGKILL');
		await exited;
		programs[i] = starts[i]!();
		return redis && i > 0 ? 'worker' : 'batch';
	}

	/** Lets the batch end: started once more where it had ended. */
	async #end(programs: Started[], starts: readonly (() => Started)[], out: string): Promise<void> {
		await programs[0]!.ended;
		const last = starts[0]!();
		programs.push(last);
		const { code, stderr } = await last.ended;
		if (code !== 0) throw new Error(`${out}: the batch ended with ${code}: ${stderr}`);
		// A folder's other process ends by itself, Redis' workers don't.
		for (const { child } of programs) child.kill('SIGKILL');
		await until(() => programs.every(({ child }) => !isAlive(child.pid!)));
	}

	/** A finished run keeps its place: whoever came later gave it no other one. */
	#notePlaces(out: string, places: Map<string, number>, figures: BatchKillFigures): void {
		for (const runFolder of this.#straight.keys()) {
			const found = statSync(join(this.#folder, out, runFolder), { throwIfNoEntry: false });
			if (!found) continue;
			const known = places.get(runFolder) ?? found.ino;
			if (known !== found.ino) figures.failures.push(`${out}: ${runFolder} was made twice`);
			places.set(runFolder, found.ino);
		}
	}

	async #faultsOf(out: string): Promise<string[]> {
		const faults: string[] = [];
		const batch = new BatchFolder(join(this.#folder, out));
		const states = await batch.states();
		if (states.length !== this.#straight.size) faults.push(`${out}: ${states.length} jobs`);
		for (const { job, state } of states) {
			if (state.state !== 'done') faults.push(`${out}: ${job.runFolder} is ${state.state}`);
			else if ((await framesOf(batch.runFolder(job))).join('\n') !== this.#straight.get(job.runFolder))
				faults.push(`${out}: ${job.runFolder} differs from an undisturbed run`);
		}
		const left = readdirSync(batch.path, { recursive: true, encoding: 'utf8' });
		for (const name of left.filter((one) => /\.attempt-\d+(\.new)?$/.test(one)))
			faults.push(`${out}: ${name} is left`);
		return faults;
	}

	#words(out: string): string[] {
		const runs = this.#runs.flatMap((text) => ['--run', text]);
		return ['batch', this.#folder, ...runs, ...COMMON, '--out', join(this.#folder, out)];
	}
}
