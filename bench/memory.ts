import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findFfmpeg } from '../main/video/ffmpeg-binary.ts';
import { recordOnce, type Configuration } from './pipeline.ts';

export type MemoryRow = { label: string; frames: number; peakMemoryMib: number };

/** Peak memory of the worker over a clip, and over the same clip in a loop of at least `frames` frames. */
export async function benchMemory(options: {
	videoPath: string;
	modelPath: string;
	threads: number;
	frames: number;
	configurations: readonly Configuration[];
}): Promise<MemoryRow[]> {
	const folder = await mkdtemp(join(tmpdir(), 'sparsight-bench-'));
	const looped = join(folder, 'looped.mp4');
	const { ffmpeg } = await findFfmpeg();
	try {
		const rows: MemoryRow[] = [];
		for (const configuration of options.configurations) {
			const measure = async (videoPath: string) => {
				const { summary, peakMemoryMib } = await recordOnce({ ...options, videoPath, configuration });
				rows.push({ label: configuration.label, frames: summary.frames, peakMemoryMib });
				return summary.frames;
			};
			const again = Math.ceil(options.frames / (await measure(options.videoPath))) - 1;
			const loop = [
				'-v',
				'error',
				'-y',
				'-stream_loop',
				`${again}`,
				'-i',
				options.videoPath,
				'-c',
				'copy',
				looped,
			];
			await promisify(execFile)(ffmpeg, loop);
			await measure(looped);
		}
		return rows;
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}
