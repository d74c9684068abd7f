import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { BatchFolder } from '../main/batch/batch-folder.ts';
import { readHeader, readStatus } from '../main/results/header.ts';
import { findFfmpeg } from '../main/video/ffmpeg-binary.ts';
import { RUN_FILES } from '../main/results/run-folder.ts';

export type BatchCost = {
	files: number;
	/** Seconds that the runs took by themselves, from their first frame to their last one. */
	runSeconds: number;
	/** Seconds from the beginning of the first run to the end of the last one. */
	batchSeconds: number;
};

/** What a batch of many short files takes beyond their runs: copies of the first `frames` of a clip, dense, through the command line. */
export async function benchBatch(options: {
	root: string;
	videoPath: string;
	files: number;
	frames: number;
	threads: number;
}): Promise<BatchCost> {
	const folder = await mkdtemp(join(tmpdir(), 'sparsight-bench-'));
	try {
		const clips = join(folder, 'clips');
		await mkdir(clips);
		const clip = join(folder, 'clip.mp4');
		const cut = ['-v', 'error', '-i', options.videoPath, '-frames:v', String(options.frames), clip];
		await promisify(execFile)((await findFfmpeg()).ffmpeg, cut);
		for (let i = 0; i < options.files; i++) await copyFile(clip, join(clips, `${i}.mp4`));
		const out = join(folder, 'batch');
		const words = ['batch', clips, '--run', 'dense', '--provider', 'cpu', '--out', out];
		const program = join(options.root, 'bin', 'sparsight.js');
		await promisify(execFile)(process.execPath, [program, ...words, '--threads', String(options.threads)]);
		const batch = new BatchFolder(out);
		let runSeconds = 0;
		let first = Number.POSITIVE_INFINITY;
		let last = 0;
		for (const job of await batch.jobs()) {
			const run = batch.runFolder(job);
			runSeconds += (await readStatus(run))?.wallSeconds ?? 0;
			first = Math.min(first, Date.parse((await readHeader(run)).createdAt));
			last = Math.max(last, (await stat(join(run, RUN_FILES.status))).mtimeMs);
		}
		return { files: options.files, runSeconds, batchSeconds: (last - first) / 1000 };
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}
