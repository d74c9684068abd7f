import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

// For tests only: Debian's redis-server, on loopback, on a port of its own, that forgets everything when it ends.

/** Why tests with Redis are skipped; null where it is there. */
export const NO_REDIS = spawnSync('redis-server', ['--version']).error
	? 'redis-server is not installed (Debian: apt install redis-server)'
	: null;

export class RedisServer {
	readonly #port: number;
	readonly #folder = mkdtempSync(join(tmpdir(), 'sparsight-redis-'));
	readonly #words: readonly string[];
	#child: ChildProcess | null = null;

	private constructor(port: number, words: readonly string[]) {
		this.#port = port;
		this.#words = words;
	}

	/** `words`: more of redis-server's options, such as `--requirepass secret`. */
	static async start(...words: string[]): Promise<RedisServer> {
		const server = new RedisServer(await freePort(), words);
		await server.start();
		return server;
	}

	/** Where it listens, with `user` such as `:secret` before the host. */
	address(user = ''): string {
		return `redis://${user === '' ? '' : `${user}@`}127.0.0.1:${this.#port}`;
	}

	/** Starts it anew, empty. */
	async start(): Promise<void> {
		const words = ['--port', String(this.#port), '--bind', '127.0.0.1', '--save', '', '--dir', this.#folder];
		this.#child = spawn('redis-server', [...words, ...this.#words], { stdio: 'ignore' });
		while (!(await answers(this.#port))) await sleep(20);
	}

	/** Ends it at once, with all that it holds. */
	async kill(): Promise<void> {
		const child = this.#child;
		this.#child = null;
		if (!child) return;
		const gone = new Promise((resolve) => child.once('exit', resolve));
		child.kill('SIGKILL');
		await gone;
	}

	async close(): Promise<void> {
		await this.kill();
		rmSync(this.#folder, { recursive: true, force: true });
	}
}

function freePort(): Promise<number> {
	return new Promise((resolve) => {
		const server = createServer().listen(0, '127.0.0.1', () => {
			const address = server.address();
			server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
		});
	});
}

function answers(port: number): Promise<boolean> {
	return new Promise((resolve) => {
		const socket = connect(port, '127.0.0.1');
		const end = (answer: boolean) => {
			socket.destroy();
			resolve(answer);
		};
		socket.once('connect', () => end(true)).once('error', () => end(false));
	});
}
