import { execFileSync } from 'node:child_process';
import {
	copyFileSync,
	existsSync,
	mkdirSync,
	renameSync,
	rmSync,
	truncateSync,
	unlinkSync,
	writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
	childrenOf,
	type Ended,
	framesOf,
	isAlive,
	makeBench,
	makeClip,
	run,
	start,
	type Started,
	until,
} from './programs.ts';

export type FaultFigures = { title: string; tried: number; failures: string[]; skipped: string | null };

/** What goes wrong around a run, and what must hold of it. */
type Fault = {
	title: string;
	/** Throws what went wrong; `place`: where the run's folder is to be. */
	check(bench: FaultBench, place: string): Promise<void>;
	/** Why it can't be tried here; null if it can. */
	unless?(): string | null;
};

const FRAMES = 200;
const CLOCK_SET_BACK = `const now = Date.now; const begin = now(); Date.now = () => now() - (now() - begin > 1500 ? 3_600_000 : 0);`;

/** A clip and its undisturbed run. */
class FaultBench {
	readonly folder: string;
	readonly straight: string;
	readonly stopSeconds: number;
	constructor(folder: string, straight: string, stopSeconds: number) {
		this.folder = folder;
		this.straight = straight;
		this.stopSeconds = stopSeconds;
	}

	words(place: string, clip = 'clip.mp4'): string[] {
		return ['analyze', clip, '--mode', 'token-cache', '--threads', '1', '--out', place];
	}

	/** A run that has stored frames. */
	async begun(place: string, clip?: string): Promise<Started> {
		const started = start(this.folder, this.words(place, clip));
		await until(() => existsSync(join(place, 'run.json')) || started.isOver());
		return started;
	}

	/** Gone on with if it has to be, the run is as if undisturbed. */
	async expectResumed(place: string): Promise<void> {
		const isRun = existsSync(join(place, 'run.json'));
		const { code, stderr } = await run(this.folder, [...this.words(place), ...(isRun ? ['--resume'] : [])]);
		if (code !== 0) throw new Error(`going on failed: ${stderr}`);
		await this.expectSame(place);
	}

	async expectSame(place: string): Promise<void> {
		if ((await framesOf(place)).join('\n') !== this.straight) throw new Error('the run differs');
	}

	/** What is stored is the beginning of an undisturbed run; a run that failed before its first frame leaves none. */
	async expectBeginning(place: string): Promise<void> {
		if (!existsSync(join(place, 'run.json'))) return;
		if (!this.straight.startsWith((await framesOf(place)).join('\n')))
			throw new Error('stored frames differ');
	}
}

