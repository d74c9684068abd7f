import { describe, expect, it } from 'vitest';
import { madeUpBatch, madeUpTimeline } from './batches.fixture.ts';
import { TimelineColumns } from './timeline-columns.ts';

describe('the columns of a run', () => {
	it('grow by batches as they would by one timeline', () => {
		const live = new TimelineColumns();
		for (let from = 0; from < 3000; from += 100) live.appendBatch(madeUpBatch(from, 100), [0.5]);
		const stored = new TimelineColumns();
		stored.appendTimeline(madeUpTimeline(0, 3000));
		expect(live.length).toBe(3000);
		for (const column of [
			'frameIndices',
			'timesSeconds',
			'macs',
			'detections',
			'waitingTokens',
			'longestWaits',
			'estimates',
			'lowers',
			'uppers',
			'audits',
			'anchors',
		] as const) {
			expect(live[column].subarray(0, 3000)).toEqual(stored[column].subarray(0, 3000));
		}
		expect(live.means()).toEqual(stored.means());
		expect(live.cameraTrack!.columns.x.subarray(0, 3000)).toEqual(
			stored.cameraTrack!.columns.x.subarray(0, 3000),
		);
		expect(live.cameraTrack!.columns.gridY[2999]).toBe(-2);
		expect(live.cameraTrack!.columns.x[3]).toBeNaN();
	});

	it('take no frame twice', () => {
		const columns = new TimelineColumns();
		columns.appendBatch(madeUpBatch(0, 10), [0.5]);
		expect(columns.appendBatch(madeUpBatch(5, 10), [0.5])).toBe(5);
		expect(columns.appendTimeline(madeUpTimeline(0, 15))).toBe(0);
		expect([...columns.frameIndices.subarray(0, columns.length)]).toEqual(
			Array.from({ length: 15 }, (_, i) => i),
		);
	});

	it.each([
		['before the first', 9, -1],
		['the first', 10, 0],
		['between two', 14, 1],
		['the last', 22, 4],
		['after the last', 99, 4],
	])('find the frame at or before one that is %s', (_, frame, position) => {
		const columns = new TimelineColumns();
		columns.appendBatch(madeUpBatch(10, 5, 3), [0.5]);
		expect(columns.floorPosition(frame)).toBe(position);
	});

	it('leave the first frame out of the means, unless it is the only one', () => {
		const columns = new TimelineColumns();
		columns.appendBatch(madeUpBatch(0, 1), [0.5]);
		expect(columns.means().totalMilliseconds).toBe(500);
		columns.appendBatch(madeUpBatch(1, 2), [0.5]);
		expect(columns.means()).toMatchObject({
			totalMilliseconds: 15,
			macs: 1.5e9,
			selectedTokens: 1,
			frames: 3,
		});
	});
});
