import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closestFrame, decodedFrames, ffmpeg, painted } from './frames.ts';
import { launchApp, type Launched } from './launch.ts';
import { onEveryHost } from './on-hosts.ts';
import { analyse, goToFrame, newestRun, opened, untilComplete, untilPainted } from './person.ts';

/** Of Debian's package opencv-doc: MPEG-4 by Microsoft in AVI, which no browser plays. */
const VTEST = '/usr/share/doc/opencv-doc/examples/data/vtest.avi';
const FRAMES = 40;

if (existsSync(VTEST)) onEveryHost('play what the page cannot decode', steps);
else {
	process.stderr.write('Skipped: play what the page cannot decode: opencv-doc is not installed.\n');
	describe.skip('play what the page cannot decode: opencv-doc is not installed', () => steps('web'));
}

function steps(host: 'web' | 'electron'): void {
	let app: Launched;
	let path: string;
	beforeAll(async () => {
		app = await launchApp({ host });
		path = join(app.videos, 'vtest.avi');
		ffmpeg('-i', VTEST, '-map', '0:v', '-c', 'copy', '-frames:v', String(FRAMES), path);
		await app.openVideo('vtest.avi');
		await opened(app.page);
	});
	afterAll(() => app?.close());

	it('the page says that it plays a copy', async () => {
		await app.page
			.getByRole('status')
			.filter({ hasText: /a copy made with ffmpeg is played instead, frame for frame/ })
			.waitFor();
		await untilPainted(app.page, 0);
	});

	it('frame for frame what ffmpeg decodes', async () => {
		const frames = decodedFrames(path);
		expect(frames).toHaveLength(FRAMES);
		const last = await app.page
			.getByRole('slider', { name: 'Position in the video' })
			.getAttribute('aria-valuemax');
		expect(last).toBe(String(FRAMES - 1));
		const closest: number[] = [];
		const asked = [FRAMES - 1, 0, 23, 24, 22, 11, 13, 12, 7, 31];
		for (const frame of asked) {
			await goToFrame(app.page, frame);
			const { panes } = await painted(app.page);
			closest.push(closestFrame(panes[0]!, frames, frame));
		}
		expect(closest).toEqual(asked);
	});

	it('the analysis reads the file itself', async () => {
		await analyse(app.page, 'Token cache');
		await untilComplete(app.page);
		const run = await newestRun(app);
		expect(run.header.video.path).toBe(path);
		expect(run.frameCount).toBe(FRAMES);
	});
}
