import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import axe, { type AxeResults } from 'axe-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import { ffmpeg } from './frames.ts';
import { launchApp, type Launched } from './launch.ts';
import { onEveryHost } from './on-hosts.ts';
import { analyse, goToFrame, openSample, SAMPLE, untilComplete, untilPainted } from './person.ts';

type View = {
	name: string;
	enter: (app: Launched) => Promise<void>;
	leave: (app: Launched) => Promise<void>;
};

const escape = async ({ page }: Launched) => {
	await page.keyboard.press('Escape');
	await page.getByRole('dialog').waitFor({ state: 'detached' });
};
const dialog = (name: string, key: string): View => ({
	name,
	enter: async ({ page }) => {
		await page.keyboard.press(key);
		await page.getByRole('dialog').waitFor();
	},
	leave: escape,
});
/** A tab of the side panel, by its place, with something in its list. */
const panel = (name: string, at: number): View => ({
	name,
	enter: async ({ page }) => {
		await page.getByRole('tab').nth(at).click();
		const first = page.getByRole('tabpanel').getByRole('listbox').getByRole('option').first();
		await first.click();
		await page.getByRole('tabpanel').locator('[aria-selected="true"]').first().waitFor();
	},
	leave: ({ page }) => page.getByRole('tab').first().click(),
});
const nothing = () => Promise.resolve();

/** In this order: each leaves the page as it found it, until the video is closed. */
const VIEWS: View[] = [
	{ name: 'watching', enter: nothing, leave: nothing },
	{
		name: 'settings of the mode',
		enter: async ({ page }) => {
			await page.getByRole('toolbar').getByRole('button').first().click();
			await page.getByRole('dialog').waitFor();
		},
		leave: escape,
	},
	{
		name: 'comparing',
		enter: async ({ page }) => {
			await page.keyboard.press('c');
			await page.getByRole('table').first().waitFor();
		},
		leave: ({ page }) => page.keyboard.press('Shift+C'),
	},
	{
		name: 'zones',
		enter: async ({ page }) => {
			await page.keyboard.press('z');
			await page.getByRole('tabpanel').getByRole('status').getByRole('button').click(); // in the middle
			await page.locator('[data-shape]').waitFor();
		},
		leave: async ({ page }) => {
			await page.keyboard.press('Delete');
			await page.getByRole('tab').first().click();
		},
	},
	panel('events', 2),
	panel('tracks', 3),
	{
		name: 'many videos',
		enter: async ({ page }) => {
			await page.keyboard.press('Shift+B');
			await page.getByRole('dialog').locator('li[draggable]').first().waitFor();
		},
		leave: escape,
	},
	{
		name: 'objects of all videos',
		enter: async ({ page }) => {
			await page.keyboard.press('Shift+O');
			await page.getByRole('listbox').getByRole('option').first().waitFor();
		},
		leave: escape,
	},
	dialog('all keys', '?'),
	dialog('go to', 'g'),
	dialog('runs', 'r'),
	dialog('models', 'Shift+M'),
	dialog('export', 'Control+e'),
	dialog('settings', 'Control+,'),
	dialog('open', 'Control+o'),
	{
		name: 'error',
		enter: async (app) => {
			await app.openVideo('noise.mp4');
			await app.page.getByRole('alert').waitFor();
		},
		leave: nothing,
	},
	{
		name: 'empty',
		enter: async ({ page }) => {
			await page.getByRole('alert').getByRole('button').last().click(); // dismisses the error
			await page.getByRole('alert').waitFor({ state: 'detached' });
		},
		leave: async ({ page }) => {
			await page.getByRole('main').getByRole('button').nth(1).click(); // the sample, in any language
			await untilPainted(page, 0);
		},
	},
];

onEveryHost('for everyone', (host) => {
	let app: Launched;
	beforeAll(async () => {
		app = await launchApp({ host });
		writeFileSync(join(app.videos, 'noise.mp4'), 'no video');
		await openSample(app.page);
		await goToFrame(app.page, 4);
		await app.page.keyboard.press('o');
		await analyse(app.page, 'Token cache');
		await untilComplete(app.page);
		await analyseInBatch(app);
	});
	afterAll(() => app?.close());

	// Words do not depend on colours: each language and each theme once.
	describe.each([
		{ language: 'en', theme: 'light' },
		{ language: 'ja', theme: 'dark' },
	])('$language, $theme', ({ language, theme }) => {
		beforeAll(async () => {
			await app.page.keyboard.press('Control+,');
			const choices = app.page.getByRole('dialog').getByRole('combobox');
			await choices.nth(0).selectOption(theme);
			await choices.nth(1).selectOption(language);
			await escape(app);
			expect(await app.page.locator('html').getAttribute('lang')).toBe(language);
		});

		it.each(VIEWS)('$name: nothing serious', async ({ enter, leave }) => {
			await enter(app);
			try {
				expect(await seriousViolations(app.page)).toEqual([]);
			} finally {
				await leave(app);
			}
		});
	});
});

/** Fills the list of many videos: with one that is done, and one that failed. */
async function analyseInBatch(app: Launched): Promise<void> {
	const { page, videos, host } = app;
	ffmpeg('-i', SAMPLE, '-frames:v', '4', join(videos, 'short.mp4'));
	await page.keyboard.press('Shift+B');
	const button = (name: string | RegExp) => page.getByRole('dialog').getByRole('button', { name });
	if (host === 'web') {
		await button('videos').click();
		await button('All videos in this folder').click();
	} else {
		await app.answerDialogs(videos);
		await button('Folder …').click();
	}
	await button('Add 2 to the list').click();
	await button('Start').click();
	await page.getByText('1 of 2 done, 1 failed').waitFor({ timeout: 60_000 });
	await escape(app);
}

/** What axe-core finds serious or critical, with the elements that it means. */
async function seriousViolations(page: Page): Promise<string[]> {
	await page.evaluate(axe.source);
	const { violations, passes } = await page.evaluate(() =>
		(window as unknown as { axe: { run: (options: object) => Promise<AxeResults> } }).axe.run({
			resultTypes: ['violations'],
		}),
	);
	expect(passes.length).toBeGreaterThan(5); // it has looked at the page
	return violations
		.filter(({ impact }) => impact === 'serious' || impact === 'critical')
		.flatMap(({ id, nodes }) =>
			nodes.map(
				({ target, any, html }) =>
					`${id}: ${target.join(' ')} ${any[0]?.message ?? ''} ${html.slice(0, 120)}`,
			),
		);
}
