import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ffmpeg } from './frames.ts';
import { launchApp, type Launched } from './launch.ts';
import { onEveryHost } from './on-hosts.ts';
import { openSample, untilPainted } from './person.ts';

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

	it('goes on: another video opens', async () => {
		await app.page.getByRole('button', { name: 'Dismiss' }).click();
		await openSample(app.page);
		await untilPainted(app.page, 0);
		expect(await app.page.getByRole('alert').count()).toBe(0);
	});
});
