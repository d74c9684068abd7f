import { describe, expect, it } from 'vitest';
import { madeUpBatch } from '../state/batches.fixture.ts';
import { TimelineColumns } from '../state/timeline-columns.ts';
import { wholeWindow } from './frame-window.ts';
import { agreementFloor, RunSeries, sampleAgreement } from './run-series.ts';

function seriesOf(from: number, count: number, every = 1): RunSeries {
	const columns = new TimelineColumns();
	columns.appendBatch(madeUpBatch(from, count, every), [0.5]);
	return new RunSeries(() => columns);
}

describe('a run on a chart', () => {
	it('shows every frame of a pixel column in its least and largest value', () => {
		const slots = seriesOf(0, 1000).sample(wholeWindow(1000), 100, 1);
		expect(slots.count).toBe(100);
		expect([slots.macsMin[7], slots.macsMax[7]]).toEqual([70e9, 79e9]);
		expect([slots.flush[0], slots.flush[1]]).toEqual([1, 0]);
		expect([slots.detectionsMin[7], slots.detectionsMax[7]]).toEqual([0, 2]);
		expect(slots.stages.map((means) => means[7])).toEqual([1, 2, 3, 4, 5]);
	});

	it('gives each frame a bar of its own where there is room, as wide as the distance of frames', () => {
		const slots = seriesOf(0, 5, 2).sample(wholeWindow(10), 100, 2);
		const bars = Array.from({ length: slots.count }, (_, i) => [slots.left[i], slots.right[i]]);
		expect(bars).toEqual([
			[0, 20],
			[20, 40],
			[40, 60],
			[60, 80],
			[80, 100],
		]);
	});

	it('shows the most that waits, the widest bounds, and audits where there are any', () => {
		const at = (slot: number, slots = seriesOf(0, 1000).sample(wholeWindow(1000), 500, 1)) =>
			[slots.waitingMax, slots.waitMax, slots.estimate, slots.lower, slots.upper, slots.audit].map(
				(column) => column[slot]!,
			);
		const near = [0.9, 0.8, 0.95].map((value) => expect.closeTo(value, 5));
		expect(at(2)).toEqual([5, 5, ...near, 0.5]);
		expect(at(3)).toEqual([7, 7, ...near, Number.NaN]);
		expect(seriesOf(0, 10).estimateFloor()).toBe(0.8);
	});

	it('has nothing of estimates in runs from before there were any', () => {
		const columns = new TimelineColumns();
		const batch = madeUpBatch(0, 20);
		batch.agreements.fill(Number.NaN);
		batch.audits.fill(Number.NaN);
		columns.appendBatch(batch, [0.5]);
		const slots = new RunSeries(() => columns).sample(wholeWindow(20), 5, 1);
		expect([columns.hasEstimates, columns.means().estimate]).toEqual([false, null]);
		for (const column of [slots.estimate, slots.lower, slots.upper, slots.audit]) {
			expect([...column.subarray(0, 5)]).toEqual(Array(5).fill(Number.NaN));
		}
	});

	it('leaves out what was not analysed', () => {
		const slots = seriesOf(500, 100).sample(wholeWindow(1000), 100, 1);
		expect([slots.count, slots.left[0], slots.right[slots.count - 1]]).toEqual([10, 50, 60]);
	});

	it('draws no frame twice when moved by fractions of a pixel', () => {
		const series = seriesOf(0, 1000);
		const slots = series.sample({ from: 100.3, to: 800.3 }, 97, 1);
		for (let i = 1; i < slots.count; i++) expect(slots.macsMin[i]).toBe(slots.macsMax[i - 1]! + 1e9);
	});

	it('shows every frame of a long run, in slots that are half a pixel off at most', () => {
		const slots = seriesOf(0, 100_000).sample(wholeWindow(100_000), 100, 1);
		expect([slots.macsMin[0], slots.macsMax[slots.count - 1]]).toEqual([0, 99_999e9]);
		for (let i = 1; i < slots.count; i++) {
			expect(slots.macsMin[i]).toBe(slots.macsMax[i - 1]! + 1e9);
			expect(Math.abs(slots.macsMin[i]! / 1e9 - 1000 * slots.left[i]!)).toBeLessThanOrEqual(500);
		}
	});

	it('shows new counts when detections are counted anew', () => {
		const columns = new TimelineColumns();
		columns.appendBatch(madeUpBatch(0, 100), [0.5]);
		const series = new RunSeries(() => columns);
		expect(series.peaks().detections).toBe(2);
		columns.recount(columns.detections.map((count) => count + 5));
		expect(series.peaks().detections).toBe(7);
		expect(series.sample({ from: -0.5, to: 99.5 }, 10, 1).detectionsMin[0]).toBe(5);
	});

	it('scales time by what is usual', () => {
		const columns = new TimelineColumns();
		const batch = madeUpBatch(0, 100);
		batch.milliseconds.fill(90_000, 50 * 5, 51 * 5);
		columns.appendBatch(batch, [0.5]);
		const series = new RunSeries(() => columns);
		expect(series.peaks()).toEqual({
			macs: 99e9,
			milliseconds: 22.5,
			detections: 2,
			waiting: 11,
			wait: 99,
		});
	});
});

describe('agreement on a chart', () => {
	const perFrame = {
		frameIndices: Int32Array.of(0, 1, 2, 3),
		f1: Float32Array.of(1, 0.5, 1, 0.25),
		lost: new Uint16Array(4),
		gained: new Uint16Array(4),
		meanIou: new Float32Array(4),
	};

	it.each([
		['the worst frame of a pixel', { from: -0.5, to: 3.5 }, 2, [0.5, 0.25]],
		['a frame over all its pixels', { from: -0.5, to: 3.5 }, 8, [1, 1, 0.5, 0.5, 1, 1, 0.25, 0.25]],
		['nothing where nothing was compared', { from: 2.5, to: 6.5 }, 4, [0.25, NaN, NaN, NaN]],
	])('shows %s', (_, window, width, lowest) => {
		expect([...sampleAgreement(perFrame, window, width, 1)]).toEqual(lowest);
	});

	it.each([
		['one missed box among many', [1, 0.95, 1], 0.9],
		['a worse frame', [1, 0.85, 0.95], 0.8],
		['half of the boxes', [0.5], 0.5],
		['all boxes', [1, 0], 0],
		['nothing', [], 0.9],
	])('has a scale that fits %s', (_, f1, floor) => {
		expect(agreementFloor(Float32Array.from(f1))).toBe(floor);
	});
});
