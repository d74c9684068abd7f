import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openRun } from '../main/results/stored-run.ts';
import { closestFrame, decodedFrames, painted } from './frames.ts';
import { launchApp, type Launched } from './launch.ts';
import { onEveryHost } from './on-hosts.ts';
import { chooseListed } from './open-dialog.ts';
import { analyse, goToFrame, openSample, runFolders, SAMPLE, shownFrame, untilComplete } from './person.ts';

const SEEKS = 40;
/** Enough for both panes to have something to say. */
const LAST_ANALYSED = 24;
/** Where the truth has somebody whom no run can find. */
const UNSEEN_AT = 10;

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

	it('beside a ground truth, boxes are marked, and U goes to what was missed', async () => {
		const { page, host } = app;
		const path = join(app.videos, 'people.txt');
		writeFileSync(path, await truthWithOneMore(app));
		if (host === 'electron') await app.answerDialogs(path);
		await page.getByRole('button', { name: 'Ground truth …' }).click();
		if (host === 'web') await chooseListed(page, 'people.txt');
		await page.getByRole('button', { name: 'Truth: people.txt' }).waitFor();
		await page.getByRole('group', { name: 'Boxes beside ground truth' }).first().waitFor();
		const row = page.getByRole('row', { name: /^AP at IoU/ });
		await expect.poll(() => row.innerText()).toMatch(/[01]\.\d{3}\s+[01]\.\d{3}/);

		// The second pane may have missed others on the way.
		await goToFrame(page, 0);
		const visited: number[] = [];
		while (!visited.includes(UNSEEN_AT) && visited.length <= LAST_ANALYSED) {
			await page.keyboard.press('u');
			visited.push(await shownFrame(page));
		}
		expect(visited).toContain(UNSEEN_AT);
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

/** What the dense run shows of people, as a file in MOT format, and one more whom nobody can see. */
async function truthWithOneMore(app: Launched): Promise<string> {
	const run = await openRun(runFolders(app)[0]!);
	const { displayThresholds, model } = run.header;
	const person = model.classes.indexOf('person');
	const lines = [`${UNSEEN_AT + 1},99,2,2,40,90,1,1,1`];
	for (let frame = 0; frame <= LAST_ANALYSED; frame++) {
		const { boxesXyxy, classIndices } = run.detections(frame).scoredAtLeast(displayThresholds);
		for (const [i, index] of classIndices.entries()) {
			if (index !== person) continue;
			const [left, top, right, bottom] = boxesXyxy.subarray(4 * i, 4 * i + 4);
			lines.push([frame + 1, i + 1, left, top, right! - left!, bottom! - top!, 1, 1, 1].join());
		}
	}
	return lines.join('\n');
}

/** Places from 0 to 1 in no order, the same every time. */
function shares(count: number): number[] {
	return Array.from({ length: count }, (_, i) => ((i + 1) * 0.6180339887) % 1);
}
