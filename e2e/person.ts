import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { openRun, type StoredRun } from '../main/results/stored-run.ts';
import { ffmpeg } from './frames.ts';
import { ROOT, type Launched } from './launch.ts';

// What a user does and reads, by roles and names.

export const SAMPLE = join(ROOT, 'assets', 'samples', 'plaza.mp4');

/** How long an analysis may take on a busy machine. */
const ANALYSIS_MILLISECONDS = 170_000;

export async function openSample(page: Page): Promise<void> {
	await page.getByRole('button', { name: 'Open the sample' }).click();
	await page.getByRole('slider', { name: 'Position in the video' }).waitFor();
}

export async function analyse(page: Page, mode: string): Promise<void> {
	await page.getByRole('combobox', { name: 'Mode', exact: true }).selectOption({ label: mode });
	await page.getByRole('button', { name: /^Analyse/ }).click();
}

export async function untilComplete(page: Page): Promise<void> {
	await page.getByText(/^Complete · /).waitFor({ timeout: ANALYSIS_MILLISECONDS });
}

/** Analyses the open video from its start up to a frame, in mode token cache. */
export async function analyseUpTo(page: Page, frame: number): Promise<void> {
	await goToFrame(page, frame);
	await page.keyboard.press('o');
	await analyse(page, 'Token cache');
	await untilComplete(page);
}

/** Types a frame number into the dialog that G opens, and waits until that frame is painted. */
export async function goToFrame(page: Page, frame: number): Promise<void> {
	await page.keyboard.press('g');
	await page.getByRole('textbox', { name: 'Frame or time' }).fill(String(frame));
	await page.keyboard.press('Enter');
	await page.getByRole('dialog').waitFor({ state: 'detached' });
	await untilPainted(page, frame);
}

export async function untilPainted(page: Page, frame: number): Promise<void> {
	await page.locator(`[data-frame-index="${frame}"]`).waitFor();
}

/** The frame on screen according to the transport. */
export async function shownFrame(page: Page): Promise<number> {
	return Number(
		await page.getByRole('slider', { name: 'Position in the video' }).getAttribute('aria-valuenow'),
	);
}

/** The panel's counts of objects in the frame on screen: name → count. */
export async function readCounts(page: Page): Promise<Map<string, number>> {
	const items = await page.getByRole('list', { name: 'Objects' }).getByRole('listitem').allInnerTexts();
	const counts = items.map((text) => /^(\d+)\s*(.+)$/s.exec(text.trim())).filter((found) => found !== null);
	return new Map(counts.map(([, count, name]) => [name!.trim(), Number(count)]));
}

/** The same from the stored run: name → count of detections that are shown. */
export function storedCounts(run: StoredRun, frame: number): Map<string, number> {
	const { displayThresholds, model } = run.header;
	const detections = run.detections(run.positionOfFrame(frame));
	const counts = detections.scoredAtLeast(displayThresholds).countPerClass(model.classes.length);
	return new Map(
		[...counts].map((count, c) => [model.classes[c]!, count] as const).filter(([, count]) => count > 0),
	);
}

/** Folders of all stored runs, oldest first. */
export function runFolders({ home }: Launched): string[] {
	const runs = join(home, 'runs');
	return readdirSync(runs)
		.flatMap((video) => readdirSync(join(runs, video)).map((run) => join(runs, video, run)))
		.filter((folder) => existsSync(join(folder, 'run.json'))) // notes lie beside them
		.sort((a, b) => statSync(a).birthtimeMs - statSync(b).birthtimeMs);
}

/** The run that was started last. */
export function newestRun(app: Launched): Promise<StoredRun> {
	const folder = runFolders(app).at(-1);
	if (folder === undefined) throw new Error('A stored run was expected (there is none).');
	return openRun(folder);
}

/** The sample, repeated until it has `frames` frames; copied without re-encoding. */
export function makeLongClip({ videos }: Launched, name: string, frames: number): void {
	ffmpeg(
		'-stream_loop',
		'-1',
		'-i',
		SAMPLE,
		'-map',
		'0:v',
		'-c',
		'copy',
		'-frames:v',
		String(frames),
		join(videos, name),
	);
}

/** Waits for the workspace of a video. */
export async function opened(page: Page): Promise<void> {
	await page.getByRole('slider', { name: 'Position in the video' }).waitFor();
}

/** Waits until this many frames are done. */
export async function untilFramesDone(page: Page, frames: number): Promise<void> {
	await page.waitForFunction(
		(least) => {
			const text = document.querySelector('[role=toolbar]')?.textContent ?? '';
			return Number(/(\d+) of \d+ · /.exec(text)?.[1] ?? 0) >= least;
		},
		frames,
		{ timeout: ANALYSIS_MILLISECONDS },
	);
}
