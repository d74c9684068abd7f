import { execFileSync } from 'node:child_process';
import { appendFile, copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fileTimeOf, WHOLE_VIDEO } from '../domain/video.ts';
import { findFfmpeg } from './ffmpeg-binary.ts';
import { readFrameTimes } from './frame-times.ts';
import { probeVideo } from './probe.ts';
import { RisingClock } from './rising-clock.ts';
import { readAll, testPicture, withFolder } from './test-videos.fixture.ts';

it.each([
	['rising times stay', [1.5, 1.54, 1.6], [1.5, 1.54, 1.6], []],
	['times below zero, too', [-0.5, -0.25, 0], [-0.5, -0.25, 0], []],
	[
		'a clock that begins again goes on by the last step',
		[2, 2.5, 3, 0, 0.5, 1],
		[2, 2.5, 3, 3.5, 4, 4.5],
		[3],
	],
	['again and again', [4, 5, 1, 2, 0], [4, 5, 6, 7, 8], [2, 4]],
	['one wrong time does not move what follows', [1, 1.25, 1.125, 1.5], [1, 1.25, 1.25, 1.5], []],
	['a first frame that lies behind all others', [9, 0, 1], [9, 9, 10], [1]],
])('%s', (_, fileTimes, times, restarts) => {
	const clock = new RisingClock();
	expect(fileTimes.map((time, i) => clock.take(i, time))).toEqual(times);
	expect(clock.restarts.map(({ frame }) => frame)).toEqual(restarts);
	for (const frame of [0, times.length - 1]) {
		expect(fileTimeOf(frame, times[frame]!, clock.restarts)).toBeCloseTo(fileTimes[frame]!, 9);
	}
});

describe('files', () => {
	const make = async (path: string, ...words: string[]): Promise<void> => {
		const { ffmpeg } = await findFfmpeg();
		const coding = ['-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-bf', '2', '-g', '10'];
		execFileSync(ffmpeg, ['-v', 'error', ...testPicture('64x48', 25, 25), ...coding, ...words, path]);
	};

	it('joined recordings have one time line, for ranges too', () =>
		withFolder(async (folder) => {
			const [half, joined] = [join(folder, 'half.ts'), join(folder, 'joined.ts')];
			await make(half);
			await copyFile(half, joined);
			await appendFile(joined, await readFile(half));
			const video = await probeVideo(joined);
			const { frames, summary } = await readAll(video, {}, (pixels) => pixels.length);
			const times = frames.map(({ timeSeconds }) => timeSeconds);
			expect(times).toHaveLength(50);
			expect(times.every((time, i) => i === 0 || time > times[i - 1]!)).toBe(true);
			expect(summary.clockRestarts).toMatchObject([{ frame: 25 }]);
			expect(fileTimeOf(25, times[25]!, summary.clockRestarts)).toBeCloseTo(times[0]!, 9);
			expect([...(await readFrameTimes(video)).ptsSeconds]).toEqual(times);

			for (const [from, to] of [
				[3, 7],
				[20, 30],
				[40, 45],
			] as const) {
				// prettier-ignore
				const range = { from: { seconds: times[from]! }, to: { seconds: times[to]! }, every: 1 };
				const part = await readAll(video, { range }, (pixels) => pixels.length);
				expect(part.frames.map(({ index }) => index)).toEqual(Array.from({ length: to - from + 1 }, (_, i) => from + i)); // prettier-ignore
			}
		}));

	it('a clock that starts below zero can be asked for', () =>
		withFolder(async (folder) => {
			const path = join(folder, 'below.ts');
			await make(path, '-muxdelay', '0', '-muxpreload', '0', '-output_ts_offset', '95442.9');
			const video = await probeVideo(path);
			const { frames } = await readAll(video, { range: WHOLE_VIDEO }, (pixels) => pixels.length);
			const times = frames.map(({ timeSeconds }) => timeSeconds);
			const [third, sixth] = [times[3]!, times[6]!];
			const range = { from: { seconds: third }, to: { seconds: sixth }, every: 1 };
			const part = await readAll(video, { range }, (pixels) => pixels.length);
			expect(third).toBeLessThan(0);
			expect(part.frames.map(({ index }) => index)).toEqual([3, 4, 5, 6]);
		}));
});
