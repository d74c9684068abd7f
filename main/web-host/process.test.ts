import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { decodeMessage, encodeMessage, type HostMessage } from '../../preload/codec.ts';
import { makeClip, makeFolders } from '../application/application.fixture.ts';
import { installationFolder } from '../process/installation.ts';
import { openRun } from '../results/stored-run.ts';

const folders = makeFolders();
const clip = join(folders.base, 'clip.mp4');

beforeAll(() => makeClip(clip, 700));
afterAll(() => folders.remove());

/** Starts the built web host in the test's folder. */
function startHost(...words: string[]) {
	const entry = join(installationFolder(), 'out', 'main', 'web-host.js');
	if (!existsSync(entry)) throw new Error('These tests run the built web host: run "npm run build" first.');
	const host = spawn(process.execPath, [entry, ...words], {
		cwd: folders.base,
		env: { ...process.env, SPARSIGHT_HOME: folders.base },
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	const said = { out: '', err: '' };
	host.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text));
	host.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text));
	const ended = new Promise<number | null>((resolve) => host.once('close', resolve));
	const firstLine = new Promise<string>((resolve) =>
		host.stdout.on('data', () => said.out.includes('\n') && resolve(said.out.split('\n')[0]!)),
	);
	return { host, said, ended, firstLine };
}

describe('the web host', () => {
	it('prints one line with an address, and on Ctrl+C ends its runs so that they can be resumed', async () => {
		const { host, firstLine, ended, said } = startHost('--json', clip);
		const { address, port, pid } = JSON.parse(await firstLine) as {
			address: string;
			port: number;
			pid: number;
		};
		expect(pid).toBe(host.pid);
		expect(new URL(address).port).toBe(String(port));

		const token = new URL(address).searchParams.get('token');
		const socket = new WebSocket(`ws://127.0.0.1:${port}/socket`, {
			headers: { Authorization: `Bearer ${token}` },
		});
		const firstFrames = new Promise<void>((resolve) => {
			socket.on('message', (data: Buffer) => {
				const message = decodeMessage(data) as HostMessage;
				if ('event' in message && message.event.type === 'analysis.frames') resolve();
				if (!('answer' in message)) return;
				const { openAtStart } = message.answer as { openAtStart?: string };
				if (openAtStart === undefined) return;
				const range = { from: { frame: 0 }, to: null, every: 1 };
				const input = { videoId: openAtStart, modelId: 'lookout', mode: 'dense', settings: {}, range };
				socket.send(encodeMessage({ id: 2, name: 'analysis.start', input }));
			});
		});
		socket.on('open', () => socket.send(encodeMessage({ id: 1, name: 'app.describe', input: {} })));
		await firstFrames;
		host.kill('SIGINT');
		expect(await ended).toBe(0);
		expect(said.err).toBe('');
		// The token is printed once, and stored nowhere.
		expect(said.out.split(token!)).toHaveLength(2);
		for (const entry of readdirSync(folders.base, { recursive: true, withFileTypes: true })) {
			if (!entry.isFile()) continue;
			expect(readFileSync(join(entry.parentPath, entry.name)).includes(token!), entry.name).toBe(false);
		}
		const [video] = readdirSync(folders.runs);
		const [runId] = readdirSync(join(folders.runs, video!));
		const { status } = await openRun(join(folders.runs, video!, runId!));
		expect(status.state).toBe('cancelled');
		expect(status.framesStored).toBeGreaterThan(0);
	});

	it.skipIf(process.platform === 'win32')('ends with npm, whose shell passes no signal on', async () => {
		const prepare = pathToFileURL(join(installationFolder(), 'scripts', 'prepare.mjs')).href;
		// Stands for the host: says who it is, and would stay for a minute.
		const host = 'console.log(process.pid); setTimeout(() => {}, 60_000)';
		const script = `
			const { exitCodeOf } = await import('${prepare}');
			const { spawn } = await import('node:child_process');
			await exitCodeOf(spawn(process.execPath, ['-e', '${host}'], { stdio: 'inherit' }));`;
		const words = [process.execPath, '--input-type=module', '-e', script];
		const shell = spawn('sh', ['-c', '"$@"; true', 'sh', ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
		const said = once(shell.stdout, 'data');
		// The pipe is closed once nobody is left who could write into it.
		const allGone = once(shell.stdout.resume(), 'close');
		const pid = Number(String((await said)[0]));
		expect(() => process.kill(pid, 0)).not.toThrow();
		shell.kill('SIGTERM');
		await allGone;
		expect(() => process.kill(pid, 0)).toThrow('ESRCH');
	});

	it.each([
		['a folder that is not there', ['--root', 'nowhere'], '--root nowhere: a folder was expected'],
		['a file for a folder', ['--root', 'clip.mp4'], 'got a file'],
		['a port that is none', ['--port', 'http'], '--port must be a number'],
		['two videos', ['a.mp4', 'b.mp4'], 'One video at most'],
		['a word it does not know', ['--listen-everywhere'], '--listen-everywhere'],
	])('says in a sentence what is wrong: %s', async (_, words, sentence) => {
		const { ended, said } = startHost(...words);
		expect(await ended).toBe(1);
		expect(said.err).toContain(sentence);
		expect(said.err.trim().split('\n')).toHaveLength(1);
		expect(said.out).toBe('');
	});
});
