import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BatchFolder } from '../main/batch/batch-folder.ts';
import { type Fault, type FaultBench, noSignals, settableClock } from './fault-bench.ts';
import { childrenOf, framesOf, isAlive, PagelessHost, run, start, type Started, until } from './programs.ts';

// Processes that stand still for a while, by a signal or because the machine sleeps, and what must hold when they go on.

/** `{seconds}` in a title: for how long. */
export const STOPS: readonly Fault[] = [
	{
		title: 'Command line and worker stopped for {seconds} s (SIGSTOP)',
		unless: noSignals,
		check: async (bench, place) => {
			const started = await bench.begun(place);
			await stopped(familyOf(started), bench.stopSeconds);
			const { code, stderr } = await started.ended;
			if (code !== 0) throw new Error(stderr);
			await bench.expectSame(place);
		},
	},
	{
		title: 'The worker alone stopped for {seconds} s (SIGSTOP)',
		unless: noSignals,
		check: async (bench, place) => {
			const started = await bench.begun(place);
			await stopped(childrenOf(started.child.pid!), bench.stopSeconds);
			const { code, stderr } = await started.ended;
			if (code !== 0) throw new Error(stderr);
			await bench.expectSame(place);
		},
	},
	{
		title: 'A web host and its worker stopped for {seconds} s (SIGSTOP)',
		unless: noSignals,
		check: stopWebHost,
	},
	{
		title:
			'Who works at a batch stopped for {seconds} s (SIGSTOP): another one takes the job over, and it is done once',
		unless: noSignals,
		check: stopBatchWorker,
	},
	{
		title: 'Sleep: command line and worker stand still, and it is an hour later when they wake',
		unless: noSignals,
		check: async (bench, place) => {
			const { environment, wake } = sleepy(place);
			const started = await bench.begun(place, 'clip.mp4', environment);
			await stopped(familyOf(started), bench.stopSeconds / 10, wake);
			const { code, stderr } = await started.ended;
			if (code !== 0) throw new Error(stderr);
			await bench.expectSame(place);
		},
	},
	{
		title: 'Sleep: two that work at a batch stand still, and it is an hour later when they wake',
		unless: noSignals,
		check: async (bench, place) => {
			const { environment, wake } = sleepy(place);
			const both = [0, 1].map(() => start(bench.folder, batchWords(place), environment));
			await until(() => beginsIn(place) || both.every(({ isOver }) => isOver()));
			await stopped(both.flatMap(familyOf), bench.stopSeconds / 10, wake);
			const ended = await Promise.all(both.map(({ ended: end }) => end));
			for (const { code, stderr } of ended) if (code !== 0) throw new Error(stderr);
			await expectDone(bench, place);
		},
	},
];

async function stopWebHost(bench: FaultBench, place: string): Promise<void> {
	const host = await PagelessHost.start(bench.folder, join(bench.folder, 'clip.mp4'), place);
	try {
		const ends: { error: unknown }[] = [];
		let frames = 0;
		host.onEvent = (event) => {
			if (event.type === 'analysis.frames') frames++;
			if (event.type === 'analysis.ended') ends.push(event as unknown as { error: unknown });
		};
		for (const isStopped of [true, false]) {
			const [began, count] = [frames, ends.length];
			await host.analyze('token-cache');
			await until(() => frames > began || ends.length > count);
			if (isStopped) await stopped([host.pid, ...childrenOf(host.pid)], bench.stopSeconds);
			await until(() => ends.length > count);
		}
		const failure = ends.find(({ error }) => error !== null);
		if (failure) throw new Error(JSON.stringify(failure.error));
		const [stoppedRun, undisturbed] = await Promise.all(runsIn(join(place, 'runs')).map(framesOf));
		if (stoppedRun?.join('\n') !== undisturbed?.join('\n')) throw new Error('the run differs');
	} finally {
		await host.kill();
	}
}

function runsIn(folder: string): string[] {
	return readdirSync(folder, { recursive: true, encoding: 'utf8' })
		.filter((name) => name.endsWith('run.json'))
		.map((name) => join(folder, name, '..'));
}

async function stopBatchWorker(bench: FaultBench, place: string): Promise<void> {
	const first = start(bench.folder, batchWords(place));
	await until(() => beginsIn(place) || first.isOver());
	if (first.isOver()) throw new Error('it ended before it was stopped');
	const began = performance.now();
	const pids = familyOf(first);
	signal(pids, 'SIGSTOP');
	try {
		const second = await run(bench.folder, batchWords(place));
		if (second.code !== 0) throw new Error(second.stderr);
		await expectDone(bench, place);
		const before = traceOf(place);
		await sleep(Math.max(0, 1000 * bench.stopSeconds - (performance.now() - began)));
		signal(pids, 'SIGCONT');
		const { code, stderr } = await first.ended;
		if (code !== 0) throw new Error(stderr);
		await expectDone(bench, place);
		if (traceOf(place) !== before) throw new Error('the job was done twice');
	} finally {
		signal(pids, 'SIGKILL');
	}
}

const RUN_LABEL = 'token-cache';
const RUN_FOLDER = join('clip', RUN_LABEL);

function batchWords(place: string): string[] {
	return ['batch', 'clip.mp4', '--run', RUN_LABEL, '--threads', '1', '--patience', '2', '--out', place];
}

/** Whether a job of the batch has stored frames. */
function beginsIn(place: string): boolean {
	return (
		existsSync(join(place, `${RUN_FOLDER}.attempt-1`, 'run.json')) || existsSync(join(place, RUN_FOLDER))
	);
}

/** The run's place on the disk, and how the job ended. */
function traceOf(place: string): string {
	const outcomes = join(place, 'outcomes');
	const texts = readdirSync(outcomes).map((name) => readFileSync(join(outcomes, name), 'utf8'));
	return [statSync(join(place, RUN_FOLDER)).ino, ...texts].join('\n');
}

async function expectDone(bench: FaultBench, place: string): Promise<void> {
	const states = await new BatchFolder(place).states();
	const words = states.map(({ state }) => state.state).join();
	if (words !== 'done') throw new Error(`the job is ${words}`);
	await bench.expectSame(join(place, RUN_FOLDER));
	const left = readdirSync(join(place, 'clip')).filter((name) => name.includes('.attempt-'));
	if (left.length > 0) throw new Error(`${left.join(', ')} is left`);
}

/** What a program is started with so that its machine can sleep, and what is called before it wakes. */
function sleepy(place: string): { environment: NodeJS.ProcessEnv; wake: () => void } {
	const { environment, set } = settableClock(place, 3600);
	return { environment, wake: set };
}

function familyOf({ child }: Started): number[] {
	return [child.pid!, ...childrenOf(child.pid!)];
}

/** Lets processes stand still; `wake` is called before they go on. Throws where the first one has ended already. */
async function stopped(
	pids: readonly number[],
	seconds: number,
	wake: () => void = () => undefined,
): Promise<void> {
	if (!pids.slice(0, 1).some(isAlive)) throw new Error('it ended before it was stopped');
	signal(pids, 'SIGSTOP');
	await sleep(1000 * seconds);
	wake();
	signal(pids, 'SIGCONT');
}

function signal(pids: readonly number[], name: NodeJS.Signals): void {
	for (const pid of pids) if (isAlive(pid)) process.kill(pid, name);
}
