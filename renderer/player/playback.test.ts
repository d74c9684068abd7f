import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ffmpeg } from '../../main/video/test-videos.fixture.ts';
import { buildHarness, findChromium, serveFiles, type FileServer } from './browser.fixture.ts';
import { CLIPS, difference, engineView, type EngineView } from './clips.fixture.ts';
import type { Harness, HarnessVideo } from './harness/main.ts';

// Plays real clips in a real browser and holds every painted frame against what the engine decodes.

declare const harness: Harness;

const PLAZA = join(import.meta.dirname, '../../assets/samples/plaza.mp4');
const executablePath = findChromium();
if (executablePath === null) {
	process.stderr.write('Playback is not tested: there is no Chromium on this machine.\n');
}

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
		const video = videoOf(path, engine, changes);
		await page.evaluate((given) => harness.open(given), video);
		await page.waitForFunction(() => harness.player.complete || harness.player.playback.kind === 'failed');
	}

	function videoOf(path: string, engine: EngineView, changes: Partial<HarnessVideo> = {}): HarnessVideo {
		files.set('clip', path);
		return {
			info: engine.info,
			mediaUrl: `${server.url}/clip?${Math.random()}`,
			hostTimes: engine.times,
			copyUrl: null,
			stage: engine.info.displaySize,
			panes: 1,
			...changes,
		};
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

	it('shows the frame that was asked for, wherever it is, in a clip from a street', async () => {
		const engine = await engineView(PLAZA);
		await open(PLAZA, engine);
		expect(await sizeOfClip()).toMatchObject({ count: engine.times.length, kind: 'webcodecs' });
		const wanted = randomFrames(40, engine.times.length);
		for (const frame of wanted) {
			const { index, own, other } = await look(frame, engine);
			expect(index).toBe(frame);
			expect(own, `frame ${frame}`).toBeLessThan(2);
			expect(own, `frame ${frame}`).toBeLessThan(other);
		}
	});

	it('begins with the frame where it was left, before all those before it are known', async () => {
		const path = join(folder, 'long.mp4');
		const loops = 60;
		await ffmpeg('-stream_loop', String(loops - 1), '-i', PLAZA, '-map', '0:v', '-c', 'copy', path);
		const engine = await engineView(PLAZA);
		const frames = engine.times.length;
		const wanted = frames * (loops - 1) + 33;
		const period = await page.evaluate(
			async ([given, count]) => {
				await harness.open(given);
				while (harness.player.frameCount <= count) await new Promise((done) => setTimeout(done, 5));
				return harness.player.timeOf(count) - harness.player.timeOf(0);
			},
			[videoOf(path, engine, { hostTimes: null }), frames] as const,
		);
		const seconds = engine.times[33]! + (loops - 1) * period;
		const beginning = { frame: wanted, seconds, range: [null, null] } as const;
		const { index, known, grey } = await page.evaluate(
			async ([given, block]) => {
				await harness.open(given);
				const index = await harness.settled();
				return { index, known: harness.player.frameCount, grey: harness.greyBlocks(block) };
			},
			[{ ...videoOf(path, engine, { hostTimes: null }), beginning }, engine.block] as const,
		);
		expect(index).toBe(wanted);
		expect(known).toBeLessThan(wanted);
		const { own, other } = compare(33, grey, engine);
		expect(own).toBeLessThan(2);
		expect(own).toBeLessThan(other);
	});

	describe('while the frame where it was left is not known yet', () => {
		const frame = 60;
		let engine: EngineView;
		let video: HarnessVideo;

		beforeAll(async () => {
			engine = await engineView(PLAZA);
			expect(engine.times.length).toBeGreaterThan(frame + 10);
		});
		beforeEach(() => {
			video = {
				...videoOf(PLAZA, engine),
				beginning: { frame, range: [frame - 3, frame + 3] },
			};
		});

		type Act = 'seek' | 'step' | 'play' | 'pause' | 'setIn' | 'clearRange';

		/** Opens it, has the player `act` before more than its first frames are known, and says what is shown once all are. */
		const after = (act: Act, ...values: number[]) =>
			page.evaluate(
				async ([given, what, numbers, block]) => {
					await harness.open(given);
					const { player } = harness;
					const early = { known: player.frameCount, range: [player.inFrame, player.outFrame] };
					Reflect.apply(player[what], player, numbers);
					while (!player.complete) await new Promise((done) => setTimeout(done, 5));
					const { playing } = player;
					player.pause();
					const index = await harness.settled();
					const range = [player.inFrame, player.outFrame];
					return { early, index, range, playing, grey: harness.greyBlocks(block) };
				},
				[video, act, values, engine.block] as const,
			);

		it('has its range already, keeps it when somebody goes elsewhere, and loses it when it is cleared', async () => {
			const elsewhere = await after('seek', 0);
			expect(elsewhere.early.known).toBeLessThan(frame - 3);
			expect(elsewhere.early.range).toEqual([frame - 3, frame + 3]);
			expect(elsewhere).toMatchObject({ index: 0, range: [frame - 3, frame + 3] });
			expect(await after('clearRange')).toMatchObject({ index: frame, range: [null, null] });
			expect(await after('setIn')).toMatchObject({ range: [frame, frame + 3] });
		});

		it('steps from that frame, and plays from there', async () => {
			expect((await after('step', 1)).index).toBe(frame + 1);
			expect((await after('step', -2)).index).toBe(frame - 2);
			const { playing, index } = await after('play');
			expect(playing).toBe(true);
			expect(index).toBeGreaterThanOrEqual(frame);
			expect(index).toBeLessThanOrEqual(frame + 3);
		});

		it('shows no other frame in its place for good where the time that was saved is not its own', async () => {
			video.beginning = { frame, seconds: engine.times[frame - 20]!, range: [null, null] };
			const { index, grey } = await after('pause');
			expect(index).toBe(frame);
			expect(compare(frame, grey, engine).own).toBeLessThan(2);
		});

		it('ends with the last frame where the video is shorter', async () => {
			const last = engine.times.length - 1;
			for (const seconds of [-5, 1e300]) {
				video.beginning = { frame: 1e9, seconds, range: [3, 1e9] };
				expect(await after('pause')).toMatchObject({ index: last, range: [3, last] });
			}
		});
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

		it('counts and times them so before the host has answered, too', async () => {
			await open(path, engine, { hostTimes: null });
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

	describe('playing', () => {
		let path: string;
		let engine: EngineView;

		beforeAll(async () => {
			path = await CLIPS[0]!.make(folder);
			engine = await engineView(path);
		});

		/** Plays from one frame until the player pauses by itself, and says which frames were painted. */
		const playFrom = (start: number, rate: number) =>
			page.evaluate(
				async ([from, speed]) => {
					const { player } = harness;
					player.seek(from!);
					await harness.settled();
					const watching = harness.watch();
					player.setRate(speed!);
					player.play();
					while (player.playing) await new Promise((resolve) => setTimeout(resolve, 10));
					await harness.settled();
					return watching.stop();
				},
				[start, rate],
			);

		it.each([
			{ rate: 1, from: 0, painted: [1, 39] },
			{ rate: 0.25, from: 30, painted: [31, 39] },
			{ rate: -1, from: 39, painted: [38, 0] },
		])('at $rate times the speed leaves out no frame', async ({ rate, from, painted: [first, last] }) => {
			await open(path, engine);
			const step = Math.sign(rate);
			const all = Array.from({ length: Math.abs(last! - first!) + 1 }, (_, i) => first! + step * i);
			expect(await playFrom(from, rate)).toEqual(all);
		});

		it('at eight times the speed drops frames, goes forwards only, and ends on the last one', async () => {
			await open(path, engine);
			const seen = await playFrom(0, 8);
			expect(seen.at(-1)).toBe(39);
			expect(seen.toSorted((a, b) => a - b)).toEqual(seen);
			expect(seen.length).toBeLessThan(39);
		});

		it('goes round in the range', async () => {
			await open(path, engine);
			const seen = await page.evaluate(async () => {
				const { player } = harness;
				player.setIn(10);
				player.setOut(13);
				player.seek(12);
				await harness.settled();
				const watching = harness.watch();
				player.play();
				while (player.playing && watching.seen.length < 9) await new Promise((go) => setTimeout(go, 10));
				player.pause();
				return watching.stop();
			});
			expect(seen.slice(0, 9)).toEqual([13, 10, 11, 12, 13, 10, 11, 12, 13]);
		});

		it('shows the last of many wishes, in four panes alike', async () => {
			await open(path, engine, { panes: 4, stage: { width: 640, height: 480 } });
			const { index, pictures } = await page.evaluate(async () => {
				for (let i = 0; i < 200; i++) harness.player.seek((i * 17) % 40);
				const index = await harness.settled();
				return { index, pictures: harness.paneHashes() };
			});
			expect(index).toBe((199 * 17) % 40);
			expect(pictures).toHaveLength(4);
			expect(new Set(pictures).size).toBe(1);
		});

		it('cuts pieces out of the frames that it shows under these numbers', async () => {
			await open(path, engine);
			const differing = await page.evaluate(async () => {
				const { player } = harness;
				const size = player.video.info.displaySize;
				const pixelsOf = (bitmap: ImageBitmap) => {
					const pen = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d')!;
					pen.drawImage(bitmap, 0, 0);
					return pen.getImageData(0, 0, bitmap.width, bitmap.height).data;
				};
				const rect = { x: 0, y: 0, ...size };
				const cuts = [31, 4, 5, 22].map((frame) => ({ frame, rect, size }));
				const cut = new Map<number, Uint8ClampedArray>();
				for await (const { cut: one, bitmap } of player.cut(cuts, new AbortController().signal)) {
					cut.set(one.frame, pixelsOf(bitmap));
					bitmap.close();
				}
				const differing: number[] = [];
				for (const { frame } of cuts) {
					player.seek(frame);
					await harness.settled();
					const shown = pixelsOf(player.picture!.bitmap);
					if (!cut.get(frame)?.every((value, i) => value === shown[i])) differing.push(frame);
				}
				return [[...cut.keys()], differing];
			});
			expect(differing).toEqual([[4, 5, 22, 31], []]);
		});

		it('gives back every frame and every picture', async () => {
			await open(path, engine);
			const counts = await page.evaluate(async () => {
				const { player } = harness;
				for (let i = 0; i < 60; i++) {
					player.seek((i * 23) % 40);
					if (i % 3 === 0) await harness.settled();
				}
				for (let i = 0; i < 10; i++) player.step(-1);
				await harness.settled();
				const busy = { ...harness.counts };
				await harness.close();
				const until = performance.now() + 5000;
				while (harness.counts.framesOpen > 0 && performance.now() < until) {
					await new Promise((resolve) => setTimeout(resolve, 10));
				}
				return { busy, after: { ...harness.counts } };
			});
			expect(counts.busy.framesDecoded).toBeGreaterThan(40);
			expect(counts.busy.picturesOpen).toBeGreaterThan(0);
			expect(counts.after).toMatchObject({ framesOpen: 0, picturesOpen: 0 });
			// The most that the cache holds, and the one being made.
			expect(counts.after.mostPictures).toBeLessThanOrEqual(49);
		});
	});

	describe('over the picture', () => {
		let path: string;
		let engine: EngineView;

		beforeAll(async () => {
			path = await CLIPS[0]!.make(folder);
			engine = await engineView(path);
		});

		/** Colours of the overlay at points of the video, for a painted frame; transparent where nothing is drawn. */
		const colours = (frame: number, points: [number, number][], scale: number) =>
			page.evaluate(
				async ([index, places, factor]) => {
					harness.player.seek(index);
					await harness.settled();
					const canvas = document.querySelector<HTMLCanvasElement>('canvas.overlay')!;
					const pen = canvas.getContext('2d')!;
					return places.map(([x, y]) => [...pen.getImageData(factor * x, factor * y, 1, 1).data].join(' '));
				},
				[frame, points, scale] as const,
			);

		// The made-up run: analysed every second frame; column `frame` of tokens, and a box at its left.
		const overlay = {
			boxes: true,
			labels: false,
			identities: false,
			truth: false,
			camera: false,
			heatMap: 'frame',
			heatOpacity: 1,
			chosen: null,
		} as const;
		const YELLOW = '254 232 56 255';
		const ORANGE = '230 159 0 255';
		const NOTHING = '0 0 0 0';

		it.each([1, 2])('cells and boxes stand where they belong, at %i times the size', async (scale) => {
			const stage = { width: 160 * scale, height: 120 * scale };
			await open(path, engine, { overlay, stage });
			const points: [number, number][] = [
				[40, 8],
				[47, 119],
				[31, 8],
				[48, 8],
				[32, 50],
				[91, 50],
			];
			expect(await colours(2, points, scale)).toEqual([YELLOW, YELLOW, NOTHING, NOTHING, ORANGE, ORANGE]);
		});

		it('what was not recomputed for this frame is not marked, and boxes of another frame are dashed', async () => {
			await open(path, engine, { overlay, stage: { width: 160, height: 120 } });
			const edge: [number, number][] = Array.from({ length: 60 }, (_, i) => [32 + i, 20]);
			const [solid, dashed] = [await colours(2, edge, 1), await colours(3, edge, 1)];
			expect(solid.filter((colour) => colour === ORANGE)).toHaveLength(60);
			expect(dashed.filter((colour) => colour === ORANGE).length).toBeGreaterThan(20);
			expect(dashed.filter((colour) => colour === NOTHING).length).toBeGreaterThan(20);
			expect(await colours(3, [[40, 8]], 1)).toEqual([NOTHING]);
		});
	});

	describe('what cannot be played as it is', () => {
		let engine: EngineView;
		let good: string;
		let other: string;

		beforeAll(async () => {
			good = await CLIPS[0]!.make(folder);
			engine = await engineView(good);
			other = join(folder, 'other.avi');
			await ffmpeg('-i', good, '-c:v', 'mpeg4', '-q:v', '2', other);
			await writeFile(join(folder, 'noise.mp4'), Buffer.alloc(5000, 7));
		});

		const playback = () => page.evaluate(() => harness.player.playback);

		it.each([
			{ what: 'a container that browsers do not know', file: 'other.avi', note: 'player.note.container' },
			{ what: 'noise', file: 'noise.mp4', note: 'player.note.container' },
		])('$what is played from a copy, frame for frame', async ({ file, note }) => {
			files.set('copy', good);
			await open(join(folder, file), engine, { copyUrl: `${server.url}/copy` });
			expect(await playback()).toEqual({ kind: 'proxy', note, progress: null });
			const { index, own, other: next } = await look(17, engine);
			expect(index).toBe(17);
			expect(own).toBeLessThan(0.8 * next);
		});

		it('a codec that this browser lacks is played from a copy', async () => {
			const path = join(folder, 'mpeg4.mp4');
			await ffmpeg('-i', good, '-c:v', 'mpeg4', '-q:v', '2', path);
			files.set('copy', good);
			await open(path, engine, { copyUrl: `${server.url}/copy` });
			expect(await playback()).toEqual({ kind: 'proxy', note: 'player.note.codec', progress: null });
		});

		it.each([
			{ what: 'one frame more than was counted', times: (own: number[]) => [...own, own.at(-1)! + 0.04] },
			{ what: 'a frame at another time', times: (own: number[]) => own.with(20, own[20]! + 0.015) },
			{ what: 'a frame fewer in the middle', times: (own: number[]) => own.toSpliced(20, 1) },
		])('a file in which the engine sees $what is played from a copy', async ({ times }) => {
			files.set('copy', good);
			await open(good, engine, { hostTimes: times(engine.times), copyUrl: `${server.url}/copy` });
			await page.waitForFunction(() => harness.player.playback.kind === 'proxy');
			expect((await playback()).note).toBe('player.note.otherFrames');
		});

		it('damage that the browser stumbles over brings the copy', async () => {
			const path = join(folder, 'damaged.mp4');
			const bytes = await readFile(good);
			const middle = bytes.indexOf('mdat') + Math.floor((bytes.indexOf('moov') - bytes.indexOf('mdat')) / 2);
			for (let i = 0; i < 300; i++) bytes[middle + i] = (37 * i) & 255;
			await writeFile(path, bytes);
			files.set('copy', good);
			await open(path, engine, { hostTimes: null, copyUrl: `${server.url}/copy` });
			expect((await playback()).kind).toBe('webcodecs');
			const reached = await page.evaluate(async () => {
				const { player } = harness;
				for (let i = 0; i < 40; i++) {
					player.seek(i);
					while (harness.painted() !== i && player.playback.kind === 'webcodecs') {
						await new Promise((resolve) => setTimeout(resolve, 2));
					}
					if (player.playback.kind !== 'webcodecs') return i;
				}
				return null;
			});
			expect(reached).not.toBeNull();
			await page.waitForFunction(() => harness.player.playback.kind === 'proxy');
			expect((await playback()).note).toBe('player.note.undecodable');
			// What was asked for is not forgotten.
			expect(await page.evaluate(() => harness.settled())).toBe(reached);
		});

		it('a run that knows another time of a frame brings the copy, too', async () => {
			files.set('copy', good);
			await open(good, engine, { hostTimes: null, copyUrl: `${server.url}/copy` });
			const kinds = await page.evaluate(
				([right, wrong]) => {
					harness.player.confirm(20, right!);
					const before = harness.player.playback.kind;
					harness.player.confirm(20, wrong!);
					return [before, harness.player.playback.kind];
				},
				[engine.times[20]!, engine.times[21]!],
			);
			expect(kinds).toEqual(['webcodecs', 'preparing']);
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
