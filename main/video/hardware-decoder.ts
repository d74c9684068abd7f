import { existsSync, readdirSync } from 'node:fs';
import { debuglog } from 'node:util';
import type { VideoInfo } from '../domain/video.ts';
import { argumentsOf, checksumsCommand } from './ffmpeg-args.ts';
import { findFfmpeg } from './ffmpeg-binary.ts';
import { captureOutput } from './run-program.ts';

/** As many frames as encoders put into one group of pictures unless they are told otherwise. */
const GROUP_FRAMES = 250;
/** A driver that takes longer for them hangs. */
const PATIENCE_MILLISECONDS = 10_000;
/** Codecs whose decoders must all give the same numbers, and formats of pixels that devices give without loss. */
const EXACT_CODECS = ['h264', 'hevc', 'vp9', 'av1'];
const EXACT_FORMATS = ['yuv420p', 'yuvj420p', 'yuv420p10le'];

/** ffmpeg's names of the ways to a device, the likeliest first. */
const METHODS: Partial<Record<NodeJS.Platform, readonly string[]>> = {
	linux: ['cuda', 'vaapi', 'vulkan'],
	win32: ['d3d11va', 'cuda', 'qsv'],
	darwin: ['videotoolbox'],
};

/** Printed if NODE_DEBUG contains `sparsight`. */
const detail = debuglog('sparsight');

/**
 * ffmpeg's name of a device that decodes a video's first group of pictures to exactly the frames that ffmpeg itself gives, times and
 * pixels; null where there is none, or SPARSIGHT_HWACCEL is `off` (a name there is the only one that is tried). Never rejects; ends early, with null, when
 * `signal` is aborted.
 */
export async function hardwareDecoder(video: VideoInfo, signal?: AbortSignal): Promise<string | null> {
	const asked = process.env['SPARSIGHT_HWACCEL'];
	if (asked === 'off' || (!asked && !deviceIsThere())) return null;
	if (!EXACT_CODECS.includes(video.codec) || !EXACT_FORMATS.includes(video.pixelFormat)) return null;
	try {
		const { ffmpeg } = await findFfmpeg();
		const known = await methodsOf(ffmpeg);
		const methods = (asked ? [asked] : (METHODS[process.platform] ?? [])).filter((name) => known.has(name));
		if (methods.length === 0) return null;
		const expected = await firstFrames(ffmpeg, video, null, signal);
		for (const method of methods) {
			if (signal?.aborted) return null;
			const frames = await firstFrames(ffmpeg, video, method, signal).catch(() => null);
			if (frames === expected) return method;
			const reason = frames === null ? 'it fails' : 'it gives other frames';
			detail('%s is not decoded by %s: %s', video.path, method, reason);
		}
	} catch (error) {
		detail('%s is decoded without a device: %s', video.path, error);
	}
	return null;
}

/** On Linux, files tell; elsewhere trying does, which costs little where there is nothing. */
function deviceIsThere(): boolean {
	if (process.platform !== 'linux') return true;
	const renders =
		existsSync('/dev/dri') && readdirSync('/dev/dri').some((name) => name.startsWith('renderD'));
	return renders || existsSync('/dev/nvidia0');
}

/** What `ffmpeg -hwaccels` lists behind its title. */
async function methodsOf(ffmpeg: string): Promise<ReadonlySet<string>> {
	const { stdout } = await captureOutput(ffmpeg, ['-hide_banner', '-hwaccels']);
	const lines = stdout.split('\n').slice(1);
	return new Set(lines.map((line) => line.trim()).filter(Boolean));
}

/** Times and checksums of the first frames, a line each. Throws where decoding fails or takes too long. */
async function firstFrames(
	ffmpeg: string,
	video: VideoInfo,
	hardware: string | null,
	signal: AbortSignal | undefined,
): Promise<string> {
	const { path, pixelFormat } = video;
	const command = checksumsCommand(path, { hardware, pixelFormat, frames: GROUP_FRAMES });
	const patience = AbortSignal.any([AbortSignal.timeout(PATIENCE_MILLISECONDS), ...(signal ? [signal] : [])]);
	const { exitCode, stdout } = await captureOutput(ffmpeg, argumentsOf(command), patience);
	if (exitCode !== 0) throw new Error(`ffmpeg ended with ${exitCode}`);
	const lines = stdout.split('\n');
	return lines.filter((line) => line !== '' && !line.startsWith('#')).join('\n');
}
