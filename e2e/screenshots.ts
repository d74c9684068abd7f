import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createCanvas, loadImage } from '@napi-rs/canvas';
import type { Page } from 'playwright-core';
import { launchApp, whyNot, type Launched } from './launch.ts';
import { analyse, goToFrame, openSample, untilComplete } from './person.ts';

/** Quality of the WebP pictures, 0 to 100: text stays sharp. */
const QUALITY = 88;
const SHOWN_FRAME = 96;

/** Takes screenshots of the main views at 1280 × 800 into `folder`. */
export async function takeScreenshots(folder: string): Promise<void> {
	const reason = whyNot('web');
	if (reason !== null) throw new Error(`No screenshots can be taken: ${reason}.`);
	mkdirSync(folder, { recursive: true });
	const app = await launchApp({ host: 'web', colorScheme: 'dark' });
	try {
		await photographAll(app, (name) => photograph(app.page, join(folder, `${name}.webp`)));
	} finally {
		await app.close();
	}
}

async function photographAll(app: Launched, take: (name: string) => Promise<void>): Promise<void> {
	const { page, videos } = app;
	await take('empty-dark');
	await page.emulateMedia({ colorScheme: 'light' });
	await take('empty-light');

	writeFileSync(join(videos, 'broken.mp4'), 'This is no video.');
	await app.openVideo('broken.mp4');
	await page.getByRole('alert').waitFor();
	await take('error-light');
	await page.getByRole('button', { name: 'Dismiss' }).click();

	await openSample(page);
	await analyse(page, 'Dense');
	await untilComplete(page);
	await page.getByRole('button', { name: 'Compare' }).click();
	await analyse(page, 'Token cache');
	await untilComplete(page);
	await goToFrame(page, SHOWN_FRAME);
	await page.getByRole('row', { name: /Agreement F1 – [01]/ }).waitFor();
	await take('comparing-light');
	await page.emulateMedia({ colorScheme: 'dark' });
	await take('comparing-dark');

	await page.getByRole('button', { name: 'Close pane 1' }).click();
	await take('watching-dark');
	await page.emulateMedia({ colorScheme: 'light' });
	await take('watching-light');

	await page.keyboard.press('Control+e');
	await page.getByRole('dialog').waitFor();
	await take('export-light');
	await page.keyboard.press('Escape');

	await page.keyboard.press('Control+,');
	await page.getByRole('combobox', { name: 'Language' }).selectOption('ja');
	await page.keyboard.press('Escape');
	await page.getByRole('dialog').waitFor({ state: 'detached' });
	await page.emulateMedia({ colorScheme: 'dark' });
	await take('watching-dark-ja');
}

async function photograph(page: Page, path: string): Promise<void> {
	await page.mouse.move(0, 0);
	await page.evaluate(() => document.fonts.ready);
	await page.waitForTimeout(400); // until transitions and the timeline have finished
	const picture = await loadImage(await page.screenshot());
	const canvas = createCanvas(picture.width, picture.height);
	canvas.getContext('2d').drawImage(picture, 0, 0);
	writeFileSync(path, await canvas.encode('webp', QUALITY));
	process.stdout.write(`${path} ${Math.round(statSync(path).size / 1000)} kB\n`);
}
