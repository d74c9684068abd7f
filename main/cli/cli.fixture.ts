import { execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'vitest';
import { openRun } from '../results/stored-run.ts';
import { RUN_FILES } from '../results/run-folder.ts';
import { installationFolder } from '../process/installation.ts';

const PROGRAM = join(installationFolder(), 'bin', 'sparsight.js');
const CLI = join(installationFolder(), 'out', 'main', 'cli.js');

/** A temporary folder for one test file. Throws if the command line is not built: these tests run what is shipped. */
export function openBench() {
	if (!existsSync(CLI)) {
		throw new Error('These tests run the built command line: run "npm run build" first, or use "npm test".');
	}
	const folder = mkdtempSync(join(tmpdir(), 'sparsight-cli-'));
	return { folder, close: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Runs ffmpeg; for making clips. */
export function ffmpeg(...words: string[]): void {
	execFileSync(process.env['SPARSIGHT_FFMPEG'] ?? 'ffmpeg', ['-v', 'error', '-y', ...words]);
}

/** `frames` frames of people on a square, small; the sample clip is repeated where it is too short. */
export function makeClip(path: string, frames: number, ...words: string[]): void {
	const source = join(installationFolder(), 'assets', 'samples', 'plaza.mp4');
	const looped = ['-stream_loop', '-1', '-i', source, '-frames:v', String(frames), '-vf', 'scale=160:120'];
	ffmpeg(...looped, ...words, path);
}

export type Ended = { code: number | null; stdout: string; stderr: string };

/** Runs the command line to its end, in `cwd`. */
export function sparsight(
	cwd: string,
	words: readonly string[],
	environment: NodeJS.ProcessEnv = {},
): Promise<Ended> {
	return new Promise((resolve) => {
		const env = { ...process.env, SPARSIGHT_HOME: cwd, ...environment };
		const options = { cwd, env, maxBuffer: 2 ** 26 };
		const child = execFile(process.execPath, [PROGRAM, ...words], options, (_, stdout, stderr) => {
			resolve({ code: child.exitCode, stdout, stderr });
		});
	});
}

/** Runs command lines from stdin one after another, in one process. */
const ONE_AFTER_ANOTHER = `
	const { runCli } = await import(process.argv[1]);
	const say = process.stdout.write.bind(process.stdout);
	const ended = [];
	process.setMaxListeners(0);
	for (const words of JSON.parse((await process.stdin.toArray()).join(''))) {
		const printed = { stdout: '', stderr: '' };
		for (const stream of ['stdout', 'stderr']) process[stream].write = (text) => (printed[stream] += text, true);
		ended.push({ code: await runCli(words), ...printed });
	}
	say(JSON.stringify(ended));
`;

/** As `sparsight`, for many command lines that end soon: most of the time that these take is the program's start. */
export function sparsightEach(cwd: string, lines: readonly (readonly string[])[]): Promise<Ended[]> {
	return new Promise((resolve, reject) => {
		const options = { cwd, env: { ...process.env, SPARSIGHT_HOME: cwd }, maxBuffer: 2 ** 26 };
		const words = ['--input-type=module', '--eval', ONE_AFTER_ANOTHER, pathToFileURL(CLI).href];
		const child = execFile(process.execPath, words, options, (error, stdout) => {
			if (error) reject(new Error('The command lines did not come to their end.', { cause: error }));
			else resolve(JSON.parse(stdout) as Ended[]);
		});
		child.stdin?.end(JSON.stringify(lines));
	});
}

/** The failure that a command printed with --json: one JSON object, one sentence of text, no stack trace. */
export function failureOf({ code, stdout, stderr }: Ended): {
	exitCode: number | null;
	code: string;
	message: string;
} {
	const { error } = JSON.parse(stdout) as { error: { code: string; message: string } };
	expect(error.message).toMatch(/^[^\n]+\.$/);
	expect(stderr).toContain(`sparsight: ${error.message}`);
	expect(stderr).not.toMatch(/^\s+at /m);
	return { exitCode: code, code: error.code, message: error.message };
}

/** Starts the command line; the caller ends it. */
export function startSparsight(cwd: string, words: readonly string[], environment: NodeJS.ProcessEnv = {}) {
	const env = { ...process.env, SPARSIGHT_HOME: cwd, ...environment };
	const child = spawn(process.execPath, [PROGRAM, ...words], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
	let stdout = '';
	let stderr = '';
	child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
	child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
	const ended = new Promise<Ended>((resolve) => {
		child.once('close', (code) => resolve({ code, stdout, stderr }));
	});
	return { child, ended, stderr: () => stderr };
}

/** Waits until a run holds stored frames. */
export async function framesStored(runFolder: string): Promise<void> {
	await until(() => {
		const journal = join(runFolder, RUN_FILES.commits);
		return existsSync(journal) && readFileSync(journal).length > 0;
	});
}

/** Waits for a condition, until the test's own time limit. */
export async function until(condition: () => boolean): Promise<void> {
	while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Everything about a run's frames except the measured milliseconds. */
export async function resultsOf(runFolder: string) {
	const run = await openRun(runFolder);
	return [...run.results()].map(({ cost, ...result }) => ({ ...result, macs: cost.macs }));
}
