import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Letterbox } from '../domain/frame.ts';
import { type DecodeSummary, type Size, type VideoInfo, WHOLE_VIDEO } from '../domain/video.ts';
import { readFrames, type ReadOptions } from './read-frames.ts';

// For tests only: small generated videos, and a second opinion on what is in them.

const run = promisify(execFile);

/** A temporary folder, removed when `use` has ended. */
export async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
	const folder = await mkdtemp(join(tmpdir(), 'sparsight-video-'));
	try {
		return await use(folder);
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

/** Runs ffmpeg quietly with these arguments; throws its output if it fails. */
export async function ffmpeg(...args: string[]): Promise<void> {
	await run('ffmpeg', ['-hide_banner', '-nostdin', '-v', 'error', '-y', ...args]);
}

/** Moving bars, as an input: `frames` pictures at `rate`. */
export function testPicture(size: string, rate: number | string, frames: number): string[] {
	return ['-f', 'lavfi', '-i', `testsrc2=s=${size}:r=${rate},trim=end_frame=${frames}`];
}

/** What this machine's ffmpeg can encode. */
export async function availableEncoders(): Promise<Set<string>> {
	const { stdout } = await run('ffmpeg', ['-hide_banner', '-encoders']);
	return new Set(Array.from(stdout.matchAll(/^ \S{6} (\S+)/gm), (match) => match[1]!));
}

export type ReadFrame<Pixels> = { index: number; timeSeconds: number; pixels: Pixels };

/**
 * All frames that `readFrames` gives, by default unscaled and of the whole video; `of` reduces the pixels to what a
 * test compares.
 */
export async function readAll<Pixels>(
	video: VideoInfo,
	options: Partial<ReadOptions>,
	of: (pixels: Uint8Array) => Pixels,
): Promise<{ frames: ReadFrame<Pixels>[]; summary: DecodeSummary }> {
	const letterbox = unscaled(video.displaySize);
	const reading = readFrames(video, { range: WHOLE_VIDEO, letterbox, format: 'rgb24', ...options });
	const frames: ReadFrame<Pixels>[] = [];
	for (;;) {
		const next = await reading.next();
		if (next.done) return { frames, summary: next.value };
		const { index, timeSeconds, pixels } = next.value;
		frames.push({ index, timeSeconds, pixels: of(pixels) });
	}
}

export type ProbedFrame = { seconds: number; width: number; height: number };

/** Every frame of the video stream as ffprobe reads it. */
export async function probeFrames(path: string): Promise<ProbedFrame[]> {
	const entries = 'frame=best_effort_timestamp_time,width,height';
	const options = ['-v', 'fatal', '-select_streams', 'V:0', '-show_entries', entries, '-of', 'json'];
	const { stdout } = await run('ffprobe', [...options, '-i', `file:${path}`], { maxBuffer: 1 << 28 });
	const { frames } = JSON.parse(stdout) as {
		frames: { best_effort_timestamp_time: string; width: number; height: number }[];
	};
	return frames.map((f) => ({
		seconds: Number(f.best_effort_timestamp_time),
		width: f.width,
		height: f.height,
	}));
}

/** The times of `frames` as ffprobe prints times: rounded to microseconds. */
export function microseconds(times: Iterable<number>): number[] {
	return Array.from(times, (time) => Math.round(time * 1e6) / 1e6);
}

/** No scaling and no padding. */
export function unscaled(size: Size): Letterbox {
	return { displaySize: size, contentSize: size, inputSize: size, fill: 114 };
}

/** Children of this process that run ffmpeg, dead ones that nobody waited for included; Linux only. */
export async function ffmpegChildren(): Promise<number[]> {
	const pids: number[] = [];
	for (const entry of await readdir('/proc')) {
		if (!/^\d+$/.test(entry)) continue;
		const status = await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => '');
		const [, name, parent] = /^\d+ \((.*)\) \S (\d+)/.exec(status) ?? [];
		if (name === 'ffmpeg' && Number(parent) === process.pid) pids.push(Number(entry));
	}
	return pids;
}
