import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { tokenCells } from '../main/domain/overlay-geometry.ts';
import type { StoredRun } from '../main/results/stored-run.ts';

// Reads what the overlay paints on single tokens.

/** The centre of a token's cell, in pixels of the overlay. */
export type Centre = { x: number; y: number; token: number };

/** The centres of all cells in the picture on the overlay, from the geometry of `run`. */
export async function tokenCentres(page: Page, { header }: StoredRun): Promise<Centre[]> {
	const size = await page.locator('canvas.overlay').evaluate((canvas) => {
		const { width, height } = canvas as HTMLCanvasElement;
		return { width, height };
	});
	const grid = header.grid;
	const { xs, ys } = tokenCells(grid, header.letterbox, size);
	const found: Centre[] = [];
	for (let row = 0; row < grid.rows; row++) {
		for (let col = 0; col < grid.cols; col++) {
			if (xs[col + 1]! - xs[col]! < 2 || ys[row + 1]! - ys[row]! < 2) continue; // outside the picture
			const x = Math.floor((xs[col]! + xs[col + 1]!) / 2);
			found.push({ x, y: Math.floor((ys[row]! + ys[row + 1]!) / 2), token: row * grid.cols + col });
		}
	}
	expect(found.length).toBeGreaterThan(1000);
	return found;
}

/** The overlay's red, green, blue and opacity, 0 to 255, at each position. */
export function overlayColours(page: Page, places: readonly Centre[]): Promise<number[][]> {
	const points = places.map(({ x, y }) => [x, y] as const);
	return page.evaluate((at) => {
		const canvas = document.querySelector<HTMLCanvasElement>('canvas.overlay')!;
		const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
		return at.map(([x, y]) => {
			const first = 4 * (y * canvas.width + x);
			return [...data.subarray(first, first + 4)];
		});
	}, points);
}
