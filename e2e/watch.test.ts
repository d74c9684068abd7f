import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bitmapHas, SELECTION_KINDS } from '../main/domain/tokens.ts';
import { launchApp, type Launched } from './launch.ts';
import { onEveryHost } from './on-hosts.ts';
import {
	analyse,
	goToFrame,
	makeLongClip,
	newestRun,
	openSample,
	readCounts,
	shownFrame,
	storedCounts,
	untilComplete,
} from './person.ts';
import type { StoredRun } from '../main/results/stored-run.ts';
import { overlayColours, tokenCentres, type Centre } from './token-cells.ts';

onEveryHost('open, analyse, watch', (host) => {
	let app: Launched;
	let run: StoredRun;
	beforeAll(async () => {
		app = await launchApp({ host });
		await openSample(app.page);
		await analyse(app.page, 'Token cache');
		await untilComplete(app.page);
		run = await newestRun(app);
	});
	afterAll(() => app?.close());

	it('the run is stored whole', () => {
		expect(run.status.state).toBe('complete');
		expect([...run.frames.frameIndex]).toEqual(Array.from({ length: 150 }, (_, i) => i));
	});

	it.each([0, 37, 149])('frame %i: the boxes counted on screen are those stored', async (frame) => {
		await goToFrame(app.page, frame);
		expect(await readCounts(app.page)).toEqual(storedCounts(run, frame));
	});

	it('a step shows the next frame and its own count', async () => {
		await goToFrame(app.page, 80);
		await app.page.getByRole('button', { name: 'Next frame' }).click();
		await expect.poll(() => shownFrame(app.page)).toBe(81);
		await expect.poll(() => readCounts(app.page)).toEqual(storedCounts(run, 81));
	});

	describe('the token map', () => {
		beforeAll(async () => {
			await app.page.getByRole('checkbox', { name: 'Boxes' }).uncheck();
			await app.page.getByRole('radio', { name: 'this frame' }).check({ force: true });
		});

		it.each([12, 75])('of frame %i shows exactly the stored selection', async (frame) => {
			await goToFrame(app.page, frame);
			const position = run.positionOfFrame(frame);
			const bitmap = run.bitmap(position);
			const selected = (await centres()).filter(({ token }) => bitmapHas(bitmap, token));
			expect(selected.length).toBeGreaterThan(10);
			expect(run.frames.selectedTokens[position]).toBeGreaterThanOrEqual(selected.length);
			await expect.poll(async () => marked(app, await centres())).toEqual(selected.map(({ token }) => token));
		});

		it('of a full frame is a line around the picture instead of a tint all over it', async () => {
			expect(SELECTION_KINDS[run.frames.kind[0]!]).toBe('flush');
			await goToFrame(app.page, 0);
			const inside = (await centres()).filter(({ x, y }) => x > 100 && x < 400 && y > 100 && y < 300);
			expect(inside.length).toBeGreaterThan(50);
			await expect.poll(() => marked(app, [{ x: 1, y: 1, token: 0 }])).toEqual([0]);
			expect(await marked(app, inside)).toEqual([]);
		});
	});

	it('goes to a frame of a long video before all those before it are known', async () => {
		const last = 11_999;
		makeLongClip(app, 'long.mp4', last + 1);
		await app.openVideo('long.mp4');
		await app.page.waitForFunction(() => document.title.startsWith('long.mp4'));
		await goToFrame(app.page, last);
		expect(await shownFrame(app.page)).toBe(last);
	});

	const centres = () => tokenCentres(app.page, run);
});

/** The tokens at whose centre the overlay is not transparent. */
async function marked(app: Launched, places: Centre[]): Promise<number[]> {
	const colours = await overlayColours(app.page, places);
	return places.filter((_, i) => colours[i]![3]! > 0).map(({ token }) => token);
}
