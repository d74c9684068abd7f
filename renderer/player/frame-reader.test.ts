import type { VideoSample } from 'mediabunny';
import { describe, expect, it } from 'vitest';
import { FrameReader } from './frame-reader.ts';
import { FrameTable } from './frame-table.ts';
import { PictureCache } from './picture-cache.ts';

const FRAMES = 100;
const KEY_EVERY = 25;

/**
 * A reader over a decoder that gives one frame whenever it is let go on. `lost` are frames that it never gives;
 * `failAt` is where it breaks.
 */
function setUp({ capacity = 10, lost = [] as number[], failAt = -1 } = {}) {
	const table = new FrameTable();
	for (let i = 0; i < FRAMES; i++) table.add(i / 25, i % KEY_EVERY === 0);
	table.finish();
	const cache = new PictureCache(capacity);
	const log = {
		starts: [] as number[],
		decoded: 0,
		shown: [] as number[],
		open: 0,
		troubles: [] as string[],
	};
	let gate: Promise<void> = Promise.resolve();

	async function* samples(from: number): AsyncGenerator<VideoSample, void, unknown> {
		const first = Math.round(from * 25);
		log.starts.push(first);
		for (let i = first; i < FRAMES; i++) {
			await gate;
			if (i === failAt) throw new Error('decoder broke');
			if (lost.includes(i)) continue;
			log.decoded++;
			log.open++;
			yield { timestamp: i / 25, close: () => void log.open-- } as unknown as VideoSample;
		}
	}

	const reader = new FrameReader({
		table,
		cache,
		samples,
		makePicture: (sample, index) => {
			sample.close();
			log.open++;
			return { index, bitmap: { width: 1, height: 1, close: () => void log.open-- } };
		},
		onPicture: ({ index }) => {
			log.shown.push(index);
			cache.pin(index);
		},
		onTrouble: (cause) => log.troubles.push((cause as Error).message),
	});
	const hold = () => {
		let letGo: () => void = () => undefined;
		gate = new Promise((resolve) => (letGo = resolve));
		return () => letGo();
	};
	const rest = async () => {
		for (let i = 0; i < 500; i++) await Promise.resolve();
	};
	return { reader, cache, log, hold, rest };
}

describe('frames that are asked for', () => {
	it('come', async () => {
		const { reader, log, rest } = setUp();
		for (const index of [40, 3, 99, 0]) {
			reader.want(index, 0);
			await rest();
			expect(log.shown.at(-1)).toBe(index);
		}
	});

	it('while another one is decoded are dropped, but for the last', async () => {
		const { reader, log, hold, rest } = setUp();
		const letGo = hold();
		reader.want(10, 0);
		await rest();
		for (const index of [20, 60, 11, 80]) reader.want(index, 0);
		letGo();
		await rest();
		expect(log.shown).toEqual([10, 80]);
	});

	it('come when they are decoded ahead just then', async () => {
		const { reader, log, hold, rest } = setUp();
		reader.want(10, 1);
		const letGo = hold();
		await rest();
		reader.want(11, 1);
		letGo();
		await rest();
		expect(log.shown.at(-1)).toBe(11);
	});

	it('one after another need one decoding', async () => {
		const { reader, log, rest } = setUp();
		for (let i = 0; i < 30; i++) {
			reader.want(i, 1);
			await rest();
		}
		expect(log.shown).toEqual(Array.from({ length: 30 }, (_, i) => i));
		expect(log.starts).toEqual([0]);
	});

	it('backwards need one decoding for several', async () => {
		const { reader, log, rest } = setUp();
		for (let i = 60; i > 30; i--) {
			reader.want(i, -1);
			await rest();
		}
		expect(log.shown).toEqual(Array.from({ length: 30 }, (_, i) => 60 - i));
		expect(log.starts.length).toBeLessThan(12);
	});

	it('far ahead are decoded from their key frame, not from here', async () => {
		const { reader, log, rest } = setUp();
		reader.want(2, 0);
		await rest();
		reader.want(90, 0);
		await rest();
		expect(log.starts).toEqual([2, 90]);
	});
});

describe('trouble', () => {
	it.each([
		[
			'a frame that the decoder does not give',
			{ lost: [10] },
			'Decoding gave frame 11 where frame 10 was expected.',
		],
		['a last frame that it does not give', { lost: [99] }, 'Decoding ended before frame 99.'],
		['a decoder that breaks', { failAt: 10 }, 'decoder broke'],
	])('is told of %s', async (_, faults, message) => {
		const { reader, log, rest } = setUp(faults);
		reader.want(8, 0);
		await rest();
		reader.want('lost' in faults ? faults.lost[0]! : 10, 0);
		await rest();
		expect(log.troubles).toEqual([message]);
	});
});

it('gives everything back', async () => {
	const { reader, cache, log, hold, rest } = setUp();
	for (const [index, direction] of [
		[5, 1],
		[50, -1],
		[49, -1],
		[80, 0],
	] as const) {
		reader.want(index, direction);
		await rest();
	}
	const letGo = hold();
	reader.want(10, 0);
	await rest();
	reader.close();
	letGo();
	await rest();
	cache.clear();
	expect(log.decoded).toBeGreaterThan(10);
	expect(log.open).toBe(0);
});
