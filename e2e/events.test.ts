import { readFile } from 'node:fs/promises';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import { launchApp, type Launched } from './launch.ts';
import { onEveryHost } from './on-hosts.ts';
import { SAMPLE, analyseUpTo, opened, shownFrame } from './person.ts';

/** Enough for people to cross the middle of the picture. */
const LAST_ANALYSED = 60;

onEveryHost('events', (host) => {
	let app: Launched;
	let page: Page;
	beforeAll(async () => {
		app = await launchApp({ host, video: SAMPLE });
		page = app.page;
		await opened(page);
		await analyseUpTo(page, LAST_ANALYSED);
	});
	afterAll(() => app?.close());

	const found = () => page.getByRole('listbox', { name: 'Events found' }).getByRole('option');
	/** The frame that a row's name ends with. */
	const frameOf = async (row: number) =>
		Number(/frame (\d+)$/.exec((await found().nth(row).getAttribute('title'))!)![1]);

	it('are listed without any zone, and lead to their frames', async () => {
		await page.getByRole('tab', { name: 'Events' }).click();
		await page.getByText('Without zones, only who appears').waitFor();
		await page.getByLabel('Kind', { exact: true }).selectOption('disappeared');
		const frame = await frameOf(0);
		await found().first().click();
		await expect.poll(() => shownFrame(page)).toBe(frame);
		expect(await found().first().getAttribute('aria-selected')).toBe('true');
	});

	it('at a line are searched, and E goes from one to the next', async () => {
		await page.getByRole('button', { name: 'Draw a line' }).click();
		await page.getByRole('tabpanel').getByRole('status').getByRole('button').click(); // in the middle
		await page.getByRole('tab', { name: 'Events' }).click();
		await page.getByLabel('Kind', { exact: true }).selectOption('crossed');
		await page.getByLabel('Class', { exact: true }).selectOption('person');
		await page.getByLabel('Place', { exact: true }).selectOption('Line 1');
		await page.getByRole('option', { name: /crossed (for|back)wards Line 1, person #\d+/ }).first().waitFor(); // prettier-ignore
		await page.getByRole('listbox', { name: 'Events found' }).focus();
		await page.keyboard.press('Home');
		await page.keyboard.press('Enter');
		const frame = await frameOf(0);
		await expect.poll(() => shownFrame(page)).toBe(frame);
		await page.keyboard.press('Shift+E');
		await page.keyboard.press('e');
		expect(await shownFrame(page)).toBeGreaterThanOrEqual(frame);
	});

	it('become clips, named by what happened', async () => {
		await page.getByText('Clips and tables of what is found').click();
		const path = await app.saved(() => page.getByRole('button', { name: 'Clip of the chosen event' }).click()); // prettier-ignore
		const names = Object.keys(unzipSync(await readFile(path)));
		expect(names).toEqual([
			expect.stringMatching(/^plaza-00h00m0\d\.\d00s-crossed-Line 1\.mp4$/),
			'events.csv',
		]);
	});

	it('lie under a map of where everybody has been, which becomes a picture', async () => {
		await page.getByLabel('Show where they have been').check();
		const path = await app.saved(() => page.getByRole('button', { name: 'Save this map as a picture' }).click()); // prettier-ignore
		expect((await readFile(path)).subarray(1, 4).toString()).toBe('PNG');
	});
});
