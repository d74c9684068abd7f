import type { FrameTimes, VideoInfo } from '../domain/video.ts';
import { cancelled, onAbort } from './cancellation.ts';
import { frameTimesCommand } from './ffmpeg-args.ts';
import { findFfmpeg } from './ffmpeg-binary.ts';
import { nothingDecoded } from './ffmpeg-errors.ts';
import { startFfmpeg } from './ffmpeg.ts';
import { FrameLog } from './frame-log.ts';

/**
 * Presentation times of every frame that decodes, in the file's own clock, found by decoding the whole file: the
 * container's claims about counts and rates are not used. `onTime` is called with every time as it is found. Throws
 * `no-frames`, `decode-failed`, `cancelled`.
 */
export async function readFrameTimes(
	video: VideoInfo,
	signal?: AbortSignal,
	onTime: (timeSeconds: number) => void = () => undefined,
): Promise<FrameTimes> {
	const times: number[] = [];
	const log = new FrameLog((_, timeSeconds) => {
		times.push(timeSeconds);
		onTime(timeSeconds);
	});
	const binaries = await findFfmpeg();
	if (signal?.aborted) throw cancelled(video.path);
	const command = frameTimesCommand(video.path);
	const job = await startFfmpeg(binaries, command, { onLine: (line) => log.readLine(line) });
	const release = onAbort(signal, () => job.kill());
	const outcome = await job.ended;
	release();
	if (signal?.aborted) throw cancelled(video.path);
	if (times.length === 0)
		throw nothingDecoded(video.path, log.warnings, { commandLine: job.commandLine, outcome });
	return { ptsSeconds: Float64Array.from(times) };
}
