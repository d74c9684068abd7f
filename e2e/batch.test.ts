import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import { ffmpeg } from './frames.ts';
import { launchApp, type Launched } from './launch.ts';
import { onEveryHost } from './on-hosts.ts';
import { opened, SAMPLE } from './person.ts';

onEveryHost('many videos', (host) => {
	let app: Launched;
	let page: Page;
	beforeAll(async () => {
		app = await launchApp({ host });
		page = app.page;
		for (const [name, frames, scale] of [
			['one', 3, 'null'], // as large as people have to be to be found
			['two', 60, 'scale=160:120'],
		] as const)
			ffmpeg('-i', SAMPLE, '-frames:v', String(frames), '-vf', scale, join(app.videos, `${name}.mp4`));
		writeFileSync(join(app.videos, 'broken.mp4'), 'no video');
	});
	afterAll(() => app?.close());

	const rows = async () => (await page.locator('ol > li').allInnerTexts()).map((text) => text.split('\n')[0]);
	const button = (name: string) => page.getByRole('dialog').getByRole('button', { name, exact: true });

	it('are listed in two ways, and put in order by keys', async () => {
		await page.keyboard.press('Shift+B');
		if (host === 'web') {
			await button('videos').click();
			await button('All videos in this folder').click();
		} else {
			await app.answerDialogs(app.videos);
			await button('Folder …').click();
		}
		await page.getByText('3 chosen').waitFor();
		await page.getByRole('combobox', { name: 'Mode', exact: true }).selectOption({ label: 'Dense' });
		await button('Another way').click();
		await page
			.getByRole('combobox', { name: 'Mode', exact: true })
			.last()
			.selectOption({ label: 'Token cache' });
		await button('Add 6 to the list').click();
		await expect.poll(rows).toEqual(['broken.mp4', 'one.mp4', 'two.mp4', 'broken.mp4', 'one.mp4', 'two.mp4']);
		await button('Remove broken.mp4, Token cache').click();
		await expect.poll(rows).toHaveLength(5);
		await button('Move two.mp4, Dense').focus();
		await page.keyboard.press('Alt+ArrowUp');
		await page.keyboard.press('Alt+ArrowUp');
		await expect.poll(rows).toEqual(['two.mp4', 'broken.mp4', 'one.mp4', 'one.mp4', 'two.mp4']);
	});

	it('have no table to save before one of them is done, and it is said why', async () => {
		await page.keyboard.press('Escape');
		await page.keyboard.press('Shift+O');
		await page.getByText('Nothing can be saved yet: no analysis of the list is done.').waitFor();
		for (const name of ['Save as CSV …', 'Save as JSON lines …'])
			expect(await button(name).isDisabled()).toBe(true);
		await page.keyboard.press('Escape');
		await page.keyboard.press('Shift+B');
	});

	it('are paused, gone on with, and opened when they are done; what failed is said', async () => {
		await button('Start').click();
		await page.getByText(/^[1-9]\d* of 60 · /).waitFor({ timeout: 60_000 });
		await button('Pause').click();
		await button('Start').waitFor();
		await page.getByText(/^waits, \d+ frames done$/).waitFor();
		await button('Start').click();
		await page.getByText('4 of 5 done, 1 failed').waitFor({ timeout: 100_000 });
		await page.locator('ol').getByText('The file is not a video').waitFor();
		await button('All objects …').click();
		await page.getByRole('listbox', { name: 'Objects' }).getByRole('option').first().waitFor();
		await page.getByText('Not in the table, or not all of it: 1').waitFor();
		expect(await button('Save as CSV …').isEnabled()).toBe(true);
		await page.getByRole('combobox', { name: 'Video', exact: true }).selectOption({ label: 'one.mp4' });
		await page.getByRole('listbox', { name: 'Objects' }).focus();
		await page.keyboard.press('End');
		await page.keyboard.press('Enter');
		await opened(page);
		await expect.poll(() => page.title()).toContain('one.mp4');
		await page.keyboard.press('Shift+B');
		await button('Open two.mp4, Token cache').click();
		await expect.poll(() => page.title()).toContain('two.mp4');
		await page.getByText(/^Complete · /).waitFor();
	});
});
