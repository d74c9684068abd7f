import { tableFromIPC } from 'apache-arrow';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { COUNTING } from '../counting/count-tracks.ts';
import { Detections } from '../domain/detections.ts';
import { objectLabel } from '../domain/track-labels.ts';
import type { ZoneSet } from '../domain/zones.ts';
import { trackEditsToText } from '../tracking/edits-file.ts';
import { editsPath } from '../tracking/stored-edits.ts';
import type { TrackEdit } from '../tracking/track-edits.ts';
import { arrow } from './arrow.ts';
import { countRun } from './counted-run.ts';
import { csv } from './csv.ts';
import { eventsCsv, eventsJson } from './events.ts';
import type { ExportFormat } from './format.ts';
import { jsonLines } from './json-lines.ts';
import { mot } from './mot.ts';
import { OVERLAY_SETTINGS } from './overlay-settings.ts';
import { planRedaction } from './redaction/plan.ts';
import { inTemporaryFolder, storeSampleRun } from './run.fixture.ts';
import { openScenes } from './scenes.ts';
import { resolveSettings } from '../domain/settings-table.ts';
import type { StoredRun } from '../results/stored-run.ts';

const FRAMES = 10;
const B = 1_000_001; // what was split off object 1

/** One who walks to the right, four pixels a frame, and one who stands below. */
const detectionsOf = (f: number) =>
	new Detections(
		Uint16Array.of(0, 0),
		Float32Array.of(0.9, 0.8),
		Float32Array.of(4 * f, 2, 4 * f + 10, 20, 40, 28, 50, 46),
	);

const EDITS: TrackEdit[] = [
	{ kind: 'split', track: 1, frame: 6 },
	{ kind: 'rename', track: B, name: 'Courier, first' },
	{ kind: 'hide', track: 2 },
];

const ZONES: ZoneSet = {
	format: 'sparsight-zones',
	version: 1,
	pictureSize: { width: 64, height: 48 },
	anchor: 'centre',
	hysteresis: 0,
	zones: [],
	lines: [{ id: 'gate', name: 'Gate', from: [35, 0], to: [35, 24] }],
};

/** What `show` says of a run without edits and of the same run with them. */
async function beforeAndAfter<T>(show: (run: StoredRun, folder: string) => Promise<T>): Promise<[T, T]> {
	return inTemporaryFolder(async (folder) => {
		const run = await storeSampleRun(join(folder, 'run'), { frames: FRAMES, detectionsOf });
		const before = await show(run, folder);
		const path = editsPath(run.folder);
		await mkdir(dirname(path), { recursive: true });
		await writeFile(path, trackEditsToText(EDITS));
		return [before, await show(run, folder)];
	});
}

const exported = (format: ExportFormat) => async (run: StoredRun, folder: string) => {
	const out = join(folder, `out.${format.fileExtension}`);
	await format.write({ runs: [run], labels: ['run'], out, range: null, settings: {}, zones: ZONES });
	return readFile(out);
};
const rowsOf = (text: Buffer) => text.toString('utf8').trim().split(/\r?\n/);

