import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import { launchApp, type Launched } from './launch.ts';
import { onEveryHost } from './on-hosts.ts';
import { SAMPLE, analyseUpTo, opened, shownFrame } from './person.ts';

/** Enough for people to walk from the picture's right half into the zone. */
const LAST_ANALYSED = 40;

onEveryHost('zones and lines', (host) => {
	let app: Launched;
	let page: Page;
	beforeAll(async () => {
		app = await launchApp({ host, video: SAMPLE });
		page = app.page;
		await opened(page);
		await analyseUpTo(page, LAST_ANALYSED);
	});
	afterAll(() => app?.close());

	const corner = () => page.getByRole('button', { name: 'Zone 1: corner 1' });
	const place = async () =>
		[await corner().getAttribute('cx'), await corner().getAttribute('cy')].map(Number);

	it('are drawn with the mouse', async () => {
		const box = (await page.locator('canvas').first().boundingBox())!;
		const click = (x: number, y: number) => page.mouse.click(box.x + x * box.width, box.y + y * box.height);
		await page.keyboard.press('z');
		for (const [x, y] of [[0.1, 0.3], [0.6, 0.3], [0.6, 0.9], [0.1, 0.9], [0.1, 0.3]] as const) await click(x, y); // prettier-ignore
		await page.keyboard.press('Shift+Z');
		await click(0.7, 0.05);
		await click(0.5, 0.95);
		await page.getByRole('button', { name: 'Zone Zone 1' }).waitFor();
		await page.getByRole('button', { name: 'Line Line 1' }).waitFor();
	});

	it('are moved by keys, and back', async () => {
		await page.getByRole('button', { name: 'Zone Zone 1' }).focus();
		await corner().focus();
		const [x, y] = await place();
		await page.keyboard.press('ArrowRight');
		await page.keyboard.press('Shift+ArrowDown');
		expect(await place()).toEqual([x! + 1, y! + 10]);
		await page.keyboard.press('Control+z');
		expect(await place()).toEqual([x! + 1, y]);
	});

	it('are there after the page was loaded anew, with counts that lead to their frames', async () => {
		const before = await place();
		await page.waitForTimeout(500); // until the last change is stored
		await page.reload();
		await page.getByRole('button', { name: 'Zone Zone 1' }).focus();
		expect(await place()).toEqual(before);
		await page.getByRole('button', { name: /^Zone 1, person, stays: [1-9]/ }).click();
		const moment = page
			.getByRole('listitem')
			.getByRole('button', { name: /^frame \d+ · #\d+/ })
			.first();
		const frame = Number(/\d+/.exec(await moment.innerText())![0]);
		await moment.click();
		await expect.poll(() => shownFrame(page)).toBe(frame);
	});
});
