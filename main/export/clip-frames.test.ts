import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { FrameRange } from '../domain/video.ts';
import { findClipFrames } from './clip-frames.ts';
import { inTemporaryFolder, storeSampleRun } from './run.fixture.ts';

describe('a run over frames 5 to 11 tells the frames of a clip without a look at the video, which is not there', () => {
	const at = (frame: number) => ({ frame });
	const after = (seconds: number) => ({ seconds });
	type Row = { proves: string; range: FrameRange | null; state?: 'cancelled'; frames: number[] | null };
	const rows: Row[] = [
		{ proves: 'what it analysed', range: null, frames: [5, 6, 7, 8, 9, 10, 11] },
		{ proves: 'from its first frame', range: { from: at(5), to: at(7), every: 1 }, frames: [5, 6, 7] },
		{ proves: 'by time', range: { from: after(0.5), to: after(0.7), every: 1 }, frames: [5, 6, 7] },
		{ proves: 'to its end', range: { from: at(9), to: null, every: 2 }, frames: [9, 11] },
		{ proves: 'not from before it', range: { from: at(4), to: at(7), every: 1 }, frames: null },
		{ proves: 'not from before it, by time', range: { from: after(0.45), to: null, every: 1 }, frames: null },
		{
			proves: 'not to the end of one that was cut off',
			range: { from: at(9), to: null, every: 1 },
			state: 'cancelled',
			frames: null,
		},
		{
			proves: 'to one before the last of one that was cut off',
			range: { from: at(9), to: at(10), every: 1 },
			state: 'cancelled',
			frames: [9, 10],
		},
	];

	it.each(rows)('$proves', ({ range, state, frames }) =>
		inTemporaryFolder(async (folder) => {
			const run = await storeSampleRun(join(folder, 'run'), { from: 5, ...(state && { state }) });
			const video = { ...run.header.video, path: join(folder, 'gone.mp4') };
			const finding = findClipFrames(run, { video, hasGrown: false }, range, undefined);
			if (frames === null) await expect(finding).rejects.toThrow('gone.mp4');
			else {
				const { frameIndices, timesSeconds } = await finding;
				expect([...frameIndices]).toEqual(frames);
				expect([...timesSeconds]).toEqual(frames.map((i) => i / 10));
			}
		}),
	);
});
