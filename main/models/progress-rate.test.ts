import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ProgressRate, type DownloadProgress } from './progress-rate.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const file = (name: string, bytes: number | null) => ({ name, address: null, bytes, sha256: null });

it('adds up the files, tells a few times a second, and what came last before a silence', () => {
	const told: DownloadProgress[] = [];
	const rate = new ProgressRate([file('a', 1000), file('b', null)], (progress) => told.push(progress));
	rate.update('a', 0, 1000);
	for (let have = 100; have <= 500; have += 100) {
		vi.advanceTimersByTime(10);
		rate.update('a', have, 1000);
	}
	expect(told.map(({ bytes }) => bytes)).toEqual([0]);
	vi.advanceTimersByTime(1000);
	expect(told.map(({ bytes, totalBytes }) => [bytes, totalBytes])).toEqual([
		[0, null],
		[500, null],
	]);
	rate.done('a', 1000);
	rate.update('b', 500, 2000);
	vi.advanceTimersByTime(1000);
	expect(told.at(-1)).toMatchObject({ bytes: 1500, totalBytes: 3000 });
	expect(told.at(-1)!.bytesPerSecond).toBeGreaterThan(0);
	expect(told.at(-1)!.secondsLeft).toBeCloseTo(1500 / told.at(-1)!.bytesPerSecond, 6);
	rate.update('b', 600, 2000);
	rate.update('b', 700, 2000);
	rate.close();
	vi.advanceTimersByTime(1000);
	expect(told).toHaveLength(5);
});
