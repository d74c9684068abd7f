import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import WebSocket from 'ws';
import { openRun } from '../main/results/stored-run.ts';
import { installationFolder } from '../main/process/installation.ts';
import { decodeMessage, encodeMessage, type HostMessage } from '../preload/codec.ts';

// The built programs, as a person starts them.

const ROOT = installationFolder();
const BUILT = join(ROOT, 'out', 'main');
const COMMAND_LINE = join(ROOT, 'bin', 'sparsight.js');
export const SAMPLE = join(ROOT, 'assets', 'samples', 'plaza.mp4');
export const ENTRIES = {
	commandLine: join(BUILT, 'cli.js'),
	analysis: join(BUILT, 'worker.js'),
	export: join(BUILT, 'export-worker.js'),
	webHost: join(BUILT, 'web-host.js'),
};

export type Ended = { code: number | null; signal: string | null; stdout: string; stderr: string };

/** A temporary folder, removed with all that is in it. */
export function makeBench(): { folder: string; remove: () => void } {
	const folder = mkdtempSync(join(tmpdir(), 'sparsight-torture-'));
	return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** `frames` small frames of people on a square, again and again. */
export function makeClip(path: string, frames: number): void {
	const words = [
		'-stream_loop',
		'-1',
		'-i',
		SAMPLE,
		'-frames:v',
		String(frames),
		'-vf',
		'scale=160:120',
		path,
	];
	execFileSync(process.env['SPARSIGHT_FFMPEG'] ?? 'ffmpeg', ['-v', 'error', '-y', ...words]);
}

export type Started = ReturnType<typeof start>;

/** Starts the command line; `shell`: words of sh to run before it in the same process, such as `ulimit -f 64`. */
export function start(
	folder: string,
	words: readonly string[],
	environment: NodeJS.ProcessEnv = {},
	shell?: string,
) {
	return startProgram(folder, [COMMAND_LINE, ...words], environment, shell);
}

export function run(
	folder: string,
	words: readonly string[],
	environment?: NodeJS.ProcessEnv,
	shell?: string,
): Promise<Ended> {
	return start(folder, words, environment, shell).ended;
}

function startProgram(
	folder: string,
	words: readonly string[],
	environment: NodeJS.ProcessEnv,
	shell?: string,
) {
	const env = { ...process.env, SPARSIGHT_HOME: folder, ...environment };
	const [program, ...all] =
		shell === undefined
			? [process.execPath, ...words]
			: ['sh', '-c', `${shell}; exec "$0" "$@"`, process.execPath, ...words];
	const child = spawn(program, all, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
	const said = { stdout: '', stderr: '' };
	for (const name of ['stdout', 'stderr'] as const)
		child[name].setEncoding('utf8').on('data', (text: string) => (said[name] += text));
	let isOver = false;
	const exited = new Promise<void>((resolve) => child.once('exit', () => ((isOver = true), resolve())));
	const ended = new Promise<Ended>((resolve) =>
		child.once('close', (code, signal) => resolve({ code, signal, ...said })),
	);
	return { child, said, exited, ended, isOver: () => isOver };
}

/** A web host without a page. */
export class PagelessHost {
	readonly #started: Started;
	readonly #socket: WebSocket;
	readonly #waiting = new Map<number, (answer: unknown) => void>();
	#asked = 0;
	/** Of its page. */
	readonly address: string;
	/** Called with every event. */
	onEvent: (event: { type: string }) => void = () => undefined;

	private constructor(started: Started, socket: WebSocket, address: string) {
		this.address = address;
		this.#started = started;
		this.#socket = socket;
		socket.on('message', (data: Buffer) => {
			const message = decodeMessage(data) as HostMessage;
			if ('event' in message) return this.onEvent(message.event);
			const { id } = message as { id: number };
			this.#waiting.get(id)?.(message);
			this.#waiting.delete(id);
		});
		socket.on('error', () => undefined); // it is killed
	}

	/** `home`: where it keeps its things; by default `folder`. */
	static async start(folder: string, video: string, home = folder): Promise<PagelessHost> {
		const started = startProgram(folder, [ENTRIES.webHost, '--json', video], { SPARSIGHT_HOME: home });
		await until(() => started.said.stdout.includes('\n') || started.isOver());
		if (started.isOver()) throw new Error(`the web host ended: ${started.said.stderr}`);
		const { address, port } = JSON.parse(started.said.stdout) as { address: string; port: number };
		const token = new URL(address).searchParams.get('token');
		const socket = new WebSocket(`ws://127.0.0.1:${port}/socket`, {
			headers: { Authorization: `Bearer ${token}` },
		});
		await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
		return new PagelessHost(started, socket, address);
	}

	get pid(): number {
		return this.#started.child.pid!;
	}

	get stderr(): string {
		return this.#started.said.stderr;
	}

	async ask(name: string, input: object): Promise<Record<string, unknown>> {
		const id = ++this.#asked;
		const answered = new Promise<unknown>((resolve) => this.#waiting.set(id, resolve));
		this.#socket.send(encodeMessage({ id, name, input }));
		const message = (await answered) as { answer?: Record<string, unknown>; error?: unknown };
		if (!message.answer) throw new Error(`${name}: ${JSON.stringify(message.error)}`);
		return message.answer;
	}

	/** Begins a run of the whole video that it was started with; the answer tells its id. */
	async analyze(mode: string): Promise<Record<string, unknown>> {
		const { openAtStart } = await this.ask('app.describe', {});
		const range = { from: { frame: 0 }, to: null, every: 1 };
		return this.ask('analysis.start', {
			videoId: openAtStart,
			modelId: 'lookout',
			mode,
			settings: {},
			range,
		});
	}

	async kill(): Promise<void> {
		this.#started.child.kill('SIGKILL');
		await this.#started.exited;
		this.#socket.terminate();
	}
}

/** Processes that `pid` has started; Linux alone tells. */
export function childrenOf(pid: number): number[] {
	try {
		return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
	} catch {
		return [];
	}
}

export function isAlive(pid: number): boolean {
	try {
		// What nobody has waited for is a zombie: it has ended.
		return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
	} catch {
		return false;
	}
}

const MOST_WAIT_MILLISECONDS = 120_000;

/** Waits for a condition; throws when it has not come for two minutes. */
export async function until(condition: () => boolean): Promise<void> {
	const start = performance.now();
	while (!condition()) {
		if (performance.now() - start > MOST_WAIT_MILLISECONDS)
			throw new Error('nothing came of it for two minutes');
		await sleep(10);
	}
}

/** Everything about a run's frames except the measured milliseconds, as texts. */
export async function framesOf(folder: string): Promise<string[]> {
	const stored = await openRun(folder);
	return Array.from(stored.results(), ({ cost, ...result }) =>
		JSON.stringify({ ...result, macs: cost.macs }),
	);
}
