import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { median } from '../bench/machine.ts';
import { ffmpeg } from './frames.ts';
import { launchApp, whyNot, type Launched } from './launch.ts';
import { benchProjects, type ProjectBench } from './project-bench.ts';
import { analyse, makeLongClip, newestRun, opened, SAMPLE, untilComplete, untilPainted } from './person.ts';

/** Waiting times, and how smooth the page stays. Milliseconds, frames per second, bytes. */
export type PageBench = {
	firstPageMs: number[];
	longVideo: { frames: number; megabytes: number; firstFrameMs: number[]; analysisStartMs: number[] };
	whileAnalysing: { framesPerSecond: number; slowestFrameMs: number; longTasksMs: number[] };
	whilePlayingToo: { framesPerSecond: number; slowestFrameMs: number; longTasksMs: number[] };
	socketBytesPerFrame: number;
	projects: ProjectBench[];
};

const ROUNDS = 3;
const LONG_FRAMES = 90_000;
const ANALYSED_FRAMES = 200;

/** Measures the built application in a browser; if there is none, says why not. */
export async function benchPage(
	say: (text: string) => void = () => {},
): Promise<PageBench | { skipped: string }> {
	const reason = whyNot('web');
	if (reason !== null) return { skipped: reason };
	const firstPageMs: number[] = [];
	for (let round = 0; round < ROUNDS; round++) {
		const app = await launchApp({ host: 'web' });
		firstPageMs.push(app.pageMilliseconds);
		await app.close();
	}
	say(`first pages: ${rounded(firstPageMs)} ms`);
	const projects = await benchProjects();
	for (const { framesPerRun, firstMs, againMs, countsMs } of projects)
		say(
			`a project, ${framesPerRun} frames: after a start ${rounded(firstMs)} ms, again ${rounded(againMs)} ms, with counts ${rounded(countsMs)} ms`,
		);
	const app = await launchApp({ host: 'web' });
	try {
		const longVideo = await benchLongVideo(app);
		const { firstFrameMs, analysisStartMs } = longVideo;
		say(`an hour: first frames ${rounded(firstFrameMs)} ms, starts ${rounded(analysisStartMs)} ms`);
		return { firstPageMs, projects, longVideo, ...(await benchSmoothness(app)) };
	} finally {
		await app.close();
	}
}

function rounded(values: readonly number[]): string {
	return values.map((value) => value.toFixed(0)).join(', ');
}

/** The measurements, with the targets beside them. */
export function describePageBench(result: PageBench): string[] {
	const { longVideo, whileAnalysing, whilePlayingToo, projects } = result;
	const smooth = ({ framesPerSecond, slowestFrameMs, longTasksMs }: PageBench['whileAnalysing']) =>
		`${framesPerSecond.toFixed(0)} fps, slowest frame ${slowestFrameMs.toFixed(0)} ms, ` +
		`${longTasksMs.length} tasks above 50 ms${longTasksMs.length ? ` (longest ${Math.max(...longTasksMs).toFixed(0)})` : ''}`;
	return [
		`first page after start     ${median(result.firstPageMs).toFixed(0)} ms (target 1500)`,
		...projects.map(
			({ videos, framesPerRun, firstMs, againMs, countsMs }) =>
				`a project opens            ${median(firstMs).toFixed(0)} ms (target 1000), again ${median(againMs).toFixed(0)} ms, ` +
				`with counts ${median(countsMs).toFixed(0)} ms; videos: ${videos}, frames of each run: ${framesPerRun}`,
		),
		`first frame of an hour     ${median(longVideo.firstFrameMs).toFixed(0)} ms (target 1000), ` +
			`1080p, ${longVideo.frames} frames, ${longVideo.megabytes.toFixed(0)} MB`,
		`start of its analysis      ${median(longVideo.analysisStartMs).toFixed(0)} ms (target 2000)`,
		`while analysing            ${smooth(whileAnalysing)} (target 50 fps, none above 50 ms)`,
		`while playing, too         ${smooth(whilePlayingToo)}`,
		`bytes to the page a frame  ${result.socketBytesPerFrame.toFixed(0)} (target 8000)`,
	];
}

