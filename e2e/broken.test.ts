import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ffmpeg } from './frames.ts';
import { launchApp, type Launched } from './launch.ts';
import { onEveryHost } from './on-hosts.ts';
import { analyse, newestRun, opened, openSample, SAMPLE, untilPainted } from './person.ts';

type Broken = { name: string; make: (path: string) => void; message: string; remedy: RegExp };

const BROKEN: Broken[] = [
	{
		name: 'noise.mp4',
		make: (path) => writeFileSync(path, randomBytes(50_000)),
		message: 'The file is not a video.',
		remedy: /Choose a video file|damaged|complete|again/,
	},
	{
		name: 'sound.mp4',
		make: (path) => void ffmpeg('-f', 'lavfi', '-i', 'sine=duration=1', '-c:a', 'aac', path),
		message: 'The file has no pictures, only other streams.',
		remedy: /video stream/,
	},
];

onEveryHost('open what is no video', (host) => {
	let app: Launched;
	beforeAll(async () => {
		app = await launchApp({ host });
		for (const { name, make } of BROKEN) make(join(app.videos, name));
	});
	afterAll(() => app?.close());

	it.each(BROKEN)('$name: says why and what to do', async ({ name, message, remedy }) => {
		await app.openVideo(name);
		const alert = app.page.getByRole('alert');
		await alert.getByRole('heading', { name: 'This video cannot be shown' }).waitFor();
		const text = await alert.innerText();
		expect(text).toContain(message);
		expect(text).toContain(name);
		expect(text.slice(text.indexOf(message) + message.length)).toMatch(remedy);
	});

	it('a file that was cut short says after its analysis how much of it there was', async () => {
		const whole = join(app.home, 'whole.mp4');
		ffmpeg('-i', SAMPLE, '-map', '0:v', '-c', 'copy', '-movflags', '+faststart', whole);
		const bytes = readFileSync(whole);
		writeFileSync(join(app.videos, 'short.mp4'), bytes.subarray(0, Math.round(0.4 * bytes.length)));
		await app.page.getByRole('button', { name: 'Dismiss' }).click();
		await app.openVideo('short.mp4');
		await opened(app.page);
		await analyse(app.page, 'Token cache');
		const notice = app.page.getByRole('status').filter({ hasText: 'damaged or cut short' });
		await notice.waitFor({ timeout: 120_000 });
		const { framesStored, decode } = (await newestRun(app)).status;
		expect(decode!.framesLost).toBe(150 - framesStored);
		expect(await notice.innerText()).toContain(`${decode!.framesLost} of 150 frames`);
		await notice.getByRole('button', { name: 'Dismiss' }).click();
		await notice.waitFor({ state: 'detached' });
		await app.page.keyboard.press('w');
	});

	if (host === 'web') {
		it('a file dropped on a browser is asked for by its name', async () => {
			await app.page.evaluate(() => {
				const dataTransfer = new DataTransfer();
				dataTransfer.items.add(new File(['x'], 'street.mp4'));
				window.dispatchEvent(new DragEvent('drop', { dataTransfer, cancelable: true }));
			});
			const dialog = app.page.getByRole('dialog', { name: 'Open a video' });
			expect(await dialog.getByRole('status').innerText()).toContain('street.mp4');
			await app.page.keyboard.press('Escape');
			await app.page.keyboard.press('Control+o');
			await dialog.getByRole('button', { name: 'videos', exact: true }).waitFor();
			expect(await dialog.getByRole('status').count()).toBe(0);
			await app.page.keyboard.press('Escape');
		});
	}

	it('goes on: another video opens', async () => {
		await openSample(app.page);
		await untilPainted(app.page, 0);
		expect(await app.page.getByRole('alert').count()).toBe(0);
	});
});
