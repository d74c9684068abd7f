import { describe, expect, it } from 'vitest';
import { DRIFT_WINDOW_FRAMES } from '../domain/drift.ts';
import { AuditSchedule } from './audit-schedule.ts';
import { DriftEstimate } from './drift-estimate.ts';

function estimateOf(losses: readonly number[]): DriftEstimate {
	const estimate = new DriftEstimate();
	for (const loss of losses) estimate.add(loss);
	return estimate;
}

const frames = (count: number, loss: number) => Array<number>(count).fill(loss);

describe('the estimate of agreement', () => {
	it('is what was predicted, as long as no audit says otherwise', () => {
		const { agreement, lower, upper } = estimateOf(frames(60, 0.04)).bounds();
		expect(agreement).toBeCloseTo(0.96, 10);
		expect(lower).toBeLessThan(0.96);
		expect(upper).toBeGreaterThan(0.96);
	});

	it('does not rule out full agreement while few detections speak against it', () => {
		const few = estimateOf(frames(50, 0.04));
		expect(few.bounds().upper).toBe(1);
		const many = estimateOf(frames(50, 0.04));
		for (let i = 0; i < 400; i++) many.showed(40);
		expect(many.bounds().upper).toBeLessThan(1);
	});

	it('is of the last frames only', () => {
		const estimate = estimateOf([...frames(200, 0.4), ...frames(DRIFT_WINDOW_FRAMES, 0.02)]);
		expect(estimate.bounds().agreement).toBeCloseTo(0.98, 10);
	});

	it.each([
		['worse than predicted', { matched: 8, lost: 2, gained: 2 }, 1],
		['better than predicted', { matched: 10, lost: 0, gained: 0 }, -1],
	] as const)('follows audits that are %s', (_, audit, sign) => {
		const estimate = estimateOf(frames(50, 0.04));
		const before = estimate.factor;
		for (let i = 0; i < 20; i++) estimate.learn(audit);
		expect(Math.sign(estimate.factor - before)).toBe(sign);
		expect(Math.sign(0.96 - estimate.bounds().agreement)).toBe(sign);
	});

	it('comes to the factor that audits show', () => {
		const estimate = estimateOf(frames(50, 0.02));
		// 6 % of the decisions are wrong: three times as many as predicted
		for (let i = 0; i < 400; i++) estimate.learn({ matched: 47, lost: 3, gained: 3 });
		expect(estimate.factor).toBeGreaterThan(2.3);
		expect(estimate.factor).toBeLessThan(3);
	});

	it('is surer where more is shown', () => {
		const width = (shown: number) => {
			const estimate = estimateOf(frames(50, 0.04));
			for (let i = 0; i < 400; i++) estimate.showed(shown);
			const { lower, upper } = estimate.bounds();
			return upper - lower;
		};
		expect(width(50)).toBeLessThan(width(1));
	});

	it('claims nothing of a frame in which nothing waits', () => {
		expect(estimateOf(frames(50, 0)).bounds()).toEqual({ agreement: 1, lower: 1, upper: 1 });
	});

	it('goes on from its state', () => {
		const first = estimateOf(frames(30, 0.1));
		first.learn({ matched: 5, lost: 1, gained: 0 });
		const second = new DriftEstimate();
		second.state = first.state;
		for (const estimate of [first, second]) estimate.add(0.3);
		expect(second.bounds()).toEqual(first.bounds());
		expect(second.factor).toBe(first.factor);
	});
});

describe('the schedule of audits', () => {
	/** Audited frames of a run whose frames cost 0.2 of a dense one. */
	function audited(share: number, count: number): number[] {
		const schedule = new AuditSchedule();
		const moments: number[] = [];
		for (let frame = 0; frame < count; frame++) {
			if (schedule.due(1)) {
				moments.push(frame);
				schedule.spend(1);
			}
			schedule.earn(0.2, share);
		}
		return moments;
	}

	it.each([0.01, 0.03, 0.1])('spends a share of %f of what the run costs, give or take one', (share) => {
		const count = 20_000;
		expect(Math.abs(audited(share, count).length - share * 0.2 * count)).toBeLessThanOrEqual(1);
	});

	it('comes early for the first time, at scattered moments later, and at the same ones in every run', () => {
		const moments = audited(0.03, 5000);
		expect(moments[0]).toBeLessThan(0.4 / (0.2 * 0.03));
		const gaps = new Set(moments.slice(1).map((frame, i) => frame - moments[i]!));
		expect(gaps.size).toBeGreaterThan(moments.length / 2);
		expect(audited(0.03, 5000)).toEqual(moments);
	});

	it('never comes where nothing may be spent', () => {
		expect(audited(0, 1000)).toEqual([]);
	});
});
