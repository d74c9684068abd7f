import { describe, expect, it } from 'vitest';
import { FrameQueue } from './frame-queue.ts';

const FRAME_BYTES = 10;

/** Bytes that count up, in chunks of `chunkBytes`, written the way a pipe does: the next when one was taken. */
function pour(queue: FrameQueue, frames: number, chunkBytes: number): { taken: () => number } {
	const bytes = Uint8Array.from({ length: frames * FRAME_BYTES }, (_, i) => i & 255);
	let at = 0;
	const next = () => {
		if (at >= bytes.length) return;
		const chunk = bytes.subarray(at, at + chunkBytes);
		queue.sink.write(chunk, () => {
			at += chunk.length;
			next();
		});
	};
	next();
	return { taken: () => at };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('pixels and records are paired in order, however the pipe cuts the pixels', () => {
	it.each([1, 3, 10, 17, 25, 1000])('in chunks of %d bytes', async (chunkBytes) => {
		const queue = new FrameQueue(FRAME_BYTES);
		const frames = 20;
		pour(queue, frames, chunkBytes);
		for (let i = 0; i < frames; i++) queue.addRecord(2 * i, i / 25);
		for (let i = 0; i < frames; i++) {
			const frame = (await queue.next())!;
			expect(frame).toMatchObject({ index: 2 * i, timeSeconds: i / 25 });
			expect([...frame.pixels]).toEqual(
				Array.from({ length: FRAME_BYTES }, (_, j) => (i * FRAME_BYTES + j) & 255),
			);
			queue.release(frame.pixels);
		}
		queue.end();
		expect(await queue.next()).toBeNull();
	});
});

describe('the queue', () => {
	it('takes three frames, one of them held by the consumer, then stands still until one is given back', async () => {
		const queue = new FrameQueue(FRAME_BYTES);
		const { taken } = pour(queue, 50, 5);
		for (let i = 0; i < 50; i++) queue.addRecord(i, i);
		await settle();
		expect(taken()).toBe(3 * FRAME_BYTES);
		const held = (await queue.next())!;
		await settle();
		expect(taken()).toBe(3 * FRAME_BYTES);
		expect([...held.pixels]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
		queue.release(held.pixels);
		await settle();
		expect(taken()).toBe(4 * FRAME_BYTES);
	});

	it('waits for the record where the pixels are first, and for the pixels where the record is', async () => {
		const queue = new FrameQueue(FRAME_BYTES);
		const first = queue.next();
		pour(queue, 1, 10);
		await settle();
		queue.addRecord(7, 1);
		expect(await first).toMatchObject({ index: 7 });
		queue.addRecord(8, 2);
		const second = queue.next();
		await settle();
		pour(queue, 1, 10);
		expect(await second).toMatchObject({ index: 8 });
	});

	it('discards what comes after the consumer has gone, so that the pipe runs dry', async () => {
		const queue = new FrameQueue(FRAME_BYTES);
		const { taken } = pour(queue, 50, 5);
		await settle();
		queue.discard();
		await settle();
		expect(taken()).toBe(50 * FRAME_BYTES);
		expect(await queue.next()).toBeNull();
	});

	it('counts whole frames that no record came for', async () => {
		const queue = new FrameQueue(FRAME_BYTES);
		pour(queue, 2, 10);
		queue.addRecord(0, 0);
		await settle();
		expect(queue.unclaimedFrames).toBe(1);
	});
});
