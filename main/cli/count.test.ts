import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import type { ZoneSet } from '../domain/zones.ts';
import { inTemporaryFolder, type SampleRun, storeSampleRun } from '../export/run.fixture.ts';
import { countCommand, defineCount } from './count.ts';
import type { Session } from './options.ts';

/** The sample run's person walks to the right, one pixel a frame: its feet go from (8.25, 40) to (19.25, 40). */
const ZONES: ZoneSet = {
	format: 'sparsight-zones',
	version: 1,
	pictureSize: { width: 64, height: 48 },
	anchor: 'bottom',
	hysteresis: 0.05,
	zones: [{ id: 'kerb', name: 'Kerb', points: [[11, 30], [30, 30], [30, 47], [11, 47]] }], // prettier-ignore
	lines: [{ id: 'gate', name: 'Gate', from: [14, 0], to: [14, 48] }],
};

/** Runs the command on the sample run, in a folder that `words` may write to. */
async function count(words: readonly string[], zones: object = ZONES, sample: SampleRun = {}) {
	return inTemporaryFolder(async (folder) => {
		await storeSampleRun(join(folder, 'run'), sample);
		await writeFile(join(folder, 'zones.json'), JSON.stringify(zones));
		const said = { data: null as Record<string, unknown> | null, text: '', notes: [] as string[] };
		const session = {
			console: {
				json: true,
				verbose: false,
				result: (data: object, text: string) => Object.assign(said, { data, text }),
				note: (line: string) => said.notes.push(line),
				failure: () => undefined,
			},
			interruption: { signal: new AbortController().signal },
		} as unknown as Session;
		const command = defineCount(new Command())
			.exitOverride()
			.configureOutput({ writeErr: () => undefined })
			.action(async (run: string, options: Parameters<typeof countCommand>[1]) => {
				await countCommand(run, options, session);
			});
		const placed = words.map((word) => word.replace('@', `${folder}/`));
		await command.parseAsync([join(folder, 'run'), '--zones', join(folder, 'zones.json'), ...placed], {
			from: 'user',
		});
		const out = (said.data?.['eventsPath'] ?? null) as string | null;
		return { ...said, file: out === null ? null : await readFile(out, 'utf8') };
	});
}

describe('count', () => {
	it('tells counts per place and class', async () => {
		const { data, text } = await count([]);
		expect(data).toMatchObject({
			places: [
				{
					kind: 'zone',
					name: 'Kerb',
					mostAtOnce: 1,
					mostFrame: 3,
					classes: [{ class: 'person', visits: 1, entered: 1, left: 0, appeared: 0, disappeared: 1 }],
				},
				{ kind: 'line', name: 'Gate', classes: [{ class: 'person', forwards: 0, backwards: 1 }] },
			],
			events: 4,
			eventsPath: null,
		});
		expect(text.split('\n')).toEqual([
			'place  class   forwards  backwards  entered  left  appeared  disappeared  mean stay s  longest s',
			'Kerb   person                             1     0         0            1          0.8        0.8',
			'Gate   person         0          1',
			'Kerb: 1 at once at most, first in frame 3',
			'',
		]);
	});

	it('writes the events as CSV', async () => {
		const { file } = await count(['--events', '@events.csv']);
		expect(file!.split('\r\n')).toEqual([
			'frame,since_frame,time_s,event,place,direction,identity,class,score,left_px,top_px,right_px,bottom_px,stay_s,at_once',
			'0,0,0,appeared,,,1,person,0.9,2,10,14.5,40,,',
			'3,2,0.3,entered,Kerb,,1,person,0.9,5,10,17.5,40,,',
			'6,5,0.6,crossed,Gate,backwards,1,person,0.9,8,10,20.5,40,,',
			'11,11,1.1,disappeared,Kerb,,1,person,0.9,13,10,25.5,40,0.825,',
			'',
		]);
	});

	it('writes the events as JSON, with the zones', async () => {
		const { file } = await count(['--events', '@events.json', '--kind', 'crossed']);
		expect(JSON.parse(file!)).toEqual({
			video: expect.any(String),
			model: expect.any(String),
			mode: expect.any(String),
			zones: ZONES,
			events: [
				{
					frame: 6,
					sinceFrame: 5,
					timeSeconds: 0.6,
					event: 'crossed',
					place: 'Gate',
					direction: 'backwards',
					identity: 1,
					class: 'person',
					score: 0.9,
					box: [8, 10, 20.5, 40],
					seconds: null,
					atOnce: null,
				},
			],
		});
	});

	it.each<[what: string, words: string[], events: number]>([
		['a kind', ['--kind', 'entered', '--kind', 'crossed'], 2],
		['a zone', ['--zone', 'Kerb'], 2],
		['a class that was not seen', ['--class', 'bicycle'], 0],
		['a score', ['--min-score', '0.95'], 0],
		['frames', ['--from', '3', '--to', '6'], 2],
		['times', ['--from', '0.55s'], 2],
		['long stays', ['--dwell', '0.5', '--kind', 'dwelt'], 1],
		['crowds', ['--at-once', '0', '--kind', 'crowded'], 1],
	])('chooses events by %s', async (_, words, events) => {
		expect((await count(words)).data).toMatchObject({ events });
	});

	it('says that a run is not complete', async () => {
		const { notes } = await count([], ZONES, { state: 'cancelled', frames: 5 });
		expect(notes).toEqual([
			expect.stringMatching(/run is not complete: what follows is of the 5 frames that are stored;/),
		]);
	});

	it('scales zones that were drawn on a larger picture, and says so', async () => {
		const larger = {
			...ZONES,
			pictureSize: { width: 128, height: 96 },
			zones: [],
			lines: [{ ...ZONES.lines[0]!, from: [28, 0], to: [28, 96] }],
		};
		const { data, notes } = await count([], larger);
		expect(data).toMatchObject({ places: [{ classes: [{ backwards: 1 }] }] });
		expect(notes).toEqual(['The zones were drawn on 128×96 and are scaled to 64×48.']);
	});

	it.each<[what: string, words: string[], zones: object, sentence: RegExp]>([
		[
			'zones for another shape',
			[],
			{ ...ZONES, pictureSize: { width: 64, height: 64 } },
			/zones\.json: zones for a picture of 64×48/,
		],
		['a file that is none', [], {}, /zones\.json: format is not as zones have it/],
		[
			'an unknown class',
			['--class', 'unicorn'],
			ZONES,
			/^--class: one of person, bicycle was expected \(got "unicorn"\)\.$/,
		],
		['an unknown zone', ['--zone', 'Roof'], ZONES, /^--zone: one of Kerb, Gate was expected/],
		['an unknown kind', ['--kind', 'flew'], ZONES, /^--kind must be one of appeared, /],
		[
			'an unknown ending',
			['--events', '@events.xls'],
			ZONES,
			/^--events: a file that ends with \.csv or \.json/,
		],
	])('refuses %s', async (_, words, zones, sentence) => {
		await expect(count(words, zones)).rejects.toThrow(sentence);
	});
});
