import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findFfmpeg } from '../main/video/ffmpeg-binary.ts';
import { recordOnce, type Configuration } from './pipeline.ts';

export type MemoryRow = { label: string; frames: number; peakMemoryMib: number };

/** Peak memory of the worker over the sample clip and over the same clip in a loop. */
export async function benchMemory(options: {
	videoPath: string;
	modelPath: string;
	threads: number;
	loops: number;
	configurations: readonly Configuration[];
}): Promise<MemoryRow[]> {
	const folder = await mkdtemp(join(tmpdir(), 'sparsight-bench-'));
	const looped = join(folder, 'looped.mp4');
	const { ffmpeg } = await findFfmpeg();
	const loop = [
		'-v',
		'error',
		'-stream_loop',
		String(options.loops - 1),
		'-i',
		options.videoPath,
		'-c',
		'copy',
		looped,
	];
	try {
		await promisify(execFile)(ffmpeg, loop);
		const rows: MemoryRow[] = [];
		for (const configuration of options.configurations) {
			for (const videoPath of [options.videoPath, looped]) {
				const { summary, peakMemoryMib } = await recordOnce({ ...options, videoPath, configuration });
				rows.push({ label: configuration.label, frames: summary.frames, peakMemoryMib });
			}
		}
		return rows;
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}
