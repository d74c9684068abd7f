import { Readable } from 'node:stream';
import type { Writable } from 'node:stream';
import fluent from 'fluent-ffmpeg';
import type { FfmpegBinaries } from './ffmpeg-binary.ts';
import type { FfmpegCommand } from './ffmpeg-args.ts';
import { isLogNoise } from './log-lines.ts';
import { captureOutput } from './run-program.ts';

// The one place that starts ffmpeg's jobs. fluent-ffmpeg is archived: nothing else may know it.

export type FfmpegOutcome = {
	/** Null for success; `ffmpeg was killed with signal …` after `kill`. */
	failure: string | null;
	/** The last lines of the log that are warnings or worse, oldest first. */
	lastLines: string[];
};

export type FfmpegJob = {
	/** For logs and error causes; not quoted for a shell. */
	commandLine: string;
	/** ffmpeg's standard input where the command reads from `pipe:0`. */
	stdin: Writable | null;
	/** Settles when the process is gone and its pipes are closed; never rejects. */
	ended: Promise<FfmpegOutcome>;
	/** Sends SIGKILL: nothing is flushed, nothing is waited for. */
	kill(): void;
};

export type FfmpegStreams = {
	/**
	 * Takes what ffmpeg writes to `pipe:1`. It must be made with `emitClose: false`: fluent-ffmpeg kills the process
	 * 20 ms after the target's `close`, which a busy machine turns into a race with ffmpeg's own end.
	 */
	stdout?: Writable;
	/** Every line of the log, as it comes. */
	onLine?: (line: string) => void;
};

const KEPT_LINES = 12;

/** Starts ffmpeg and resolves once the process exists (or could not be started: then `ended` says so). */
export function startFfmpeg(
	binaries: FfmpegBinaries,
	command: FfmpegCommand,
	streams: FfmpegStreams = {},
): Promise<FfmpegJob> {
	const lastLines: string[] = [];
	const stdin = new StdinTap();
	const ffmpeg = survivable(fluent());
	ffmpeg.setFfmpegPath(binaries.ffmpeg);
	for (const input of command.inputs) {
		ffmpeg.input(input.source === 'pipe:0' ? stdin : input.source);
		addOptions((...options) => ffmpeg.inputOptions(...options), input.options);
	}
	if (command.target === 'pipe:1') ffmpeg.output(streams.stdout!);
	else ffmpeg.output(command.target);
	addOptions((...options) => ffmpeg.outputOptions(...options), command.options);

	// `end` and `error` come at the process's exit; its output may still be in the pipe.
	let drained: Promise<void> = Promise.resolve();
	streams.stdout?.once('pipe', (source: Readable) => {
		drained = new Promise((resolve) => source.once('close', resolve));
	});

	return new Promise((resolve) => {
		let killed = false;
		let commandLine = `ffmpeg ${command.options.join(' ')}`;
		const exited = new Promise<string | null>((settle) => {
			ffmpeg.on('end', () => settle(null));
			ffmpeg.on('error', (error: Error) => settle(error.message));
		});
		const ended = exited.then(async (failure) => {
			await drained;
			return { failure, lastLines };
		});
		const job = (): FfmpegJob => ({
			commandLine,
			stdin: stdin.target,
			ended,
			kill() {
				if (!killed) ffmpeg.kill('SIGKILL');
				killed = true;
			},
		});
		ffmpeg.on('stderr', (line: string) => {
			if (!isLogNoise(line) && !line.includes('[info]')) {
				lastLines.push(line);
				if (lastLines.length > KEPT_LINES) lastLines.shift();
			}
			streams.onLine?.(line);
		});
		ffmpeg.on('start', (line: string) => {
			commandLine = line;
			// `start` is emitted before the pipes are joined; a microtask later they are.
			queueMicrotask(() => resolve(job()));
		});
		void exited.then(() => resolve(job())); // failed before it started
		ffmpeg.run();
	});
}

type SpawnEnd = (error: Error | null, stdout?: LogRing, stderr?: LogRing) => void;
type LogRing = { get(): string };
type Spawner = { _spawnFfmpeg(args: string[], options: object, onStart: unknown, onEnd?: SpawnEnd): void };

// Where the process cannot be started (no more file descriptors, say), fluent-ffmpeg 2.1.3 reads logs that do not
// exist, and the exception ends our process. With empty logs it emits `error` instead.
function survivable(ffmpeg: fluent.FfmpegCommand): fluent.FfmpegCommand {
	const inner = ffmpeg as unknown as Spawner;
	const spawn = inner._spawnFfmpeg.bind(ffmpeg);
	const none: LogRing = { get: () => '' };
	inner._spawnFfmpeg = (args, options, onStart, onEnd) => {
		if (onEnd)
			spawn(args, options, onStart, (error, stdout = none, stderr = none) => onEnd(error, stdout, stderr));
		else spawn(args, options, onStart);
	};
	return ffmpeg;
}

/** Poses as fluent-ffmpeg's input stream to get hold of the process's own stdin: no copy, and real back-pressure. */
class StdinTap extends Readable {
	target: Writable | null = null;

	override pipe<T extends NodeJS.WritableStream>(target: T): T {
		this.target = target as unknown as Writable;
		return target;
	}

	override _read(): void {
		this.push(null);
	}
}

// fluent-ffmpeg splits `name value` strings at the blank unless it is given several arguments at once.
function addOptions(add: (...options: string[]) => unknown, options: string[]): void {
	if (options.length > 1) add(...options);
	else if (options.length === 1) throw new Error('options come in pairs, or with another one');
}

/** Names of the encoders that this ffmpeg was built with; a listed encoder may still lack its hardware. */
export async function listEncoders(binaries: FfmpegBinaries): Promise<ReadonlySet<string>> {
	const listing = await captureOutput(binaries.ffmpeg, ['-hide_banner', '-encoders']);
	return new Set(
		Array.from(listing.stdout.matchAll(/^ [VAS][F.][S.][X.][B.][D.] (\S+)/gm), (match) => match[1]!),
	);
}
