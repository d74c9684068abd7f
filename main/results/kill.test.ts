import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { build } from 'vite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { recordSample, undisturbed } from './endless-run.fixture.ts';
import { BATCH_FRAMES } from './run-writer.ts';
import { openRun } from './stored-run.ts';

const OUTCOME = { decode: null, error: null, wallSeconds: 1, state: null };
let folder = '';
let program = '';

// The recorder as a program of plain JavaScript, so that a process of its own can run it.
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'kill-'));
	program = join(folder, 'record.mjs');
	await build({
		configFile: false,
		logLevel: 'error',
		ssr: { noExternal: true },
		build: {
			ssr: join(import.meta.dirname, 'endless-run.fixture.ts'),
			outDir: folder,
			emptyOutDir: false,
			minify: false,
			rollupOptions: { output: { entryFileNames: 'record.mjs', codeSplitting: false } },
		},
	});
});
afterAll(() => rm(folder, { recursive: true }));

it('killed again and again at random moments, a run reads back and ends as if undisturbed', async () => {
	const run = join(folder, 'killed');
	const random = randomNumbers(20260122);
	let stored = 0;
	for (let kill = 0; kill < 16; kill++) {
		const child = spawn(process.execPath, [program, '--endless', run], { stdio: 'ignore' });
		// Some die while they start or create the run, most while they write.
		await (kill < 4 ? sleep(200 * random()) : grown(run, child));
		await sleep(60 * random());
		child.kill('SIGKILL');
		if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
		expect(child.signalCode).toBe('SIGKILL');

		if (!existsSync(join(run, 'run.json'))) continue; // died before there was a run
		const left = await openRun(run);
		expect(left.status.state).toBe('running');
		expect([...left.results()]).toEqual(undisturbed(left.frameCount));
		stored = Math.max(stored, left.frameCount);
	}
	expect(stored).toBeGreaterThan(BATCH_FRAMES);

	const frames = stored + 100;
	const writer = await recordSample(run, frames, Infinity);
	await writer.close('complete', OUTCOME);
	const whole = join(folder, 'whole');
	await (await recordSample(whole, frames, Infinity)).close('complete', OUTCOME);
	expect([...(await openRun(run)).results()]).toEqual([...(await openRun(whole)).results()]);
});

it.skipIf(process.platform === 'win32')(
	'a real limit of the system on files: told, kept, and gone on with',
	async () => {
		const run = join(folder, 'limited');
		const child = spawn(
			'sh',
			['-c', `ulimit -f 64 && exec "$0" "$@"`, process.execPath, program, '--endless', run],
			{
				stdio: ['ignore', 'pipe', 'inherit'],
			},
		);
		const said = await text(child);
		expect(JSON.parse(said)).toMatchObject({
			code: 'disk-full',
			message: expect.stringMatching(/\.(arrow|jsonl): the disk takes no more of it \(EFBIG\)\.$/) as string,
		});
		const left = await openRun(run);
		expect(left.frameCount).toBeGreaterThan(BATCH_FRAMES);
		expect([...left.results()]).toEqual(undisturbed(left.frameCount));
		const writer = await recordSample(run, left.frameCount + 200, 1000);
		await writer.close('complete', OUTCOME);
		expect([...(await openRun(run)).results()]).toEqual(undisturbed(left.frameCount + 200));
	},
);

/** Waits until the child has stored more than it found. */
async function grown(run: string, child: ChildProcess): Promise<void> {
	const journal = join(run, 'commits.jsonl');
	const lines = async (): Promise<number> =>
		existsSync(journal) ? (await readFile(journal, 'utf8')).split('\n').length : 0;
	// Resuming first cuts the journal; from then on it grows.
	let before = await lines();
	while (child.exitCode === null) {
		await sleep(3);
		const now = await lines();
		if (now > before) return;
		before = now;
	}
	throw new Error(`the recorder ended by itself with ${child.exitCode}`);
}

async function text(child: ChildProcess): Promise<string> {
	let said = '';
	child.stdout!.setEncoding('utf8');
	for await (const part of child.stdout!) said += part as string;
	return said;
}

/** Numbers from 0 to 1: the same ones every time, though the moments they lead to are not. */
function randomNumbers(seed: number): () => number {
	let state = seed;
	return () => (state = (state * 48271) % 2147483647) / 2147483647;
}
