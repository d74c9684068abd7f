import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ffmpeg } from './frames.ts';
import { launchApp, type Launched } from './launch.ts';
import { onEveryHost } from './on-hosts.ts';
import { opened, SAMPLE, untilPainted } from './person.ts';

type Heard = { heard: { loudest: number; gain: number }[] };

onEveryHost('hear the sound of a video', (host) => {
	let app: Launched;
	beforeAll(async () => {
		app = await launchApp({ host });
		const tone = ['-f', 'lavfi', '-i', 'sine=frequency=440:duration=15'];
		ffmpeg(
			'-i',
			SAMPLE,
			...tone,
			'-c:v',
			'copy',
			'-c:a',
			'libopus',
			'-shortest',
			join(app.videos, 'tone.mkv'),
		);
		await app.openVideo('tone.mkv');
		await opened(app.page);
		await untilPainted(app.page, 0);
		// What is handed to the audio device: how loud it is, and whether it comes through.
		await app.page.evaluate(() => {
			const heard: Heard['heard'] = [];
			(window as unknown as Heard).heard = heard;
			const { connect, start } = AudioBufferSourceNode.prototype;
			const ways = new WeakMap<AudioBufferSourceNode, GainNode>();
			AudioBufferSourceNode.prototype.connect = function (this: AudioBufferSourceNode, to: AudioNode) {
				ways.set(this, to as GainNode);
				return connect.call(this, to as never);
			} as typeof connect;
			AudioBufferSourceNode.prototype.start = function (...times) {
				const loudest = Math.max(...this.buffer!.getChannelData(0));
				heard.push({ loudest, gain: ways.get(this)!.gain.value });
				start.apply(this, times);
			};
		});
	});
	afterAll(() => app?.close());

	const heard = () => app.page.evaluate(() => (window as unknown as Heard).heard.splice(0));

	it('is heard while it plays, and not when it is muted', async () => {
		const { page } = app;
		await page.keyboard.press('Space');
		await expect
			.poll(async () => (await heard()).some(({ loudest, gain }) => loudest > 0.05 && gain === 1))
			.toBe(true);
		await page.keyboard.press('m');
		await page.getByRole('button', { name: 'Mute', pressed: true }).waitFor();
		await expect.poll(async () => (await heard()).at(-1)?.gain).toBe(0);
		await page.keyboard.press('m');
		await page.keyboard.press('Space');
	});

	it('is left out at other speeds', async () => {
		const { page } = app;
		await page.keyboard.press('Home');
		await untilPainted(page, 0);
		await page.keyboard.press('l');
		await page.keyboard.press('l'); // twice the speed
		await page.getByText('2×', { exact: true }).waitFor();
		await untilLater();
		await heard();
		await untilLater();
		expect(await heard()).toEqual([]);
	});

	/** Until the picture has moved on by some frames. */
	async function untilLater(): Promise<void> {
		const stage = app.page.locator('[data-frame-index]');
		const frame = async () => Number(await stage.getAttribute('data-frame-index'));
		const before = await frame();
		await expect.poll(frame).toBeGreaterThan(before + 8);
	}
});
