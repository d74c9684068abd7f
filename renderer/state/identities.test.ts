import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RunTracks } from '../../main/tracking/run-tracks.ts';
import { Changes } from '../changes.svelte.ts';
import { FakeHost } from './fake-host.fixture.ts';
import { Identities } from './identities.svelte.ts';

const none = new Int32Array(0);
const tracksOf = (framesKnown: number): RunTracks => ({
	framesKnown,
	identities: none,
	classIndices: new Uint16Array(0),
	firstFrames: none,
	lastFrames: none,
	sightings: none,
	spanOffsets: new Uint32Array(1),
	spans: none,
	names: [],
});

/** One detection a frame; the one of frame f is number f + 1. */
function hostWith(stored: () => number): FakeHost {
	return new FakeHost()
		.answer('run.tracks', () => tracksOf(stored()))
		.answer('run.identities', ({ from, count }) => {
			const rows = Math.max(0, Math.min(count, stored() - from));
			return {
				offsets: Uint32Array.from({ length: rows + 1 }, (_, i) => i),
				identities: Int32Array.from({ length: rows }, (_, i) => from + i + 1),
			};
		});
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());
const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);

describe('identities of a run', () => {
	it('asks for a block once and knows it from then on', async () => {
		const host = hostWith(() => 1000);
		const identities = new Identities(host, 'a');
		expect(identities.of(300)).toBeNull();
		expect(identities.of(301)).toBeNull();
		await pass(1);
		expect([...identities.of(300)!]).toEqual([301]);
		expect(host.count('run.identities')).toBe(1);
	});

	it('lets who looks at the last frame look again when there are more, and at once when the run has ended', async () => {
		let stored = 20;
		const host = hostWith(() => stored);
		const identities = new Identities(host, 'a');
		identities.of(19);
		identities.refresh(20, true);
		await pass(1);
		const announce = vi.spyOn(Changes.prototype, 'announce');
		stored = 21;
		identities.refresh(21, true);
		await pass(2000);
		expect(announce).toHaveBeenCalled();
		identities.of(19);
		await pass(1);
		expect(host.count('run.identities')).toBe(2);
		announce.mockClear();
		identities.refresh(22, false);
		await pass(1);
		expect(announce).toHaveBeenCalled();
		identities.of(19); // however short ago it was asked for
		await pass(1);
		expect(host.count('run.identities')).toBe(3);
		announce.mockRestore();
	});

	it('asks again for the end of a run that grows, but not all the time', async () => {
		let stored = 10;
		const host = hostWith(() => stored);
		const identities = new Identities(host, 'a');
		identities.of(12);
		await pass(1);
		stored = 20;
		expect(identities.of(12)).toBeNull();
		await pass(100);
		expect(identities.of(12)).toBeNull();
		expect(host.count('run.identities')).toBe(1);
		await pass(2000);
		identities.of(12);
		await pass(1);
		expect([...identities.of(12)!]).toEqual([13]);
		expect(host.count('run.identities')).toBe(2);
	});

	it('asks for all blocks anew when there are more objects: they may have been seen before', async () => {
		let objects = 1;
		const host = hostWith(() => 1000).answer('run.tracks', () => ({
			...tracksOf(1000),
			identities: new Int32Array(objects),
		}));
		const identities = new Identities(host, 'a');
		const look = async () => {
			for (const position of [3, 500]) identities.of(position);
			await pass(1);
			return host.count('run.identities');
		};
		for (const [next, requests] of [
			[1, 2],
			[1, 2],
			[2, 4],
		] as const) {
			objects = next;
			identities.refresh(2000, true);
			await pass(2001);
			expect([await look(), await look()]).toEqual([requests, requests]);
		}
	});

	it('asks for everything anew after an edit, and forgets what was on its way before', async () => {
		let names: RunTracks['names'] = [];
		const answers: ((tracks: RunTracks) => void)[] = [];
		const host = hostWith(() => 1000).answer('run.tracks', () => {
			const told = { ...tracksOf(1000), names };
			return new Promise<RunTracks>((resolve) => answers.push(() => resolve(told)));
		});
		const identities = new Identities(host, 'a');
		identities.of(3);
		identities.refresh(1000, false);
		await pass(1);
		names = [[4, 'Courier']];
		const reloaded = identities.reload();
		answers[1]!(tracksOf(0));
		await reloaded;
		answers[0]!(tracksOf(0));
		await pass(1);
		expect(identities.names.get(4)).toBe('Courier');
		identities.of(3);
		expect(host.count('run.identities')).toBe(2);
		expect(identities.edits).toBe(1);
	});

	it('follows a run that is going at a quiet pace, and rests when nothing is new', async () => {
		const host = hostWith(() => 50);
		const identities = new Identities(host, 'a');
		for (let frame = 1; frame <= 50; frame++) {
			identities.refresh(frame, true);
			await pass(100);
		}
		await pass(5000);
		expect(host.count('run.tracks')).toBe(1);
		identities.refresh(60, true);
		identities.refresh(61, true);
		await pass(1);
		expect(host.count('run.tracks')).toBe(2);
	});

	it('asks at once when a run has ended, and no more often than before after that', async () => {
		const host = hostWith(() => 50);
		const identities = new Identities(host, 'a');
		identities.refresh(40, true);
		await pass(1);
		identities.refresh(60, true); // waits for the pause
		identities.refresh(60, false);
		await pass(1);
		expect(host.count('run.tracks')).toBe(2);
		for (let i = 0; i < 10; i++) {
			identities.refresh(60, false); // of which the host knows 50
			await pass(10);
		}
		expect(host.count('run.tracks')).toBe(2);
		await pass(2000);
		expect(host.count('run.tracks')).toBe(3);
	});
});
