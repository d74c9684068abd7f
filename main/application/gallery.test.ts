import { expect, it } from 'vitest';
import type { TrackPaths } from '../domain/track-paths.ts';
import { Gallery } from './gallery.ts';
import type { RunQueries } from './run-queries.ts';

/** Two objects that go to the right and grow, the second one below the first. */
function paths(): TrackPaths {
	const frames = [0, 1, 2, 0, 1, 2];
	return {
		identities: Int32Array.of(4, 9),
		classIndices: Uint16Array.of(0, 1),
		offsets: Uint32Array.of(0, 3, 6),
		frameIndices: Int32Array.from(frames),
		timesSeconds: Float64Array.from(frames, (frame) => frame / 10),
		boxesXyxy: Float32Array.from(
			frames.flatMap((f, i) => {
				const [x, y] = [100 + 20 * f, i < 3 ? 100 : 300];
				return [x, y, x + 40 + f, y + 80 + f];
			}),
		),
		scores: new Float32Array(6).fill(0.9),
	};
}

it('answers from what is known until a run grows or its tracks are edited', async () => {
	let stored = paths();
	const run = { header: { video: { displaySize: { width: 640, height: 480 } } } };
	const gallery = new Gallery({
		run: () => Promise.resolve(run),
		paths: () => Promise.resolve(stored),
	} as unknown as RunQueries);
	const first = await gallery.best({ runId: 'run' });
	expect([...first.frameIndices]).toEqual([2, 2]);
	expect(await gallery.best({ runId: 'run' })).toBe(first);
	stored = { ...paths(), scores: Float32Array.of(0.9, 0.9, 0.2, 0.9, 0.9, 0.9) };
	expect([...(await gallery.best({ runId: 'run' })).frameIndices]).toEqual([1, 2]);
	const zone = { points: [[0, 360], [640, 360], [640, 480], [0, 480]] as [number, number][], anchor: 'bottom' as const }; // prettier-ignore
	expect([...(await gallery.inZone({ runId: 'run', ...zone }))]).toEqual([9]);
});