async function benchLongVideo(app: Launched): Promise<PageBench['longVideo']> {
	const { page, videos, home } = app;
	const short = join(home, 'short.mp4');
	const path = join(videos, 'hour.mp4');
	const code = ['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '34', '-g', '50'];
	ffmpeg('-i', SAMPLE, '-vf', 'scale=1920:1080,fps=25', ...code, short);
	ffmpeg('-stream_loop', '-1', '-i', short, '-c', 'copy', '-frames:v', String(LONG_FRAMES), path);
	const firstFrameMs: number[] = [];
	const analysisStartMs: number[] = [];
	for (let round = 0; round < ROUNDS; round++) {
		await page.keyboard.press('Control+o');
		const dialog = page.getByRole('dialog');
		await dialog.getByRole('button', { name: 'videos', exact: true }).click();
		const entry = dialog.getByRole('button', { name: 'hour.mp4', exact: true });
		await entry.waitFor();
		let started = performance.now();
		await entry.click();
		await untilPainted(page, 0);
		firstFrameMs.push(performance.now() - started);
		await page.getByRole('combobox', { name: 'Mode', exact: true }).selectOption({ label: 'Token cache' });
		started = performance.now();
		await page.getByRole('button', { name: /^Analyse/ }).click();
		await page.getByText(/^[1-9]\d* (of [\d,]+|frames) · /).waitFor();
		analysisStartMs.push(performance.now() - started);
		await page.getByRole('button', { name: 'Stop' }).click();
		await page.getByText(/^Stopped after/).waitFor();
		await page.getByRole('button', { name: 'Runs of this video' }).click();
		await page.getByRole('button', { name: 'Delete' }).click();
		await page.getByRole('button', { name: 'Delete' }).first().click();
		await page.keyboard.press('Escape');
	}
	return { frames: LONG_FRAMES, megabytes: statSync(path).size / 1e6, firstFrameMs, analysisStartMs };
}

async function benchSmoothness(
	app: Launched,
): Promise<Pick<PageBench, 'whileAnalysing' | 'whilePlayingToo' | 'socketBytesPerFrame'>> {
	const { page } = app;
	makeLongClip(app, 'long.mp4', ANALYSED_FRAMES);
	// A socket can only be observed from its beginning.
	let bytes = 0;
	page.on('websocket', (socket) => {
		socket.on('framereceived', ({ payload }) => (bytes += payload.length));
	});
	await page.reload();
	await page.getByRole('main').waitFor();
	await app.openVideo('long.mp4');
	await opened(page);
	await untilPainted(page, 0);
	const runs: PageBench['whileAnalysing'][] = [];
	let perFrame = 0;
	for (const playing of [false, true]) {
		bytes = 0;
		if (playing) await page.keyboard.press('Space');
		await watchFrames(page);
		await analyse(page, 'Token cache');
		await page.getByText(/^Complete · /).waitFor({ state: 'detached' });
		await untilComplete(page);
		runs.push(await readFrames(page));
		if (!playing) perFrame = bytes / (await newestRun(app)).frameCount;
	}
	return { whileAnalysing: runs[0]!, whilePlayingToo: runs[1]!, socketBytesPerFrame: perFrame };
}

type Watch = { deltas: number[]; tasks: number[]; going: boolean };
type Watched = { watch: Watch };

/** Starts recording when the page paints, and what blocks it. */
async function watchFrames(page: Page): Promise<void> {
	await page.evaluate(() => {
		const watch: Watch = { deltas: [], tasks: [], going: true };
		(window as unknown as Watched).watch = watch;
		let last = performance.now();
		const tick = (now: number) => {
			watch.deltas.push(now - last);
			last = now;
			if (watch.going) requestAnimationFrame(tick);
		};
		requestAnimationFrame(tick);
		const observer = new PerformanceObserver((list) => {
			watch.tasks.push(...list.getEntries().map(({ duration }) => duration));
		});
		observer.observe({ entryTypes: ['longtask'] });
	});
}

async function readFrames(page: Page): Promise<PageBench['whileAnalysing']> {
	const { deltas, tasks } = await page.evaluate(() => {
		const { watch } = window as unknown as Watched;
		watch.going = false;
		return watch;
	});
	const total = deltas.reduce((sum, delta) => sum + delta, 0);
	return {
		framesPerSecond: (1000 * deltas.length) / total,
		slowestFrameMs: Math.max(...deltas),
		longTasksMs: tasks,
	};
}
