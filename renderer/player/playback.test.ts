import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ffmpeg, testPicture } from '../../main/video/test-videos.ts';
import { buildHarness, findChromium, serveFiles, type FileServer } from './browser.fixture.ts';
import { CLIPS, difference, engineView, type EngineView } from './clips.fixture.ts';
import type { Harness, HarnessVideo } from './harness/main.ts';

// Plays real clips in a real browser and holds every painted frame against what the engine decodes.

declare const harness: Harness;

const PLAZA = join(import.meta.dirname, '../../assets/samples/plaza.mp4');
const executablePath = findChromium();
if (executablePath === null) console.warn('Playback is not tested: there is no Chromium on this machine.');

describe.skipIf(executablePath === null)('in Chromium', () => {
	let folder: string;
	let server: FileServer;
	let browser: Browser;
	let page: Page;
	const files = new Map<string, string>();
	const complaints: string[] = [];

	beforeAll(async () => {
		folder = await mkdtemp(join(tmpdir(), 'sparsight-player-'));
		const site = join(folder, 'site');
		await buildHarness(site);
		server = await serveFiles(site, files);
		const args = ['--no-sandbox', '--disable-gpu', '--js-flags=--expose-gc'];
		browser = await chromium.launch({ executablePath: executablePath!, args });
		page = await browser.newPage({ viewport: { width: 1000, height: 760 } });
		page.on('console', (message) => complaints.push(message.text()));
		page.on('pageerror', (error) => complaints.push(String(error)));
		await page.goto(server.url);
	});

	afterAll(async () => {
		await browser?.close();
		await server?.close();
		await rm(folder, { recursive: true, force: true });
	});

	/** Opens a clip in panes of exactly its size, so that its pixels can be compared. */
	async function open(path: string, engine: EngineView, changes: Partial<HarnessVideo> = {}): Promise<void> {
		files.set('clip', path);
		const video: HarnessVideo = {
			info: engine.info,
			mediaUrl: `${server.url}/clip?${Math.random()}`,
			hostTimes: engine.times,
			copyUrl: null,
			stage: engine.info.displaySize,
			panes: 1,
			...changes,
		};
		await page.evaluate((given) => harness.open(given), video);
		await page.waitForFunction(() => harness.player.complete || harness.player.playback.kind === 'failed');
	}

	/** Goes to a frame, waits for its picture, and says how much that differs from the engine's frames near it. */
	async function look(
		frame: number,
		engine: EngineView,
	): Promise<{ index: number; own: number; other: number }> {
		const { index, grey } = await page.evaluate(
			async ([wanted, block]) => {
				harness.player.seek(wanted!);
				return { index: await harness.settled(), grey: harness.greyBlocks(block!) };
			},
			[frame, engine.block],
		);
		return { index, ...compare(frame, grey, engine) };
	}

	function compare(frame: number, grey: string, engine: EngineView): { own: number; other: number } {
		const neighbours = [engine.grey[frame - 1], engine.grey[frame + 1]].filter(
			(other) => other !== undefined,
		);
		expect(neighbours.length).toBeGreaterThan(0);
		const seen = Buffer.from(grey, 'base64');
		return {
			own: difference(seen, engine.grey[frame]!),
			other: Math.min(...neighbours.map((other) => difference(seen, other))),
		};
	}

	const sizeOfClip = () =>
		page.evaluate(() => {
			const { player } = harness;
			const times = Array.from({ length: player.frameCount }, (_, i) => player.timeOf(i));
			return { count: player.frameCount, times, kind: player.playback.kind, note: player.playback.note };
		});

	it('shows the frame that was asked for, a hundred times, in a clip from a street', async () => {
		const engine = await engineView(PLAZA);
		await open(PLAZA, engine);
		expect(await sizeOfClip()).toMatchObject({ count: engine.times.length, kind: 'webcodecs' });
		const wanted = randomFrames(100, engine.times.length);
		for (const frame of wanted) {
			const { index, own, other } = await look(frame, engine);
			expect(index).toBe(frame);
			expect(own, `frame ${frame}`).toBeLessThan(2);
			expect(own, `frame ${frame}`).toBeLessThan(other);
		}
	});

	describe.each(CLIPS)('with $name', ({ make }) => {
		let path: string;
		let engine: EngineView;

		beforeAll(async () => {
			path = await make(folder);
			engine = await engineView(path);
			await open(path, engine);
		});

		it('counts and times frames as the engine does', async () => {
			const { count, times, kind } = await sizeOfClip();
			expect({ count, kind }).toEqual({ count: engine.times.length, kind: 'webcodecs' });
			times.forEach((time, i) => expect(time).toBeCloseTo(engine.times[i]!, 3));
		});

		it('paints the frame that was asked for', async () => {
			for (const frame of randomFrames(25, engine.times.length)) {
				const { index, own, other } = await look(frame, engine);
				expect(index).toBe(frame);
				expect(own, `frame ${frame}`).toBeLessThan(2.5);
				expect(own, `frame ${frame}`).toBeLessThan(0.8 * other);
			}
		});

		it.each([
			['forwards', 1],
			['backwards', -1],
		])('steps %s through every frame once', async (_, step) => {
			const count = engine.times.length;
			const seen = await page.evaluate(
				async ([start, by, steps, block]) => {
					harness.player.seek(start!);
					await harness.settled();
					const frames = [];
					for (let i = 0; i <= steps!; i++) {
						if (i > 0) harness.player.step(by!);
						frames.push({ index: await harness.settled(), grey: harness.greyBlocks(block!) });
					}
					return frames;
				},
				[step > 0 ? 0 : count - 1, step, count - 1, engine.block],
			);
			const inOrder = Array.from({ length: count }, (_, i) => (step > 0 ? i : count - 1 - i));
			expect(seen.map(({ index }) => index)).toEqual(inOrder);
			for (const { index, grey } of seen) {
				const { own, other } = compare(index, grey, engine);
				expect(own, `frame ${index}`).toBeLessThan(0.8 * other);
			}
		});
	});
});

/** Repeatable, so that a failure can be looked into. */
function randomFrames(count: number, frames: number): number[] {
	let state = 12345;
	return Array.from({ length: count }, () => {
		state = (Math.imul(state, 1103515245) + 12345) >>> 0;
		return Math.floor((state / 2 ** 32) * frames);
	});
}