const FAULTS: readonly Fault[] = [
	...(['replaced', 'truncated', 'deleted'] as const).map((what) => ({
		title: `The source ${what} during a run`,
		check: async (bench: FaultBench, place: string) => {
			const clip = `${place}.mp4`;
			copyFileSync(join(bench.folder, 'clip.mp4'), clip);
			const { ended } = await bench.begun(place, clip);
			if (what === 'deleted') unlinkSync(clip);
			else if (what === 'truncated') truncateSync(clip, 20_000);
			else {
				makeClip(`${clip}.other.mp4`, FRAMES / 2);
				renameSync(`${clip}.other.mp4`, clip);
			}
			expectSentence(await ended);
			await bench.expectBeginning(place);
			if (what === 'deleted') return;
			const again = await run(bench.folder, [...bench.words(place, clip), '--resume']);
			expectSentence(again);
			await bench.expectBeginning(place);
		},
	})),
	{
		title: "The run's folder deleted during a run",
		check: async (bench, place) => {
			const { ended } = await bench.begun(place);
			rmSync(place, { recursive: true, force: true });
			expectSentence(await ended);
		},
	},
	{
		title: "The run's folder on a disk that is read-only",
		unless: noMounts,
		check: (bench, place) =>
			onSmallDisk(place, 64, async () => {
				const first = await bench.begun(join(place, 'run'));
				first.child.kill('SIGINT');
				await first.ended;
				execFileSync('mount', ['-o', 'remount,ro', place]);
				const ended = await run(bench.folder, [...bench.words(join(place, 'run')), '--resume']);
				if (ended.code === 0 && first.child.exitCode !== 0)
					throw new Error('it went on where nothing can be written');
				expectSentence(ended);
				execFileSync('mount', ['-o', 'remount,rw', place]);
				await bench.expectResumed(join(place, 'run'));
			}),
	},
	...[24, 60, 120, 200, 300].map((kibibytes) => ({
		title: `A disk that is full after ${kibibytes} KiB`,
		unless: noMounts,
		check: (bench: FaultBench, place: string) =>
			onSmallDisk(place, kibibytes / 1024, async () => {
				const out = join(place, 'run');
				const ended = await run(bench.folder, bench.words(out));
				expectSentence(ended);
				if (ended.code !== 0 && !/no space|takes no more/.test(ended.stderr))
					throw new Error(`it does not say why: ${ended.stderr}`);
				execFileSync('mount', ['-o', 'remount,size=64m', place]);
				await bench.expectResumed(out);
			}),
	})),
	...[1, 4, 16, 48, 96].map((blocks) => ({
		title: `Files of ${blocks / 2} KiB at most (ulimit)`,
		unless: noUlimit,
		check: async (bench: FaultBench, place: string) => {
			const ended = await run(bench.folder, bench.words(place), {}, `ulimit -f ${blocks}`);
			expectSentence(ended);
			await bench.expectResumed(place);
		},
	})),
	{
		title: 'Two that write one new run',
		check: async (bench, place) => {
			const both = await Promise.all([
				run(bench.folder, bench.words(place)),
				run(bench.folder, bench.words(place)),
			]);
			both.forEach(expectSentence);
			await bench.expectResumed(place);
		},
	},
	{
		title: 'Two that go on with one run',
		check: async (bench, place) => {
			const first = await bench.begun(place);
			first.child.kill('SIGINT');
			await first.ended;
			const words = [...bench.words(place), '--resume'];
			const both = await Promise.all([run(bench.folder, words), run(bench.folder, words)]);
			both.forEach(expectSentence);
			await bench.expectResumed(place);
		},
	},
	{
		title: 'Command line and worker stopped for a while (SIGSTOP)',
		unless: noSignals,
		check: async (bench, place) => {
			const { child, ended } = await bench.begun(place);
			const pids = [child.pid!, ...childrenOf(child.pid!)];
			for (const pid of pids) if (isAlive(pid)) process.kill(pid, 'SIGSTOP');
			await sleep(bench.stopSeconds * 1000);
			for (const pid of pids) if (isAlive(pid)) process.kill(pid, 'SIGCONT');
			const { code, stderr } = await ended;
			if (code !== 0) throw new Error(stderr);
			await bench.expectSame(place);
		},
	},
	{
		title: 'The clock set back by an hour during a run (Date of all processes)',
		check: async (bench, place) => {
			const preload = `${place}-clock.mjs`;
			writeFileSync(preload, CLOCK_SET_BACK);
			const { code, stderr } = await run(bench.folder, bench.words(place), {
				NODE_OPTIONS: `--import ${preload}`,
			});
			if (code !== 0) throw new Error(stderr);
			await bench.expectSame(place);
		},
	},
];

/** Tries all of them once. `stopSeconds`: how long processes are stopped. */
export async function tryFaults(
	stopSeconds: number,
	onDone: (figures: FaultFigures) => void,
): Promise<FaultFigures[]> {
	const { folder, remove } = makeBench();
	const all: FaultFigures[] = [];
	try {
		makeClip(join(folder, 'clip.mp4'), FRAMES);
		const undisturbed = new FaultBench(folder, '', stopSeconds);
		const { code, stderr } = await run(folder, undisturbed.words('straight'));
		if (code !== 0) throw new Error(`an undisturbed run failed: ${stderr}`);
		const bench = new FaultBench(folder, (await framesOf(join(folder, 'straight'))).join('\n'), stopSeconds);
		for (const [i, { title, check, unless }] of FAULTS.entries()) {
			const skipped = unless?.() ?? null;
			const failures: string[] = [];
			if (skipped === null) {
				await check(bench, join(folder, `fault-${i}`)).catch((error: unknown) =>
					failures.push(error instanceof Error ? error.message : String(error)),
				);
			}
			all.push({ title, tried: skipped === null ? 1 : 0, failures, skipped });
			onDone(all.at(-1)!);
		}
	} finally {
		remove();
	}
	return all;
}

/** It was done, or says in a sentence why not. */
function expectSentence({ code, signal, stderr }: Ended): void {
	if (code === null) throw new Error(`it ended by ${signal}`);
	if (/^\s+at .*[:(]/m.test(stderr) || /internal/i.test(stderr)) throw new Error(`no sentence: ${stderr}`);
	if (code !== 0 && !/^sparsight: .+\.$/m.test(stderr)) throw new Error(`no sentence: ${stderr}`);
}

async function onSmallDisk(place: string, mebibytes: number, use: () => Promise<void>): Promise<void> {
	mkdirSync(place);
	execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${Math.round(mebibytes * 1024)}k`, 'tmpfs', place]);
	try {
		await use();
	} finally {
		execFileSync('umount', ['-l', place]);
	}
}

function noMounts(): string | null {
	const { folder, remove } = makeBench();
	try {
		execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder], { stdio: 'ignore' });
		execFileSync('umount', [folder]);
		return null;
	} catch {
		return 'a small disk cannot be mounted here';
	} finally {
		remove();
	}
}

function noUlimit(): string | null {
	return process.platform === 'win32' ? 'Windows has no ulimit' : null;
}

function noSignals(): string | null {
	return process.platform === 'win32' ? 'Windows cannot stop processes' : null;
}
