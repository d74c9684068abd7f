import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Ended, framesOf, run, start, type Started, until } from './programs.ts';

/** What goes wrong around a run, and what must hold of it. */
export type Fault = {
	title: string;
	/** Throws what went wrong; `place`: where the run's folder is to be. */
	check(bench: FaultBench, place: string): Promise<void>;
	/** Why it can't be tried here; null if it can. */
	unless?(): string | null;
};

/** Of the clip. */
export const FRAMES = 200;

/** A clip and its undisturbed run. */
export class FaultBench {
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
	async begun(place: string, clip?: string, environment?: NodeJS.ProcessEnv): Promise<Started> {
		const started = start(this.folder, this.words(place, clip), environment);
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

/** It was done, or says in a sentence why not. */
export function expectSentence({ code, signal, stderr }: Ended): void {
	if (code === null) throw new Error(`it ended by ${signal}`);
	if (/^\s+at .*[:(]/m.test(stderr) || /internal/i.test(stderr)) throw new Error(`no sentence: ${stderr}`);
	if (code !== 0 && !/^sparsight: .+\.$/m.test(stderr)) throw new Error(`no sentence: ${stderr}`);
}

/**
 * What a program is started with so that the clock of all its processes can be set to another time, by `set`, while it runs. Clocks
 * that only measure do not notice.
 */
export function settableClock(
	place: string,
	seconds: number,
): { environment: NodeJS.ProcessEnv; set: () => void } {
	const [preload, flag] = [`${place}-clock.mjs`, `${place}-clock-is-set`];
	writeFileSync(
		preload,
		`import { existsSync } from 'node:fs';
const now = Date.now;
const RealDate = Date;
const shift = () => (existsSync(${JSON.stringify(flag)}) ? ${1000 * seconds} : 0);
globalThis.Date = class extends RealDate {
	constructor(...words) { words.length === 0 ? super(now() + shift()) : super(...words); }
	static now() { return now() + shift(); }
};`,
	);
	return { environment: { NODE_OPTIONS: `--import ${preload}` }, set: () => writeFileSync(flag, '') };
}

export function noSignals(): string | null {
	return process.platform === 'win32' ? 'Windows cannot stop processes' : null;
}
