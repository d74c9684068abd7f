import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import { launchApp, type Launched } from './launch.ts';
import { onEveryHost } from './on-hosts.ts';
import { opened, shownFrame, untilComplete, untilPainted } from './person.ts';

onEveryHost('the keyboard alone', (host) => {
	let app: Launched;
	let page: Page;
	beforeAll(async () => {
		app = await launchApp({ host });
		page = app.page;
	});
	afterAll(() => app?.close());

	it('opens the sample', async () => {
		await tabTo(page, 'Open the sample');
		await page.keyboard.press('Enter');
		await opened(page);
		await untilPainted(page, 0);
	});

	it('analyses it', async () => {
		await page.keyboard.press('Control+Enter');
		await untilComplete(page);
	});

	it('plays and pauses', async () => {
		await page.keyboard.press('Space');
		await page.getByRole('button', { name: 'Pause' }).waitFor();
		await expect.poll(() => shownFrame(page)).toBeGreaterThan(1);
		await page.keyboard.press('Space');
		await page.getByRole('button', { name: 'Play', exact: true }).waitFor();
	});

	it('goes to a frame and steps from it', async () => {
		await page.keyboard.press('g');
		await page.getByRole('dialog', { name: 'Go to' }).waitFor();
		await page.keyboard.type('50');
		await page.keyboard.press('Enter');
		await untilPainted(page, 50);
		await page.keyboard.press('ArrowRight');
		await untilPainted(page, 51);
		await page.keyboard.press('ArrowLeft');
		await page.keyboard.press('ArrowLeft');
		await untilPainted(page, 49);
		await page.keyboard.press('End');
		await untilPainted(page, 149);
		await page.keyboard.press('Home');
		await untilPainted(page, 0);
	});

	it('marks a range, and exports it by a dialog that keeps the focus', async () => {
		await page.keyboard.press('Shift+ArrowRight');
		await untilPainted(page, 10);
		await page.keyboard.press('i');
		await page.keyboard.press('Shift+ArrowRight');
		await untilPainted(page, 20);
		await page.keyboard.press('o');
		await page.keyboard.press('Control+e');
		const dialog = page.getByRole('dialog', { name: 'Export' });
		await dialog.getByRole('radio', { name: 'Marked range (10 to 20)' }).waitFor();
		for (let i = 0; i < 30; i++) {
			await page.keyboard.press('Tab');
			expect(await dialog.evaluate((element) => element.contains(document.activeElement))).toBe(true);
		}
		await page.keyboard.press('Escape');
		await dialog.waitFor({ state: 'detached' });
	});

	it('shows all keys', async () => {
		await page.keyboard.press('?');
		const dialog = page.getByRole('dialog', { name: 'All keys' });
		await dialog.getByText('Play or pause').waitFor();
		await page.keyboard.press('Escape');
		await dialog.waitFor({ state: 'detached' });
	});

	it('makes room for the picture, and takes it back', async () => {
		const picture = page.locator('canvas').first();
		const width = async () => (await picture.boundingBox())!.width;
		const usual = await width();
		await page.keyboard.press('p');
		await page.getByRole('tablist', { name: 'Side panel' }).waitFor({ state: 'detached' });
		await page.keyboard.press('h');
		await page.getByRole('region', { name: 'Timeline' }).waitFor({ state: 'detached' });
		await expect.poll(width).toBeGreaterThan(1.3 * usual);
		await page.keyboard.press('p');
		await page.keyboard.press('h');
		await expect.poll(width).toBe(usual);
		await page.keyboard.press('f');
		await expect.poll(width).toBeGreaterThan(1.3 * usual);
		await page.keyboard.press('Escape');
		await expect.poll(width).toBe(usual);
	});

	it('turns boxes and the token map', async () => {
		const boxes = page.getByRole('checkbox', { name: 'Boxes' });
		const before = await boxes.isChecked();
		await page.keyboard.press('b');
		await expect.poll(() => boxes.isChecked()).toBe(!before);
		const choices = page.getByRole('radiogroup', { name: 'Tokens' }).locator('input');
		const chosen = () =>
			page.getByRole('radiogroup', { name: 'Tokens' }).locator('input:checked').inputValue();
		// The run was made by a network with a scorer: its map is a choice beside the three of every run.
		await expect.poll(() => choices.count()).toBe(4);
		const kinds = new Set([await chosen()]);
		for (let press = 0; press < 3; press++) {
			const last = await chosen();
			await page.keyboard.press('t');
			await expect.poll(chosen).not.toBe(last);
			kinds.add(await chosen());
		}
		expect(kinds).toEqual(new Set(['off', 'frame', 'history', 'relevance']));
	});
});

/** Presses Tab until the control of that name has the focus. */
async function tabTo(page: Page, name: string): Promise<void> {
	for (let presses = 0; presses < 40; presses++) {
		await page.keyboard.press('Tab');
		const focused = await page.evaluate(() => {
			const element = document.activeElement;
			return element?.getAttribute('aria-label') ?? element?.textContent?.trim();
		});
		if (focused === name) return;
	}
	throw new Error(`Tab never came to "${name}".`);
}
