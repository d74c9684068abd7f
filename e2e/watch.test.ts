import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tokenCells } from '../main/domain/overlay-geometry.ts';
import { bitmapHas, SELECTION_KINDS } from '../main/domain/tokens.ts';
import { launchApp, type Launched } from './launch.ts';
import { onEveryHost } from './on-hosts.ts';
import {
	analyse,
	goToFrame,
	newestRun,
	openSample,
	readCounts,
	shownFrame,
	storedCounts,
	untilComplete,
} from './person.ts';
import type { StoredRun } from '../main/results/stored-run.ts';

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

	/** Where the tokens of the picture lie on the overlay. */
	async function centres(): Promise<Centre[]> {
		const size = await app.page.locator('canvas.overlay').evaluate((canvas) => {
			const { width, height } = canvas as HTMLCanvasElement;
			return { width, height };
		});
		const { grid, letterbox } = run.header;
		const { xs, ys } = tokenCells(grid!, letterbox, size);
		const found: Centre[] = [];
		for (let row = 0; row < grid!.rows; row++) {
			for (let col = 0; col < grid!.cols; col++) {
				if (xs[col + 1]! - xs[col]! < 2 || ys[row + 1]! - ys[row]! < 2) continue; // beyond the picture
				const x = Math.floor((xs[col]! + xs[col + 1]!) / 2);
				found.push({ x, y: Math.floor((ys[row]! + ys[row + 1]!) / 2), token: row * grid!.cols + col });
			}
		}
		expect(found.length).toBeGreaterThan(1000);
		return found;
	}
});

type Centre = { x: number; y: number; token: number };

/** The tokens at whose centre the overlay is not transparent. */
async function marked(app: Launched, centres: Centre[]): Promise<number[]> {
	const points = centres.map(({ x, y }) => [x, y] as const);
	const painted = await app.page.evaluate((at) => {
		const canvas = document.querySelector<HTMLCanvasElement>('canvas.overlay')!;
		const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
		return at.map(([x, y]) => data[4 * (y * canvas.width + x) + 3]! > 0);
	}, points);
	return centres.filter((_, i) => painted[i]).map(({ token }) => token);
}
