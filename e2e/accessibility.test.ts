import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import axe, { type AxeResults } from 'axe-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import { launchApp, type Launched } from './launch.ts';
import { onEveryHost } from './on-hosts.ts';
import { analyse, goToFrame, openSample, untilComplete, untilPainted } from './person.ts';

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
