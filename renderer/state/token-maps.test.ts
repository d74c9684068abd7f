import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { FakeHost } from './fake-host.fixture.ts';
import { TokenMaps } from './token-maps.ts';

/** Two tokens, whose values are the frame and the number of the kind. */
function hostWith(stored: () => number): FakeHost {
	return new FakeHost().answer('run.maps', ({ from, count, kind }) => {
		const frames = Array.from({ length: Math.max(0, Math.min(count, stored() - from)) }, (_, i) => from + i);
		return {
			known: new Uint8Array(frames.length).fill(1),
			values: Uint8Array.from(frames.flatMap((frame) => [frame, kind.length])),
		};
	});
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());
const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);

it('asks for a block of each kind once and knows it from then on', async () => {
	const host = hostWith(() => 100);
	const maps = new TokenMaps(host, 'a');
	expect(maps.of(33, 'relevance')).toBeNull();
	expect(maps.of(34, 'relevance')).toBeNull();
	expect(maps.of(34, 'blocks')).toBeNull();
	await pass(1);
	expect([...maps.of(34, 'relevance')!]).toEqual([34, 9]);
	expect([...maps.of(34, 'blocks')!]).toEqual([34, 6]);
	expect(host.count('run.maps')).toBe(2);
});

it('asks again for frames that were not stored, but not all the time', async () => {
	let stored = 4;
	const host = hostWith(() => stored);
	const maps = new TokenMaps(host, 'a');
	maps.of(5, 'relevance');
	await pass(1);
	stored = 10;
	expect(maps.of(5, 'relevance')).toBeNull();
	await pass(100);
	expect(maps.of(5, 'relevance')).toBeNull();
	expect(host.count('run.maps')).toBe(1);
	expect([...maps.of(3, 'relevance')!]).toEqual([3, 9]); // what was there stays
	await pass(600);
	maps.of(5, 'relevance');
	await pass(1);
	expect([...maps.of(5, 'relevance')!]).toEqual([5, 9]);
});

it('asks again after a failure', async () => {
	let fails = true;
	const host = hostWith(() => {
		if (fails) throw new Error('no connection');
		return 100;
	});
	const maps = new TokenMaps(host, 'a');
	maps.of(0, 'relevance');
	await pass(1);
	expect(maps.of(0, 'relevance')).toBeNull();
	fails = false;
	await pass(600);
	maps.of(0, 'relevance');
	await pass(1);
	expect([...maps.of(0, 'relevance')!]).toEqual([0, 9]);
});
