import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import type { StoredRun } from '../main/results/stored-run.ts';
import { launchApp, type Launched } from './launch.ts';
import { onEveryHost } from './on-hosts.ts';
import { analyse, goToFrame, newestRun, openSample, shownFrame, untilComplete } from './person.ts';

const FRAMES = 150;
const ANALYSED = 40;

/** Where on the screen a frame stands while the timeline shows all of them. */
async function placeOf(page: Page, frame: number): Promise<{ x: number; y: number }> {
	const plot = (await page.getByRole('application').boundingBox())!;
	return { x: plot.x + ((frame + 0.5) / FRAMES) * plot.width, y: plot.y + 8 };
}

async function pointAt(page: Page, frame: number): Promise<void> {
	const { x, y } = await placeOf(page, frame);
	await page.mouse.move(x, y, { steps: 3 });
}

onEveryHost('read the timeline', (host) => {
	let app: Launched;
	let page: Page;
	let run: StoredRun;
	beforeAll(async () => {
		app = await launchApp({ host });
		page = app.page;
		await openSample(page);
		await goToFrame(page, ANALYSED - 1);
		await page.keyboard.press('o');
		await analyse(page, 'Token cache');
		await untilComplete(page);
		await page.keyboard.press('x');
		run = await newestRun(app);
	});
	afterAll(() => app?.close());

	/** As the page writes it: three figures. */
	const figures = (value: number) => new RegExp(`\\b${value.toPrecision(3).replace('.', '\\.')}`);

	it('by pointing: operations beside milliseconds of the frame below', async () => {
		await pointAt(page, 24);
		const text = await page.getByRole('tooltip').innerText();
		const at = run.positionOfFrame(24);
		expect(text).toMatch(/^24\b/);
		expect(text).toMatch(figures(run.frames.macs[at]! / 1e9));
		expect(text).toContain(' ms');
		expect(text).toContain(String(run.frames.selectedTokens[at]!));
	});

	it('a click goes there', async () => {
		const { x, y } = await placeOf(page, 30);
		await page.mouse.click(x, y);
		await expect.poll(() => shownFrame(page)).toBe(30);
	});

	it('a drag marks a range', async () => {
		await pointAt(page, 10);
		await page.mouse.down();
		await pointAt(page, 20);
		await page.mouse.up();
		await page.getByRole('button', { name: 'In 10' }).waitFor();
		await page.getByRole('button', { name: 'Out 20' }).waitFor();
		expect(await shownFrame(page)).toBe(30);
		await page.keyboard.press('x');
	});

	it('the wheel looks closer at what it is over, and 0 shows everything', async () => {
		await page.getByText(`frames 0–${FRAMES - 1}`).waitFor();
		await pointAt(page, 30);
		await page.mouse.wheel(0, -600);
		const range = page.getByText(/^frames \d+–\d+$/);
		await expect.poll(() => range.innerText()).not.toBe(`frames 0–${FRAMES - 1}`);
		const [from, to] = (await range.innerText()).match(/\d+/g)!.map(Number);
		expect(from).toBeLessThanOrEqual(30);
		expect(to).toBeGreaterThanOrEqual(30);
		expect(to! - from!).toBeLessThan(FRAMES / 2);
		await page.getByRole('application').press('0');
		await page.getByText(`frames 0–${FRAMES - 1}`).waitFor();
	});

	it('as a table, whose frames can be gone to', async () => {
		await page.getByRole('button', { name: 'Show the values as a table' }).click();
		const row = page.getByRole('row', { name: /^12 / });
		const text = await row.innerText();
		expect(text).toMatch(figures(run.frames.macs[run.positionOfFrame(12)]! / 1e9));
		await row.getByRole('button', { name: '12' }).click();
		await expect.poll(() => shownFrame(page)).toBe(12);
		await page.getByRole('button', { name: 'Show the values as a table' }).click();
	});

	it('at the height that it was left with', async () => {
		const height = () => page.getByRole('separator', { name: 'Height of the timeline' });
		const before = Number(await height().getAttribute('aria-valuenow'));
		await height().press('ArrowUp');
		await page.reload();
		await openSample(page);
		expect(Number(await height().getAttribute('aria-valuenow'))).toBe(before + 16);
	});
});
