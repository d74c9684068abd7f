import { afterAll, beforeAll, expect, it } from 'vitest';
import type { StoredRun } from '../main/results/stored-run.ts';
import { launchApp, type Launched } from './launch.ts';
import { onEveryHost } from './on-hosts.ts';
import { makeLongClip, newestRun, opened, untilComplete, untilFramesDone } from './person.ts';

const FRAMES = 300;

onEveryHost('move the budget during a run', (host) => {
	let app: Launched;
	let run: StoredRun;
	beforeAll(async () => {
		app = await launchApp({ host });
		const { page } = app;
		makeLongClip(app, 'long.mp4', FRAMES);
		await app.openVideo('long.mp4');
		await opened(page);
		await page.getByRole('combobox', { name: 'Mode', exact: true }).selectOption({ label: 'Token cache' });
		await page.getByRole('button', { name: 'Settings of this mode' }).click();
		await page.getByRole('combobox', { name: 'Policy' }).selectOption({ label: 'Most changed share' });
		await page.keyboard.press('Escape');
		const budget = page.getByRole('toolbar').getByRole('slider', { name: 'Share of tokens' });
		await budget.press('End');
		await page.getByRole('button', { name: 'Analyse' }).click();
		await untilFramesDone(page, 25);
		await budget.press('Home');
		await untilComplete(page);
		run = await newestRun(app);
	});
	afterAll(() => app?.close());

	it('the change is recorded with the frame that it holds from', () => {
		expect(run.header.settings).toMatchObject({ policy: 'fraction', fraction: 1 });
		const last = run.events.at(-1);
		expect(last?.settings).toMatchObject({ fraction: 0.005 });
		expect(last?.frameIndex).toBeGreaterThan(0);
		expect(last?.frameIndex).toBeLessThan(FRAMES);
	});

	it('the change can be read on the timeline', async () => {
		const { frameIndex } = run.events.at(-1)!;
		const plot = (await app.page.getByRole('application').boundingBox())!;
		await app.page.mouse.move(plot.x + ((frameIndex + 0.5) / FRAMES) * plot.width, plot.y + 8, { steps: 3 });
		const read = app.page.getByRole('tooltip');
		await expect
			.poll(() => read.innerText())
			.toMatch(new RegExp(`^${frameIndex}\\b[^]*Share of tokens\\s+0.5%`));
	});

	it('every frame after it costs less than the frames before it did', () => {
		const { frameIndex, selectedTokens, macs } = run.frames;
		const from = run.events.at(-1)!.frameIndex;
		const tokens = run.header.grid.rows * run.header.grid.cols;
		const partial = [...frameIndex.keys()].filter((i) => selectedTokens[i]! < tokens);
		const before = partial.filter((i) => frameIndex[i]! < from).map((i) => macs[i]!);
		const after = partial.filter((i) => frameIndex[i]! >= from).map((i) => macs[i]!);
		const usual = before.reduce((sum, each) => sum + each, 0) / before.length;
		expect(before.length).toBeGreaterThan(10);
		expect(after.length).toBeGreaterThan(10);
		expect(Math.max(...after)).toBeLessThan(usual);
	});

	it('the panel reads the same cost', async () => {
		await app.page.getByRole('slider', { name: 'Position in the video' }).press('End');
		const panel = app.page.getByRole('tabpanel', { name: 'Measurements' });
		const read = async () => Number(/([\d.]+) \/ [\d.]+ GMAC/.exec(await panel.innerText())?.[1]);
		const stored = run.frames.macs.at(-1)! / 1e9;
		// Two figures and a bit are shown.
		await expect.poll(async () => Math.abs((await read()) / stored - 1)).toBeLessThan(0.05);
	});
});
