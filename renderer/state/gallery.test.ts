import { beforeEach, expect, it, vi } from 'vitest';
import type { BestSightings } from '../../main/counting/best-sightings.ts';
import { FakeHost } from './fake-host.fixture.ts';
import { Gallery, type GalleryRun } from './gallery.svelte.ts';

const RUN: GalleryRun = { runId: 'a', sightings: 100, edits: 0, going: true };
const YARD = { points: [[0, 0], [9, 0], [9, 9]] as [number, number][], anchor: 'bottom' as const }; // prettier-ignore

let host: FakeHost;
let gallery: Gallery;
beforeEach(() => {
	host = new FakeHost()
		.answer('tracks.best', () => ({}) as BestSightings)
		.answer('tracks.inZone', () => Int32Array.of(3));
	gallery = new Gallery(host, {
		cut: () => {
			throw new Error('no picture is asked for');
		},
	});
});

const asked = async (run: GalleryRun, zone: typeof YARD | null = null) => {
	gallery.want(run, zone);
	await vi.waitFor(() => expect(gallery.best ?? gallery.error).not.toBeNull());
	await new Promise((resolve) => setTimeout(resolve));
	return host.count('tracks.best');
};

it('asks about a run that goes on only once its objects were seen often enough since', async () => {
	const counts: number[] = [];
	for (const sightings of [100, 100, 105, 119, 120, 130, 139, 140, 1000, 1099, 1100])
		counts.push(await asked({ ...RUN, sightings }));
	expect(counts).toEqual([1, 1, 1, 1, 2, 2, 2, 3, 4, 4, 5]);
});

it('asks for the rest once the run has ended, and never again', async () => {
	await asked(RUN);
	expect(await asked({ ...RUN, sightings: 101 })).toBe(1);
	for (let i = 0; i < 3; i++) expect(await asked({ ...RUN, sightings: 101, going: false })).toBe(2);
	expect(await asked({ ...RUN, sightings: 101 })).toBe(2);
});

it.each<[what: string, run: Partial<GalleryRun>, zone: typeof YARD | null]>([
	['another run', { runId: 'b' }, null],
	['edits of tracks', { edits: 1 }, null],
	['fewer sightings after edits', { edits: 1, sightings: 3 }, null],
	['a zone', {}, YARD],
])('asks at once for %s, and once', async (_, change, zone) => {
	await asked(RUN);
	expect(await asked({ ...RUN, ...change }, zone)).toBe(2);
	expect(await asked({ ...RUN, ...change }, zone && { ...YARD })).toBe(2);
});

it('asks again for what was refused', async () => {
	host.refuse('tracks.best', 'run-unreadable');
	expect(await asked(RUN)).toBe(1);
	expect(gallery.error?.code).toBe('run-unreadable');
	expect(await asked(RUN)).toBe(2);
});
