import { tableFromIPC } from 'apache-arrow';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { statedClock, type RecordingClock } from '../domain/recording-clock.ts';
import { arrow } from './arrow.ts';
import { coco } from './coco.ts';
import { csv } from './csv.ts';
import type { ExportFormat } from './format.ts';
import { jsonLines } from './json-lines.ts';
import { inTemporaryFolder, storeSampleRun } from './run.fixture.ts';

const TOKYO = statedClock('2026-11-29 09:00:00', 'Asia/Tokyo');
/** Of the frame at 1.5 s. */
const TOLD = '2026-11-29T09:00:01.500+09:00';

async function exported(format: ExportFormat, clock: RecordingClock | null, settings = {}): Promise<Buffer> {
	return inTemporaryFolder(async (folder) => {
		const run = await storeSampleRun(join(folder, 'run'), { frames: 1, timeOf: () => 1.5 });
		const out = join(folder, 'out');
		await format.write({ runs: [run], labels: ['run'], out, range: null, settings, clock });
		return readFile(out);
	});
}

/** Columns of the first row of a CSV. */
const row = (bytes: Buffer) => {
	const [head, first] = bytes.toString().split('\r\n');
	const values = first!.split(',');
	return Object.fromEntries(head!.split(',').map((name, i) => [name, values[i]]));
};

describe('when a frame was recorded stands in', () => {
	it.each<[string, ExportFormat, object, (bytes: Buffer) => unknown]>([
		['csv, per detection', csv, {}, (bytes) => row(bytes)['recorded_at']],
		['csv, per frame', csv, { table: 'frames' }, (bytes) => row(bytes)['recorded_at']],
		[
			'json lines',
			jsonLines,
			{},
			(bytes) => (JSON.parse(bytes.toString()) as { recordedAt?: string }).recordedAt,
		],
		[
			'coco',
			coco,
			{},
			(bytes) =>
				(JSON.parse(bytes.toString()) as { images: { date_captured?: string }[] }).images[0]!.date_captured,
		],
	])('%s', async (_, format, settings, told) => {
		expect(told(await exported(format, TOKYO, settings))).toBe(TOLD);
		expect(told(await exported(format, null, settings))).toBeUndefined();
	});

	it('arrow, as a moment with its zone', async () => {
		const table = tableFromIPC(await exported(arrow, TOKYO));
		const column = table.getChild('recorded_at')!;
		expect(column.type).toMatchObject({ timezone: 'Asia/Tokyo' });
		expect(column.get(0)).toBe(Date.parse(TOLD));
		expect(tableFromIPC(await exported(arrow, null)).getChild('recorded_at')).toBeNull();
	});
});
