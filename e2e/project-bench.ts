import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FrameResult } from '../main/domain/frame-result.ts';
import type { StoredRun } from '../main/results/stored-run.ts';
import { RunWriter } from '../main/results/run-writer.ts';
import { identifyVideo } from '../main/video/identity.ts';
import { ffmpeg } from './frames.ts';
import { launchApp, type Launched } from './launch.ts';
import { analyseUpTo, newestRun, opened, SAMPLE, untilPainted } from './person.ts';

/** How long a project takes to open: from the click on its name to the frame, the run and the counts where it was left. */
export type ProjectBench = {
	videos: number;
	framesPerRun: number;
	frameAndRunMs: number[];
	countsMs: number[];
};

const VIDEOS = 20;
const FRAMES = 10_000;
/** Where it was left. */
const LEFT_AT = 5000;
const ROUNDS = 5;
/** Of the real run whose frames are repeated. */
const ANALYSED_FRAMES = 60;

/** A project of long videos, each with a run, two zones and a line; opened by pages that are loaded anew. */
export async function benchProject(): Promise<ProjectBench> {
	const app = await launchApp({ host: 'web' });
	try {
		await makeProject(app);
		const frameAndRunMs: number[] = [];
		const countsMs: number[] = [];
		for (let round = 0; round < ROUNDS; round++) {
			const { page } = app;
			await page.reload();
			await page.getByRole('main').waitFor();
			await page.keyboard.press('Control+Shift+O');
			const project = page.getByRole('button', { name: 'bench' });
			await project.waitFor();
			const started = performance.now();
			await project.click();
			await Promise.all([untilPainted(page, LEFT_AT), page.getByText(/^Complete · /).waitFor()]);
			frameAndRunMs.push(performance.now() - started);
			await page.getByRole('button', { name: /^Zone 1, person, stays: / }).waitFor();
			countsMs.push(performance.now() - started);
		}
		return { videos: VIDEOS, framesPerRun: FRAMES, frameAndRunMs, countsMs };
	} finally {
		await app.close();
	}
}

/** Draws on the first video and saves a project of it by hand; the others are made of its file and its run. */
async function makeProject(app: Launched): Promise<void> {
	const { page, home, videos } = app;
	for (let i = 0; i < VIDEOS; i++) makeVideo(join(videos, nameOf(i)), nameOf(i));
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
			view: { frame: number; range: (number | null)[]; panes: { runId: string }[] };
		}[];
	};
	const run = await newestRun(app);
	const [first] = project.videos;
	project.videos = await Promise.all(
		Array.from({ length: VIDEOS }, async (_, i) => {
			const video = structuredClone(first!);
			video.path = join(videos, nameOf(i));
			video.identity = await repeatRun(run, app, i);
			video.view.frame = LEFT_AT;
			video.view.range = [null, null];
			for (const pane of video.view.panes) pane.runId = runIdOf(i);
			return video;
		}),
	);
	writeFileSync(path, JSON.stringify(project));
}

const nameOf = (i: number) => `video-${i}.mp4`;
const runIdOf = (i: number) => `20260101-000000-token-cache-${String(i).padStart(8, '0')}`;

function makeVideo(path: string, title: string): void {
	const copied = ['-map', '0:v', '-c', 'copy', '-frames:v', String(FRAMES), '-metadata', `title=${title}`];
	ffmpeg('-stream_loop', '-1', '-i', SAMPLE, ...copied, path);
}

/** Stores the frames of a run over and over under the identity of another video, which is returned. */
async function repeatRun(run: StoredRun, { home, videos }: Launched, i: number): Promise<unknown> {
	const path = join(videos, nameOf(i));
	const identity = await identifyVideo(path);
	const parent = join(home, 'runs', `${identity.edgesSha256.slice(0, 32)}-${identity.fileBytes}`);
	mkdirSync(parent, { recursive: true });
	const video = { ...run.header.video, path, fileBytes: identity.fileBytes };
	const header = { ...run.header, video, videoIdentity: identity };
	const writer = await RunWriter.create(join(parent, runIdOf(i)), header);
	const results: FrameResult[] = [...run.results()];
	const secondsPerFrame = 1 / (run.header.video.nominalFramesPerSecond ?? 25);
	for (let frame = 0; frame < FRAMES; frame++) {
		const result = results[frame % results.length]!;
		await writer.append({ ...result, frameIndex: frame, timeSeconds: frame * secondsPerFrame });
	}
	await writer.close('complete', { decode: null, error: null, wallSeconds: 100, state: null });
	return identity;
}
