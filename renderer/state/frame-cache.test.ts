import { describe, expect, it } from 'vitest';
import { madeUpBatch } from './batches.fixture.ts';
import { FrameCache, frameViewOf } from './frame-cache.ts';

describe('a frame of a batch', () => {
	it('has its own boxes, bitmap and budget, and none of its neighbours', () => {
		const view = frameViewOf(madeUpBatch(4, 3), 1);
		expect(view).toMatchObject({
			frameIndex: 5,
			timeSeconds: 0.5,
			kind: 'partial',
			macs: 5e9,
			budgetMacs: 5e9,
		});
		expect([...view.detections.scores].map((score) => Math.round(score * 10))).toEqual([9, 9, 1]);
		expect([...view.bitmap]).toEqual([1 << 5, 0]);
		expect(view.milliseconds).toEqual({ decode: 1, prepare: 2, select: 3, run: 4, interpret: 5 });
	});

	it('without a budget says so', () => expect(frameViewOf(madeUpBatch(4, 1), 0).budgetMacs).toBeNull());
});

describe('the cache', () => {
	it('forgets what was not looked at for longest', () => {
		const cache = new FrameCache(4);
		cache.put(0, madeUpBatch(0, 4));
		cache.get(0);
		cache.put(4, madeUpBatch(4, 1));
		expect([0, 1, 2, 3, 4].map((p) => cache.get(p)?.frameIndex ?? null)).toEqual([0, null, 2, 3, 4]);
	});

	it('takes the rows of a batch from one on', () => {
		const cache = new FrameCache(9);
		cache.put(7, madeUpBatch(5, 4), 2);
		expect([6, 7, 8, 9].map((p) => cache.get(p)?.frameIndex ?? null)).toEqual([null, 7, 8, null]);
	});
});
