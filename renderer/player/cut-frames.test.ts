import type { VideoSample } from 'mediabunny';
import { describe, expect, it } from 'vitest';
import { cutFrames, type Cut } from './cut-frames.ts';
import { FrameTable } from './frame-table.ts';

const FRAMES = 40;

/** A decoder of forty frames at 25 a second that gives frame 20 for frame 19, breaks at `failAt` and does not have frame 30. */
function setUp({ failAt = -1 } = {}) {
	const table = new FrameTable();
	for (let i = 0; i < FRAMES; i++) table.add(i / 25, i % 10 === 0);
	table.finish();
	const log = { asked: [] as number[], open: 0, returned: 0 };
	const samplesAt = (seconds: readonly number[]) => {
		let next = 0;
		log.asked.push(...seconds.map((second) => Math.round(second * 25)));
		return {
			next: () => {
				const frame = log.asked[next++];
				if (frame === undefined || log.returned > 0) return Promise.resolve({ value: undefined, done: true });
				if (frame === failAt) return Promise.reject(new Error('decoder broke'));
				if (frame === 30) return Promise.resolve({ value: null, done: false });
				log.open++;
				const timestamp = (frame === 19 ? 20 : frame) / 25;
				return Promise.resolve({ value: { timestamp, close: () => log.open-- }, done: false });
			},
			return: () => Promise.resolve({ value: log.returned++, done: true }),
		} as unknown as AsyncGenerator<VideoSample | null, void, unknown>;
	};
	const make = (_: VideoSample, { frame }: Cut) => `picture of ${frame}` as unknown as ImageBitmap;
	const abort = new AbortController();
	const cut = (frames: readonly number[]) => {
		const rect = { x: 0, y: 0, width: 8, height: 8 };
		const cuts = frames.map((frame, key) => ({ frame, rect, size: { width: 4, height: 4 }, key }));
		return cutFrames(cuts, { table, samplesAt, make }, abort.signal);
	};
	return { cut, log, abort };
}

async function keysOf(pieces: ReturnType<ReturnType<typeof setUp>['cut']>): Promise<number[]> {
	const keys: number[] = [];
	for await (const { cut } of pieces) keys.push(cut.key);
	return keys;
}

describe('pieces of frames', () => {
	it.each<[what: string, frames: number[], asked: number[], keys: number[]]>([
		['come in the order of the frames', [7, 3, 12], [3, 7, 12], [1, 0, 2]],
		['of one frame cost one', [5, 9, 5], [5, 9], [0, 2, 1]],
		['that nobody knows yet are left out', [3, FRAMES], [3], [0]],
		['are left out where the decoder gives another frame', [19, 21], [19, 21], [1]],
		['are left out where there is no frame', [30, 31], [30, 31], [1]],
		['may be none', [], [], []],
	])('%s', async (_, frames, asked, keys) => {
		const { cut, log } = setUp();
		expect(await keysOf(cut(frames))).toEqual(keys);
		expect(log).toMatchObject({ asked, open: 0 });
	});

	it('end with the signal, and give everything back', async () => {
		const { cut, log, abort } = setUp();
		const pieces = cut([1, 2, 3]);
		await pieces.next();
		abort.abort();
		expect(await pieces.next()).toEqual({ value: undefined, done: true });
		expect(log.open).toBe(0);
		expect(log.returned).toBeGreaterThan(0);
	});

	it('end with what the decoder says', async () => {
		const { cut, log } = setUp({ failAt: 2 });
		await expect(keysOf(cut([1, 2, 3]))).rejects.toThrow('decoder broke');
		expect(log.open).toBe(0);
	});
});
