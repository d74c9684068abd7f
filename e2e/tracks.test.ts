import { strFromU8, unzipSync } from 'fflate';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import { launchApp, type Launched } from './launch.ts';
import { onEveryHost } from './on-hosts.ts';
import { SAMPLE, analyseUpTo, goToFrame, opened, shownFrame } from './person.ts';

const LAST_ANALYSED = 30;
const SPLIT_AT = 20;

onEveryHost('tracks by hand', (host) => {
	let app: Launched;
	let page: Page;
	beforeAll(async () => {
		app = await launchApp({ host, video: SAMPLE });
		page = app.page;
		await opened(page);
		await analyseUpTo(page, LAST_ANALYSED);
		await page.getByRole('tab', { name: 'Tracks' }).click();
	});
	afterAll(() => app?.close());

	const rows = () => page.getByRole('listbox', { name: 'Objects that were followed' });
	const selected = () => rows().getByRole('option', { selected: true });
	const name = () => page.getByRole('textbox', { name: /^Name of #/ });

	it('are selected by a click on a box, named, and split', async () => {
		await goToFrame(page, SPLIT_AT);
		const picture = (await page.locator('canvas').first().boundingBox())!;
		// Somebody is somewhere: rows and columns of the picture are tried until a box is hit.
		const places = Array.from({ length: 300 }, (_, i) => [(i % 20) + 0.5, Math.floor(i / 20) + 0.5] as const);
		for (const [x, y] of places) {
			await page.mouse.click(picture.x + (x / 20) * picture.width, picture.y + (y / 15) * picture.height);
			if ((await selected().count()) > 0) break;
		}
		await page.keyboard.press('F2');
		await page.keyboard.type('Courier');
		await page.keyboard.press('Enter');
		await rows().getByRole('option', { name: /^Courier, .* frames \d+ to \d+/ }).waitFor(); // prettier-ignore
		await page.keyboard.press('s');
		await rows().getByRole('option', { name: new RegExp(`^#\\d+b, .* frames ${SPLIT_AT} to`) }).waitFor(); // prettier-ignore
	});

	it('are taken back one by one, and a key of the list goes to where one begins', async () => {
		await page.keyboard.press('Control+z');
		await expect
			.poll(() =>
				rows()
					.getByRole('option', { name: /^#\d+b,/ })
					.count(),
			)
			.toBe(0);
		const first = Number(/frames (\d+)/.exec((await selected().getAttribute('title'))!)![1]);
		await rows().focus();
		await page.keyboard.press('Enter');
		await expect.poll(() => shownFrame(page)).toBe(first);
	});

	it('keep their names when the page is loaded anew', async () => {
		await page.reload();
		await rows().getByRole('option', { name: /^Courier,/ }).click(); // prettier-ignore
		expect(await name().inputValue()).toBe('Courier');
	});

	it('are shown by their best pictures, which lead to their frames and are handed on', async () => {
		await page.getByRole('button', { name: 'Pictures' }).click();
		const pictures = page.getByRole('listbox', { name: 'Best picture of every object' });
		await pictures.locator('canvas').first().waitFor();
		await pictures.focus();
		for (const key of ['Home', 'ArrowDown', 'ArrowRight', 'Enter']) await page.keyboard.press(key);
		const chosen = pictures.getByRole('option', { selected: true });
		const [, who, frame] = /^(.+?), .* frame (\d+), /.exec((await chosen.getAttribute('aria-label'))!)!;
		await expect.poll(() => shownFrame(page)).toBe(Number(frame));
		await page.getByText('Hand the pictures on').click();
		const path = await app.saved(() => page.getByRole('button', { name: /^Pictures, table and sheet/ }).click()); // prettier-ignore
		const files = unzipSync(await readFile(path));
		const table = strFromU8(files['objects.csv']!).split('\r\n').map((line) => line.split(',')); // prettier-ignore
		const row = table.find(([identity, name]) => name === who || `#${identity}` === who)!;
		expect(row[6]).toBe(frame);
		expect(Object.keys(files)).toContain(row.at(-1));
	});
});
