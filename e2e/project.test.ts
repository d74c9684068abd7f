import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import { launchApp, whyNot, type Launched } from './launch.ts';
import { goToFrame, makeLongClip, opened, SAMPLE, shownFrame } from './person.ts';

/** The desktop asks by dialogs of the system; all else is the same. */
describe.skipIf(whyNot('web') !== null)('a project of two videos', () => {
	let app: Launched;
	let page: Page;
	beforeAll(async () => {
		app = await launchApp({ host: 'web', video: SAMPLE });
		page = app.page;
		makeLongClip(app, 'second.mp4', 60);
		await opened(page);
	});
	afterAll(() => app?.close());

	const title = (name: string) =>
		page.waitForFunction((wanted) => document.title.startsWith(wanted), name, { timeout: 15_000 });

	it('is saved under a name, and takes the next video that is opened', async () => {
		await goToFrame(page, 30);
		await page.keyboard.press('b');
		await page.keyboard.press('c');
		await page.keyboard.press('Control+s');
		await page.getByLabel('Name').fill('Square');
		await page.keyboard.press('Enter');
		await title('plaza.mp4 – Square');
		await app.openVideo('second.mp4');
		await title('• second.mp4 – Square');
		await goToFrame(page, 12);
		await title('second.mp4 – Square'); // saved by itself
	});

	it('opens where each was left', async () => {
		await page.keyboard.press('w');
		await page.keyboard.press('Control+Shift+O');
		await page.getByRole('dialog').getByRole('button', { name: 'Square' }).click();
		await title('second.mp4 – Square');
		await expect.poll(() => shownFrame(page)).toBe(12);
		await page.keyboard.press('Shift+PageDown');
		await title('plaza.mp4 – Square');
		await expect.poll(() => shownFrame(page)).toBe(30);
		expect(await page.locator('canvas').count()).toBeGreaterThanOrEqual(2);
		expect(await page.getByRole('checkbox', { name: 'Boxes' }).isChecked()).toBe(false);
	});

	it('stands among recent projects, on the empty page and in the list to open from', async () => {
		const recent = () => page.getByRole('region', { name: 'Recent projects' });
		await page.keyboard.press('Control+o');
		await recent().getByText('Square').waitFor();
		await page.keyboard.press('Escape');
		await page.getByRole('dialog').waitFor({ state: 'detached' });
		await page.keyboard.press('w');
		await page.getByRole('region', { name: 'Recent videos' }).getByText('second.mp4').waitFor();
		expect(await recent().getByRole('listitem').allInnerTexts()).toEqual([
			expect.stringMatching(/^Square\s+.*projects$/),
		]);
		await recent().getByText('Square').click();
		await title('plaza.mp4 – Square');
	});

	it('gives one up, and takes it back where it was left', async () => {
		await page.getByRole('button', { name: 'Take plaza.mp4 out of the project' }).click();
		await title('second.mp4 – Square'); // saved by itself
		expect(await page.getByRole('combobox', { name: 'Videos of the project' }).count()).toBe(0);
		await page.getByRole('button', { name: 'Put plaza.mp4 back' }).click();
		await title('plaza.mp4 – Square');
		await expect.poll(() => shownFrame(page)).toBe(30);
	});
});
