import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Locator } from 'playwright-core';
import { ffprobe } from './frames.ts';
import { launchApp, type Launched } from './launch.ts';
import { onEveryHost } from './on-hosts.ts';
import { analyseUpTo, goToFrame, newestRun, openSample } from './person.ts';

const FROM = 30;
const TO = 59;
const LAST_ANALYSED = 69;
const LOWEST_SCORE = 0.25;

onEveryHost('export a range', (host) => {
	let app: Launched;
	beforeAll(async () => {
		app = await launchApp({ host });
		const { page } = app;
		await openSample(page);
		await analyseUpTo(page, LAST_ANALYSED);
		await goToFrame(page, FROM);
		await page.keyboard.press('i');
		await goToFrame(page, TO);
		await page.keyboard.press('o');
		await page.keyboard.press('Shift+t');
		await page.getByRole('textbox', { name: 'Date and time of the first frame' }).fill('2026-06-18 14:00:00');
		await page.getByRole('combobox', { name: 'Time zone' }).fill('Europe/London');
		await page.getByRole('button', { name: 'Keep' }).click();
		await page.getByText('2026-06-18 14:00:05.900').waitFor();
		await page.keyboard.press('Control+e');
	});
	afterAll(() => app?.close());

	function save(
		format: RegExp,
		change: (dialog: Locator) => Promise<void> = async () => {},
	): Promise<string> {
		const dialog = app.page.getByRole('dialog', { name: 'Export' });
		return app.saved(async () => {
			const choice = dialog.getByRole('combobox', { name: 'Format' });
			const option = choice.getByRole('option', { name: format });
			await choice.selectOption(await option.getAttribute('value'));
			await dialog.getByRole('radio', { name: `Marked range (${FROM} to ${TO})` }).check();
			await change(dialog);
			await dialog.getByRole('button', { name: 'Export', exact: true }).click();
		});
	}

	it('as an annotated clip: the frames of the range at their own pace', async () => {
		const { codec, frames, timesSeconds } = ffprobe(await save(/Annotated/));
		expect(codec).toBe('h264');
		expect(frames).toBe(TO - FROM + 1);
		const pace = timesSeconds.slice(1).map((time, i) => Math.round(1000 * (time - timesSeconds[i]!)));
		expect(new Set(pace)).toEqual(new Set([100])); // the sample has 10 frames a second
	});

	it('as a redacted clip, with the list of what was done', async () => {
		const { frames } = ffprobe(await save(/^Redacted/));
		expect(frames).toBe(TO - FROM + 1);
		if (host === 'electron') return; // there the list lies beside the clip
		const download = app.page.waitForEvent('download');
		await app.page.getByRole('link', { name: 'What goes with it' }).first().click();
		const list = JSON.parse(readFileSync(await (await download).path(), 'utf8')) as { hidden: unknown[] };
		expect(list.hidden.length).toBeGreaterThan(0);
	});

	it('as CSV: a line for every box of the range with the score that was asked for', async () => {
		const path = await save(/^CSV/, async (dialog) => {
			await dialog.getByRole('combobox', { name: 'Detections' }).selectOption({ label: 'From a score on' });
			const score = dialog.getByRole('spinbutton', { name: 'Lowest score' });
			await score.fill(String(100 * LOWEST_SCORE));
			await score.press('Tab');
		});
		const [head, ...lines] = readFileSync(path, 'utf8').trim().split(/\r?\n/);
		const recorded = head!.split(',').indexOf('recorded_at');
		expect(lines[0]!.split(',')[recorded]).toBe('2026-06-18T14:00:03.000+01:00'); // frame 30 of ten a second
		const column = head!.split(',').indexOf('frame');
		expect(column).toBeGreaterThanOrEqual(0);
		const perFrame = new Map<number, number>();
		for (const line of lines) {
			const frame = Number(line.split(',')[column]);
			perFrame.set(frame, (perFrame.get(frame) ?? 0) + 1);
		}
		const run = await newestRun(app);
		const expected = new Map<number, number>();
		for (let frame = FROM; frame <= TO; frame++) {
			const boxes = run
				.detections(run.positionOfFrame(frame))
				.scores.filter((score) => score >= LOWEST_SCORE).length;
			if (boxes > 0) expected.set(frame, boxes);
		}
		expect(expected.size).toBeGreaterThan(0);
		expect(perFrame).toEqual(expected);
	});
});