/** What is looked at of each export, of the run as it was found and after the edits. */
const ENDS: [
	string,
	(run: StoredRun, folder: string) => Promise<unknown>,
	before: unknown,
	after: unknown,
][] = [
	[
		'csv',
		async (run, folder) => {
			const rows = rowsOf(await exported(csv)(run, folder));
			return [rows[0]!.replace(/^.*_px,/, ''), rows[1], ...rows.slice(-2)];
		},
		[
			'identity',
			'0,0,person,0.9,0,2,10,20,1',
			'9,0.9,person,0.9,36,2,46,20,1',
			'9,0.9,person,0.8,40,28,50,46,2',
		],
		['identity,name', '0,0,person,0.9,0,2,10,20,1,', `9,0.9,person,0.9,36,2,46,20,${B},"Courier, first"`, '9,0.9,person,0.8,40,28,50,46,,'], // prettier-ignore
	],
	[
		'jsonl',
		async (run, folder) => {
			const lines = rowsOf(await exported(jsonLines)(run, folder));
			return [lines[0]!, lines.at(-1)!].map((line) =>
				(JSON.parse(line) as { detections: { identity?: number; name?: string }[] }).detections.map(
					({ identity, name }) => [identity, name],
				),
			);
		},
		[[[1, undefined], [2, undefined]], [[1, undefined], [2, undefined]]], // prettier-ignore
		[[[1, undefined], [undefined, undefined]], [[B, 'Courier, first'], [undefined, undefined]]], // prettier-ignore
	],
	[
		'arrow',
		async (run, folder) => {
			const table = tableFromIPC(await exported(arrow)(run, folder));
			return ['identity', 'name'].map((column) => {
				const values = table.getChild(column);
				return values && [0, 1, -2, -1].map((row) => values.get((row + values.length) % values.length));
			});
		},
		[[1, 2, 1, 2], null],
		[
			[1, null, B, null],
			[null, null, 'Courier, first', null],
		],
	],
	[
		'mot',
		async (run, folder) => rowsOf(await exported(mot)(run, folder)).map((line) => Number(line.split(',')[1])),
		new Array(FRAMES).fill([1, 2]).flat(),
		[...new Array(6).fill(1), ...new Array(4).fill(B)],
	],
	[
		'events as csv',
		async (run, folder) =>
			rowsOf(await exported(eventsCsv)(run, folder))
				.filter((row) => row.includes('crossed') || row.startsWith('frame'))
				.map((row) => row.replace(/^(.*?,){6}/, '')),
		[expect.stringMatching(/^identity,.*at_once$/), expect.stringMatching(/^1,/)],
		[expect.stringMatching(/,at_once,name$/), expect.stringMatching(`^${B},.*,"Courier, first"$`)],
	],
	[
		'events as json',
		async (run, folder) => {
			const { events } = JSON.parse((await exported(eventsJson)(run, folder)).toString('utf8')) as {
				events: { event: string; identity: number; name?: string }[];
			};
			const crossed = events.filter(({ event }) => event === 'crossed');
			return crossed.map(({ identity, name }) => [identity, name]);
		},
		[[1, undefined]],
		[[B, 'Courier, first']],
	],
	[
		'paths that are counted',
		async (run) => [...(await countRun(run, ZONES, 'zones', COUNTING)).paths.identities],
		[1, 2],
		[1, B],
	],
	[
		'labels of the annotated video',
		async (run) => {
			const settings = resolveSettings(OVERLAY_SETTINGS, {}, 'test');
			const scenes = await openScenes([run], ['run'], settings, { width: 64, height: 48 });
			return [0, FRAMES - 1].map((frame) => {
				const { identities } = scenes.at(frame, frame / 10, true).panes[0]!;
				return Array.from(identities, (one) => objectLabel(one, scenes.overlay.panes[0]!.names));
			});
		},
		[['#1', '#2'], ['#1', '#2']], // prettier-ignore
		[['#1', ''], ['Courier, first', '']], // prettier-ignore
	],
	[
		'who is hidden in a redacted video',
		async (run) => {
			const frames = Array.from({ length: FRAMES }, (_, f) => f);
			const clip = { frameIndices: Int32Array.from(frames), timesSeconds: Float64Array.from(frames, (f) => f / 10) }; // prettier-ignore
			const plan = await planRedaction(run, clip, {
					whom: 'people',
					also: '',
					except: existsSync(editsPath(run.folder)) ? '1b' : '',
					margin: 0,
					lead: 0,
					leastScore: 0.5,
					pictureSize: { width: 64, height: 48 },
				}, undefined); // prettier-ignore
			// A hidden track is nobody, and its boxes are covered as those of nobody are.
			return [plan.hidden.map(({ identity }) => identity), plan.spared, [0, 8].map((f) => plan.boxesAt(f).length)]; // prettier-ignore
		},
		[[1, 2], [], [2, 2]],
		[[1], [B], [2, 1]],
	],
];

describe('edits of tracks reach', () => {
	it.each(ENDS)('%s', async (_, show, before, after) => {
		expect(await beforeAndAfter(show)).toEqual([before, after]);
	});
});
