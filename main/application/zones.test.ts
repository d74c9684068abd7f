import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { TrackPaths } from '../domain/track-paths.ts';
import type { ZoneSet } from '../domain/zones.ts';
import type { RunQueries } from './run-queries.ts';
import type { Shell } from './shell.ts';
import { VideoNotes } from './video-notes.ts';
import type { Videos } from './videos.ts';
import { Zones } from './zones.ts';

const SIZES: Record<string, { width: number; height: number }> = {
	usual: { width: 640, height: 480 },
	large: { width: 1280, height: 960 },
	wide: { width: 1280, height: 720 },
};
const GATES: ZoneSet = {
	format: 'sparsight-zones',
	version: 1,
	pictureSize: SIZES['usual']!,
	anchor: 'centre',
	hysteresis: 0,
	zones: [],
	lines: [{ id: 'line-1', name: 'Gate', from: [320, 0], to: [320, 480] }],
};
/** One object that goes from the left to the right, ten pixels a frame. */
const FRAMES = Array.from({ length: 30 }, (_, i) => i);
const PATHS: TrackPaths = {
	identities: Int32Array.of(7),
	classIndices: Uint16Array.of(0),
	offsets: Uint32Array.of(0, 30),
	frameIndices: Int32Array.from(FRAMES),
	timesSeconds: Float64Array.from(FRAMES, (i) => i / 10),
	boxesXyxy: Float32Array.from(FRAMES.flatMap((i) => [190 + 10 * i, 100, 210 + 10 * i, 140])),
	scores: new Float32Array(30).fill(0.9),
};

let root: string;
let zones: Zones;

beforeEach(async () => {
	root = await mkdtemp(join(tmpdir(), 'sparsight-zones-'));
	zones = new Zones({
		notes: new VideoNotes(() => join(root, 'runs')),
		videos: {
			open: (videoId: string) =>
				Promise.resolve({
					identity: { fileBytes: videoId.length, edgesSha256: 'ab'.repeat(32) },
					info: { displaySize: SIZES[videoId] },
				}),
		} as unknown as Videos,
		queries: { paths: () => Promise.resolve(PATHS) } as unknown as RunQueries,
		shell: { host: 'web' } as Shell,
		settingsFolder: join(root, 'settings'),
	});
});
afterEach(() => rm(root, { recursive: true }));

test('what is drawn on a video comes back', async () => {
	expect(await zones.get('usual')).toBeNull();
	await zones.set({ videoId: 'usual', zones: GATES });
	expect(await zones.get('usual')).toEqual(GATES);
});

test('a crossing has its frame, its object and its direction', async () => {
	const { events } = await zones.counts({ runId: 'run', zones: GATES });
	const row = [...events.places].indexOf(0);
	// Along a line that goes down, who goes to the right goes to its left.
	expect([events.identities[row], events.directions[row]]).toEqual([7, -1]);
	expect(events.frameIndices[row]).toBeCloseTo(12, -1);
});

test('templates are listed by name, replaced, fitted to a picture of their shape, and deleted', async () => {
	await zones.storeTemplate({ name: 'Yard', zones: GATES });
	expect(await zones.storeTemplate({ name: 'Gate', zones: GATES })).toEqual(['Gate', 'Yard']);
	expect(await zones.storeTemplate({ name: 'Gate', zones: GATES })).toEqual(['Gate', 'Yard']);
	const { zones: fitted, scaledFrom } = await zones.useTemplate({ name: 'Gate', videoId: 'large' });
	expect(fitted.lines[0]).toMatchObject({ from: [640, 0], to: [640, 960] });
	expect(scaledFrom).toEqual(SIZES['usual']);
	expect(await zones.deleteTemplate('Gate')).toEqual(['Yard']);
});

test.for<[what: string, work: () => Promise<unknown>, sentence: RegExp]>([
	[
		'a template of a picture of another shape',
		async () => {
			await zones.storeTemplate({ name: 'Gate', zones: GATES });
			return zones.useTemplate({ name: 'Gate', videoId: 'wide' });
		},
		/^Gate: zones for a picture of 1280×720.*drawn on 640×480/,
	],
	[
		'a template that is not there',
		() => zones.useTemplate({ name: 'Gate', videoId: 'usual' }),
		/template that was listed was expected/,
	],
	[
		'a file that is none',
		() => zones.read({ videoId: 'usual', name: 'a.json', text: '[]' }),
		/^a\.json: the file is not as zones have it/,
	],
	['a file in a browser', () => zones.save({ name: 'a', zones: GATES }), /the page itself saves/],
])('%s is refused in a sentence', async ([, work, sentence]) => {
	await expect(work()).rejects.toThrow(sentence);
});
