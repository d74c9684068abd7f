import { execFileSync } from 'node:child_process';
import { copyFileSync, renameSync, rmSync, truncateSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expectSentence, type Fault, FaultBench, FRAMES, settableClock } from './fault-bench.ts';
import { framesOf, makeBench, makeClip, run } from './programs.ts';
import { expectFull, noMounts, onSmallDisk, SMALL_DISKS } from './small-disk.ts';
import { STOPS } from './stops.ts';

export type FaultFigures = { title: string; tried: number; failures: string[]; skipped: string | null };

const FAULTS: readonly Fault[] = [
	...(['replaced', 'truncated', 'deleted'] as const).map((what) => ({
		title: `The source ${what} during a run`,
		check: async (bench: FaultBench, place: string) => {
			const clip = `${place}.mp4`;
			copyFileSync(join(bench.folder, 'clip.mp4'), clip);
			const { ended, isOver } = await bench.begun(place, clip);
			if (isOver()) throw new Error('the run ended before');
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
	...[8, 24, 48, 72, 96].map((kibibytes) => ({
		title: `A disk that is full after ${kibibytes} KiB`,
		unless: noMounts,
		check: (bench: FaultBench, place: string) =>
			onSmallDisk(place, kibibytes / 1024, async () => {
				const out = join(place, 'run');
				const ended = await run(bench.folder, bench.words(out));
				expectSentence(ended);
				expectFull(ended.code === 0 ? 'it was done' : ended.stderr);
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
			expectFull(ended.code === 0 ? 'it was done' : ended.stderr);
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
	...STOPS,
	...SMALL_DISKS,
	{
		title: 'The clock set back by an hour during a run (Date of all processes)',
		check: async (bench, place) => {
			const { environment, set } = settableClock(place, -3600);
			const { ended, isOver } = await bench.begun(place, 'clip.mp4', environment);
			if (isOver()) throw new Error('the run ended before');
			set();
			const { code, stderr } = await ended;
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
			const named = title.replace('{seconds}', String(stopSeconds));
			all.push({ title: named, tried: skipped === null ? 1 : 0, failures, skipped });
			onDone(all.at(-1)!);
		}
	} finally {
		remove();
	}
	return all;
}

function noUlimit(): string | null {
	return process.platform === 'win32' ? 'Windows has no ulimit' : null;
}
