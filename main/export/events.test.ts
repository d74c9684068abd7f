import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { ZoneSet } from '../domain/zones.ts';
import { eventsCsv, eventsJson } from './events.ts';
import { inTemporaryFolder, storeSampleRun } from './run.fixture.ts';

/** The sample run's person crosses it in frame 6. */
const ZONES: ZoneSet = {
	format: 'sparsight-zones',
	version: 1,
	pictureSize: { width: 64, height: 48 },
	anchor: 'bottom',
	hysteresis: 0.05,
	zones: [],
	lines: [{ id: 'gate', name: 'Gate "north", lower', from: [14, 0], to: [14, 48] }],
};

const RANGE = { from: { frame: 1 }, to: { frame: 8 }, every: 1 };

it.each([
	[eventsCsv, (text: string) => text.trim().split('\r\n').slice(1).length],
	[eventsJson, (text: string) => (JSON.parse(text) as { events: unknown[] }).events.length],
])('$id holds the events of the range, of a run that was followed whole', async (format, count) => {
	await inTemporaryFolder(async (folder) => {
		const run = await storeSampleRun(join(folder, 'run'));
		const request = { runs: [run], labels: ['run'], settings: {}, zones: ZONES };
		const of = async (name: string, range: typeof RANGE | null) => {
			await format.write({ ...request, out: join(folder, name), range });
			return readFile(join(folder, name), 'utf8');
		};
		expect(count(await of('all', null))).toBe(3);
		expect(count(await of('some', RANGE))).toBe(1);
	});
});

it('quotes names in CSV', async () => {
	await inTemporaryFolder(async (folder) => {
		const run = await storeSampleRun(join(folder, 'run'));
		const out = join(folder, 'events.csv');
		await eventsCsv.write({ runs: [run], labels: ['run'], out, range: RANGE, settings: {}, zones: ZONES });
		expect(await readFile(out, 'utf8')).toContain('\r\n6,5,0.6,crossed,"Gate ""north"", lower",backwards,1,');
	});
});

it('asks for zones where there are none, and leaves nothing behind', async () => {
	await inTemporaryFolder(async (folder) => {
		const run = await storeSampleRun(join(folder, 'run'));
		const request = {
			runs: [run],
			labels: ['run'],
			out: join(folder, 'events.csv'),
			range: null,
			settings: {},
		};
		await expect(eventsCsv.write(request)).rejects.toThrow(
			'format events-csv: zones or lines on the picture were expected (there are none).',
		);
		expect(await readdir(folder)).toEqual(['run']);
	});
});
