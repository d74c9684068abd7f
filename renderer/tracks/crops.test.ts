import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Cut, CutPicture } from '../player/cut-frames.ts';
import { Crops, type Crop } from './crops.svelte.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A player that cuts one piece whenever it is let go on. */
function setUp() {
	const log = { asked: [] as number[][], open: 0 };
	const gates: (() => void)[] = [];
	async function* cut<C extends Cut>(
		cuts: readonly C[],
		signal: AbortSignal,
	): AsyncGenerator<CutPicture<C>, void, void> {
		log.asked.push(cuts.map(({ frame }) => frame));
		for (const one of cuts) {
			await new Promise<void>((go) => gates.push(go));
			if (signal.aborted) return;
			log.open++;
			yield { cut: one, bitmap: { frame: one.frame, close: () => log.open-- } as unknown as ImageBitmap };
		}
	}
	const crops = new Crops({ cut });
	const go = async (pieces = 1) => {
		await vi.advanceTimersByTimeAsync(100);
		for (let i = 0; i < pieces; i++) {
			gates.shift()?.();
			await vi.advanceTimersByTimeAsync(0);
		}
	};
	return { crops, log, go };
}

const crop = (frame: number): Crop => ({
	key: String(frame),
	frame,
	rect: { x: 0, y: 0, width: 4, height: 4 },
	size: { width: 4, height: 4 },
});
const frames = (from: number, count: number) => Array.from({ length: count }, (_, i) => crop(from + i));

describe('pictures of objects', () => {
	it('are cut for what is on the screen, and kept', async () => {
		const { crops, log, go } = setUp();
		crops.want(frames(1, 2), 1, false);
		expect(crops.get('1')).toBeNull();
		await go(2);
		expect(crops.get('1')).toMatchObject({ frame: 1 });
		crops.want(frames(1, 3), 1, false);
		await go(1);
		expect(log.asked).toEqual([[1, 2], [3]]);
	});

	it('are not cut for what was scrolled past', async () => {
		const { crops, log, go } = setUp();
		for (let i = 0; i < 50; i++) crops.want(frames(i, 2), 1, false);
		await go(1);
		crops.want(frames(70, 1), 1, false);
		await go(2);
		expect(log.asked).toEqual([[49, 50], [70]]);
	});

	it('go on being cut where a part of them is still wanted', async () => {
		const { crops, log, go } = setUp();
		crops.want(frames(1, 3), 1, false);
		await go(1);
		crops.want(frames(2, 2), 1, false);
		await go(2);
		expect(log.asked).toEqual([[1, 2, 3]]);
	});

	it('wait while the video is played', async () => {
		const { crops, log, go } = setUp();
		crops.want(frames(1, 2), 1, false);
		await go(1);
		crops.want(frames(1, 2), 1, true);
		await go(2);
		expect(crops.get('2')).toBeNull();
		crops.want(frames(1, 2), 1, false);
		await go(1);
		expect(log.asked).toEqual([[1, 2], [2]]);
	});

	it('are thrown away with the edition', async () => {
		const { crops, log, go } = setUp();
		crops.want(frames(1, 1), 1, false);
		await go(1);
		crops.want(frames(1, 1), 2, false);
		expect([crops.get('1'), log.open]).toEqual([null, 0]);
		await go(1);
		expect(log.asked).toEqual([[1], [1]]);
	});

	it('are bounded', async () => {
		const { crops, log, go } = setUp();
		for (let i = 0; i < 10; i++) {
			crops.want(frames(40 * i, 40), 1, false);
			await go(40);
		}
		expect(log.open).toBe(256);
		expect([crops.get('0'), crops.get('399')]).toEqual([null, expect.anything()]);
		crops.clear();
		expect(log.open).toBe(0);
	});
});
