import { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { findFfmpeg } from './ffmpeg-binary.ts';
import { ffmpegCause } from './ffmpeg-errors.ts';
import { startFfmpeg } from './ffmpeg.ts';
import { captureOutput } from './run-program.ts';

const picture = { options: ['-f', 'lavfi'], source: 'testsrc2=s=32x32:r=25:d=1' };
const quiet = ['-hide_banner', '-nostdin', '-loglevel', 'level+error'];

function collector(): { sink: Writable; bytes: () => number } {
	let bytes = 0;
	const write = (chunk: Uint8Array, _: unknown, done: () => void) => {
		bytes += chunk.length;
		done();
	};
	return { sink: new Writable({ emitClose: false, autoDestroy: false, write }), bytes: () => bytes };
}

it('gives everything that ffmpeg writes before it says that ffmpeg has ended', async () => {
	const { sink, bytes } = collector();
	const options = [...quiet, '-pix_fmt', 'rgb24', '-f', 'rawvideo'];
	const command = { inputs: [picture], options, target: 'pipe:1' };
	const job = await startFfmpeg(await findFfmpeg(), command, { stdout: sink });
	expect(job.commandLine).toContain('testsrc2');
	expect(await job.ended).toEqual({ failure: null, lastLines: [] });
	expect(bytes()).toBe(25 * 32 * 32 * 3);
});

it('options reach ffmpeg as they are, with blanks in them', async () => {
	const lines: string[] = [];
	const filter = "drawbox=c=red , metadata=add:key=note:value='a b',metadata=print";
	const options = ['-hide_banner', '-nostdin', '-frames:v', '1', '-vf', filter, '-f', 'null'];
	const command = { inputs: [picture], options, target: '-' };
	const job = await startFfmpeg(await findFfmpeg(), command, { onLine: (line) => lines.push(line) });
	expect((await job.ended).failure).toBeNull();
	expect(lines.join('\n')).toContain('note=a b');
});

it('a failure carries its exit, its last words and the command line, for the cause', async () => {
	const command = {
		inputs: [{ options: [], source: 'file:none.mp4' }],
		options: [...quiet, '-f', 'null'],
		target: '-',
	};
	const job = await startFfmpeg(await findFfmpeg(), command);
	const outcome = await job.ended;
	expect(outcome.failure).toMatch(/exited with code/);
	const cause = ffmpegCause(job.commandLine, outcome).message;
	expect(cause).toMatch(/^ffmpeg exited with code \d+/);
	expect(cause).toContain('-i file:none.mp4');
	expect(cause).toContain('No such file or directory');
});

it('kill ends it at once, whatever it was doing', async () => {
	const endless = {
		inputs: [{ options: ['-f', 'lavfi'], source: 'testsrc2' }],
		options: [...quiet, '-f', 'null'],
		target: '-',
	};
	const job = await startFfmpeg(await findFfmpeg(), endless);
	job.kill();
	expect((await job.ended).failure).toContain('SIGKILL');
});

it('a program that cannot be started is an outcome, not the end of our process', async () => {
	const found = await findFfmpeg();
	const command = { inputs: [picture], options: [...quiet, '-f', 'rawvideo'], target: 'pipe:1' };
	for (const binaries of [found, { ...found, ffmpeg: '/none/ffmpeg' }]) {
		const { sink } = collector();
		const job = await startFfmpeg(binaries, command, { stdout: sink });
		const { failure } = await job.ended;
		if (binaries === found) expect(failure).toBeNull();
		else expect(failure).toContain('ENOENT');
	}
	await expect(captureOutput('/none/ffmpeg', [])).rejects.toMatchObject({ code: 'ENOENT' });
});

it('what a program prints is captured with its exit', async () => {
	const script = "process.stdout.write('out'); process.stderr.write('err'); process.exit(3)";
	expect(await captureOutput(process.execPath, ['-e', script])).toEqual({
		exitCode: 3,
		stdout: 'out',
		stderr: 'err',
	});
});
