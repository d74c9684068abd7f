import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import type { FrameResult } from '../main/domain/frame-result.ts';
import type { StoredRun } from '../main/results/stored-run.ts';
import { RunWriter } from '../main/results/run-writer.ts';
import { identifyVideo, identityKey } from '../main/video/identity.ts';
import { ffmpeg } from './frames.ts';
import { launchApp, type Launched } from './launch.ts';
import { analyseUpTo, newestRun, opened, SAMPLE } from './person.ts';

/**
 * How long a project takes to open: from the click on its name until the frame and the run where it was left are on the screen, the first
 * time after a start and again, and until the counts are there, the first time.
 */
export type ProjectBench = {
	videos: number;
	framesPerRun: number;
	firstMs: number[];
	againMs: number[];
	countsMs: number[];
};

const PROJECTS = [
	{ videos: 20, frames: 10_000 },
	{ videos: 1, frames: 1_000_000 },
];
const STARTS = 5;
const MOST_OPENING_MILLISECONDS = 30_000;
/** Until the counts of a million frames are there, which follows their objects first. */
const MOST_MILLISECONDS = 180_000;
/** Of the real run whose frames are repeated, and the detections of each that are. */
const ANALYSED_FRAMES = 60;
const MOST_DETECTIONS = 3;

/** Projects of long videos, each with a run and a zone, left in the middle. */
export async function benchProjects(): Promise<ProjectBench[]> {
	const rows: ProjectBench[] = [];
	for (const size of PROJECTS) rows.push(await benchProject(size));
	return rows;
}

async function benchProject({ videos, frames }: (typeof PROJECTS)[number]): Promise<ProjectBench> {
	const home = mkdtempSync(join(tmpdir(), 'sparsight-bench-'));
	const bench: ProjectBench = { videos, framesPerRun: frames, firstMs: [], againMs: [], countsMs: [] };
	try {
		await inApp(home, async (app) => {
			await makeProject(app, videos, frames);
			await app.page.reload(); // the page knows the project as it was
			await openProject(app.page, frames / 2); // what is kept beside a run is written
		});
		for (let start = 0; start < STARTS; start++) {
			await inApp(home, async ({ page }) => {
				const first = await openProject(page, frames / 2);
				await page.reload();
				const again = await openProject(page, frames / 2);
				bench.firstMs.push(first.frameAndRunMs);
				bench.againMs.push(again.frameAndRunMs);
				bench.countsMs.push(first.countsMs);
			});
		}
		return bench;
	} finally {
		rmSync(home, { recursive: true, force: true });
	}
}

async function inApp(home: string, work: (app: Launched) => Promise<void>): Promise<void> {
	const app = await launchApp({ host: 'web', home });
	try {
		await work(app);
	} finally {
		await app.close();
	}
}

async function openProject(page: Page, frame: number): Promise<{ frameAndRunMs: number; countsMs: number }> {
	await page.getByRole('main').waitFor();
	await page.keyboard.press('Control+Shift+O');
	const project = page.getByRole('dialog').getByRole('button', { name: 'bench', exact: true });
	await project.waitFor();
	await watchArrival(page, frame);
	const started = performance.now();
	await project.click();
	const frameAndRunMs = await arrival(page);
	await page
		.getByRole('button', { name: /^Zone 1, person, stays: / })
		.waitFor({ timeout: MOST_MILLISECONDS });
	return { frameAndRunMs, countsMs: performance.now() - started };
}

type Arrival = { arrival: Promise<number> };

/**
 * From now on the page notes how many milliseconds after the next click a frame and the text of its complete run are both on the
 * screen: what asks from outside is answered late while the page works.
 */
async function watchArrival(page: Page, frame: number): Promise<void> {
	await page.evaluate(
		([wanted, mostMilliseconds]) => {
			let clickedAt = Number.NaN;
			addEventListener('click', ({ timeStamp }) => (clickedAt = timeStamp), { capture: true, once: true });
			const isThere = () =>
				document.querySelector(`[data-frame-index="${wanted}"]`) !== null &&
				(document.querySelector('main')?.textContent.includes('Complete · ') ?? false);
			(window as unknown as Arrival).arrival = new Promise((resolve, reject) => {
				setTimeout(() => reject(new Error('The project did not open.')), mostMilliseconds);
				const observer = new MutationObserver(() => {
					if (!isThere()) return;
					observer.disconnect();
					// Painted with the next frame, whose callbacks come before it.
					requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - clickedAt)));
				});
				observer.observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
			});
		},
		[frame, MOST_OPENING_MILLISECONDS] as const,
	);
}

