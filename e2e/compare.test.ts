import { afterAll, beforeAll, expect, it } from 'vitest';
import { closestFrame, decodedFrames, painted } from './frames.ts';
import { launchApp, type Launched } from './launch.ts';
import { onEveryHost } from './on-hosts.ts';
import { analyse, goToFrame, openSample, SAMPLE, untilComplete } from './person.ts';

const SEEKS = 40;
/** Enough for both panes to have something to say. */
const LAST_ANALYSED = 24;

onEveryHost('compare two panes', (host) => {
	let app: Launched;
	beforeAll(async () => {
		app = await launchApp({ host });
		const { page } = app;
		await openSample(page);
		await goToFrame(page, LAST_ANALYSED);
		await page.keyboard.press('o');
		await analyse(page, 'Dense');
		await untilComplete(page);
		await page.getByRole('button', { name: 'Compare' }).click();
		await analyse(page, 'Token cache');
		await untilComplete(page);
		await page.getByRole('button', { name: 'Clear the range' }).click();
	});
	afterAll(() => app?.close());

	it('the table sets one beside the other', async () => {
		const table = app.page.getByRole('table').filter({ hasText: 'Agreement F1' });
		const row = table.getByRole('row', { name: /Agreement F1/ });
		await expect.poll(() => row.innerText()).toMatch(/–\s+[01]\.\d{3}/);
		expect(await table.getByRole('row', { name: /^Frames/ }).innerText()).toMatch(/25\s+25/);
	});

	it(`both show the frame that the transport names, ${SEEKS} times`, async () => {
		const frames = decodedFrames(SAMPLE);
		const scrubber = app.page.getByRole('slider', { name: 'Position in the video' });
		const box = (await scrubber.boundingBox())!;
		const wrong: string[] = [];
		const seen = new Set<number>();
		for (const share of shares(SEEKS)) {
			await app.page.mouse.click(box.x + share * box.width, box.y + box.height / 2);
			const { frameIndex, panes } = await painted(app.page);
			seen.add(frameIndex);
			expect(panes).toHaveLength(2);
			panes.forEach((picture, pane) => {
				const closest = closestFrame(picture, frames, frameIndex);
				if (closest !== frameIndex) wrong.push(`pane ${pane + 1}: frame ${closest} instead of ${frameIndex}`);
			});
		}
		expect(wrong).toEqual([]);
		expect(seen.size).toBeGreaterThan(SEEKS / 3);
	});
});

/** Places from 0 to 1 in no order, the same every time. */
function shares(count: number): number[] {
	return Array.from({ length: count }, (_, i) => ((i + 1) * 0.6180339887) % 1);
}
