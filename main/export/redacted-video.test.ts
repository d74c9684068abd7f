import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { scaledTo } from '../domain/frame.ts';
import type { SettingValues } from '../domain/settings-table.ts';
import type { FrameRange } from '../domain/video.ts';
import { identifyVideo } from '../video/identity.ts';
import { probeVideo } from '../video/probe.ts';
import { readFrames } from '../video/read-frames.ts';
import { ffmpeg, probeFrames } from '../video/test-videos.fixture.ts';
import { redactedVideo } from './redacted-video.ts';
import { inTemporaryFolder, storeSampleRun, type SampleRun } from './run.fixture.ts';

/** Ten white frames, ten a second, with a tone. A person walks through them, see `walker`. */
async function redacted(
	settings: SettingValues,
	check: (out: string, list: List, remarks: string[]) => Promise<void>,
	{ sample = {}, range = null }: { sample?: SampleRun; range?: FrameRange | null } = {},
): Promise<void> {
	await inTemporaryFolder(async (folder) => {
		const path = join(folder, 'street.mp4');
		// prettier-ignore
		await ffmpeg(
			'-f', 'lavfi', '-i', 'color=white:s=64x48:r=10:d=1', '-f', 'lavfi', '-i', 'sine=f=440:d=1',
			'-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-c:a', 'aac', path,
		);
		const [video, videoIdentity] = [await probeVideo(path), await identifyVideo(path)];
		const run = await storeSampleRun(join(folder, 'run'), {
			frames: 10,
			timeOf: (i) => i / 10,
			...sample,
			header: { video, videoIdentity, ...sample.header },
		});
		const out = join(folder, 'redacted.mp4');
		const remarks: string[] = [];
		await redactedVideo.write({
			runs: [run],
			labels: ['run'],
			out,
			range,
			settings: { how: 'fill', crf: 0, margin: 0, ...settings },
			onRemark: (remark) => remarks.push(remark),
		});
		const list = JSON.parse(await readFile(redactedVideo.companionOf!(out), 'utf8')) as List;
		await check(out, list, remarks);
	});
}

type List = {
	frames: { first: number; last: number; count: number };
	hidden: { identity: number; class: string; sightings: number }[];
	spared: number[];
	toLookAt: { what: string; fromFrame: number; fromSeconds: number }[];
};

/** Whether a pixel is grey, by frame. */
async function greyAt(out: string, x: number, y: number): Promise<boolean[]> {
	const video = await probeVideo(out);
	const { displaySize } = video;
	const letterbox = scaledTo(displaySize);
	const grey: boolean[] = [];
	const range = { from: { frame: 0 }, to: null, every: 1 };
	for await (const { pixels } of readFrames(video, { range, letterbox, format: 'rgba' }))
		grey.push(pixels[4 * (y * displaySize.width + x)]! < 150);
	return grey;
}

describe('a redacted clip', () => {
	it('hides people in every frame, and says who they were', () =>
		redacted({}, async (out, list) => {
			expect(await greyAt(out, 12, 25)).toEqual(new Array(10).fill(true));
			expect(await greyAt(out, 50, 25)).toEqual(new Array(10).fill(false));
			expect(list.frames).toEqual({ first: 0, last: 9, count: 10 });
			expect(list.hidden).toMatchObject([{ identity: 1, class: 'person', sightings: 10 }]);
			expect((await probeFrames(out)).length).toBe(10);
			expect((await probeVideo(out)).hasAudio).toBe(true);
		}));

	it('hides doubtful boxes of nobody as well, where that is wanted', () =>
		redacted({ whom: 'both', leastScore: 0.1, sound: false }, async (out) => {
			expect(await greyAt(out, 50, 25)).toEqual(new Array(10).fill(true));
			expect((await probeVideo(out)).hasAudio).toBe(false);
		}));

	it('leaves one visible', () =>
		redacted({ except: '1' }, async (out, list) => {
			expect(await greyAt(out, 12, 25)).toEqual(new Array(10).fill(false));
			expect(list).toMatchObject({ hidden: [], spared: [1] });
		}));

	it('hides only who is chosen', () =>
		redacted({ whom: 'chosen', also: '1-3' }, async (out, list) => {
			expect(await greyAt(out, 12, 25)).toEqual(new Array(10).fill(true));
			expect(list.hidden).toHaveLength(1);
		}));

	it('hides them in frames that were not analysed', () =>
		redacted({}, async (out) => expect(await greyAt(out, 12, 25)).toEqual(new Array(9).fill(true)), {
			sample: { frames: 9, every: 4 },
		}));
});

describe('is refused', () => {
	it('where nobody is chosen', () =>
		expect(redacted({ whom: 'chosen' }, async () => {})).rejects.toThrow(
			'numbers of objects were expected in "also"',
		));

	it.each([
		[{ whom: 'chosen', also: '99' }, '"also" (got 99, which is nobody\'s)'],
		[{ also: '1, 7-9' }, '"also" (got 7-9, which is nobody\'s)'],
		[{ except: '1b' }, '"except" (got 1b, which is nobody\'s)'],
	])('for numbers of nobody: %j', (settings, sentence) =>
		expect(redacted(settings, async () => {})).rejects.toThrow(sentence),
	);

	it('for frames of which nobody knows who is in them', () =>
		expect(
			redacted({}, async () => {}, {
				sample: { frames: 5, state: 'cancelled' },
				range: { from: { frame: 0 }, to: { frame: 8 }, every: 1 },
			}),
		).rejects.toThrow('the range must lie within what was analysed, frames 0 to 4 (got 0 to 8)'));
});

it('leaves neither clip nor list behind when it fails', () =>
	inTemporaryFolder(async (folder) => {
		const run = await storeSampleRun(join(folder, 'run'), { frames: 2 });
		const out = join(folder, 'redacted.mp4');
		await expect(
			redactedVideo.write({ runs: [run], labels: [''], out, range: null, settings: {} }),
		).rejects.toThrow();
		expect(existsSync(out) || existsSync(redactedVideo.companionOf!(out))).toBe(false);
	}));