function arrival(page: Page): Promise<number> {
	return page.evaluate(() => (window as unknown as Arrival).arrival);
}

/** Draws on the first video and saves a project of it by hand; the others are made of its file and its run. */
async function makeProject(app: Launched, count: number, frames: number): Promise<void> {
	const { page, home, videos } = app;
	const code = ['-an', '-c:v', 'libx264', '-preset', 'veryfast', '-crf', '36', '-g', '50'];
	const short = join(home, 'short.mp4');
	ffmpeg('-i', SAMPLE, ...code, short);
	for (let i = 0; i < count; i++) makeVideo(short, join(videos, nameOf(i)), nameOf(i), frames);
	await app.openVideo(nameOf(0));
	await opened(page);
	await analyseUpTo(page, ANALYSED_FRAMES);
	await page.keyboard.press('z');
	const box = (await page.locator('canvas').first().boundingBox())!;
	for (const [x, y] of [[0.1, 0.3], [0.6, 0.3], [0.6, 0.9], [0.1, 0.9], [0.1, 0.3]] as const) await page.mouse.click(box.x + x * box.width, box.y + y * box.height); // prettier-ignore
	await page.getByRole('button', { name: 'Zone Zone 1' }).waitFor();
	await page.keyboard.press('Control+s');
	await page.getByRole('textbox', { name: 'Name', exact: true }).fill('bench');
	await page.keyboard.press('Enter');
	await page.waitForFunction(() => document.title.includes('– bench'));
	const path = join(home, 'projects', 'bench.sparsight');
	const project = JSON.parse(readFileSync(path, 'utf8')) as {
		videos: {
			path: string;
			identity: unknown;
			view: { frame: number; seconds: number; range: (number | null)[]; panes: { runId: string }[] };
			zones: unknown;
		}[];
	};
	const run = await newestRun(app);
	const [first] = project.videos;
	project.videos = await Promise.all(
		Array.from({ length: count }, async (_, i) => {
			const video = structuredClone(first!);
			video.path = join(videos, nameOf(i));
			const { identity, seconds } = await repeatRun(run, app, i, frames);
			video.identity = identity;
			video.view.frame = frames / 2;
			video.view.seconds = seconds;
			video.view.range = [null, null];
			for (const pane of video.view.panes) pane.runId = runIdOf(i);
			return video;
		}),
	);
	writeFileSync(path, JSON.stringify(project));
}

const nameOf = (i: number) => `video-${i}.mp4`;
const runIdOf = (i: number) => `20260101-000000-token-cache-${String(i).padStart(8, '0')}`;

function makeVideo(from: string, path: string, title: string, frames: number): void {
	const copied = ['-map', '0:v', '-c', 'copy', '-frames:v', String(frames), '-metadata', `title=${title}`];
	ffmpeg('-stream_loop', '-1', '-i', from, ...copied, path);
}

/** Stores the frames of a run over and over under the identity of another video; gives that, and the time of its middle. */
async function repeatRun(
	run: StoredRun,
	{ home, videos }: Launched,
	i: number,
	frames: number,
): Promise<{ identity: unknown; seconds: number }> {
	const path = join(videos, nameOf(i));
	const identity = await identifyVideo(path);
	const parent = join(home, 'runs', identityKey(identity));
	mkdirSync(parent, { recursive: true });
	const video = { ...run.header.video, path, fileBytes: identity.fileBytes, estimatedFrames: frames };
	const header = { ...run.header, video, videoIdentity: identity };
	const writer = await RunWriter.create(join(parent, runIdOf(i)), header);
	// Maps alone would take gigabytes.
	const results = Array.from(run.results(), ({ maps, detections, ...rest }): FrameResult => {
		return { ...rest, detections: detections.filter((row) => row < MOST_DETECTIONS) };
	});
	const secondsPerFrame = 1 / (run.header.video.nominalFramesPerSecond ?? 25);
	for (let frame = 0; frame < frames; frame++) {
		const result = results[frame % results.length]!;
		await writer.append({ ...result, frameIndex: frame, timeSeconds: frame * secondsPerFrame });
	}
	await writer.close('complete', { decode: null, error: null, wallSeconds: 100, state: null });
	return { identity, seconds: (frames / 2) * secondsPerFrame };
}
