import { beforeEach, expect, it } from 'vitest';
import { UserFacingError } from '../../main/domain/errors.ts';
import type { BatchEntry, BatchObjects } from '../../preload/batch-contract.ts';
import { FakeHost } from './fake-host.fixture.ts';
import { ObjectTable } from './object-table.svelte.ts';

function jobOf(name: string, state: BatchEntry['state'] = 'done'): BatchEntry {
	return {
		jobId: `job-${name}`,
		video: { videoId: `video-${name}`, name, folder: '/v', exists: true },
		modelId: 'lookout',
		mode: 'dense',
		settings: {},
		state,
		framesDone: 10,
		framesEstimated: null,
		framesPerSecond: 0,
		error: null,
		runId: `run-${name}`,
	};
}

/** Objects that are first seen at these seconds: people and bicycles in turn; the first of them is in the yard. */
function objectsFrom(seconds: number[], startsAt: string | null): BatchObjects {
	const count = seconds.length;
	return {
		clock: startsAt === null ? null : { startsAt, timeZone: 'UTC', source: 'stated' },
		startSeconds: 5,
		zonesProblem: null,
		objects: {
			identities: Int32Array.from(seconds, (_, i) => i + 1),
			classIndices: Uint16Array.from(seconds, (_, i) => i % 2),
			firstFrames: Int32Array.from(seconds, (second) => second * 10),
			firstSeconds: Float64Array.from(seconds),
			seenSeconds: new Float64Array(count).fill(1.5),
			bestScores: new Float32Array(count).fill(0.75),
			zoneOffsets: Uint32Array.from({ length: count + 1 }, (_, i) => Math.min(i, 1)),
			zones: Uint16Array.of(0),
			zoneNames: ['Yard', 'Gate'],
			classes: ['person', 'bicycle'],
			names: [[1, 'Courier']],
		},
	};
}

const ANSWERS = new Map([
	['job-late', objectsFrom([5, 6], '2026-11-29T10:00:00.000Z')],
	['job-plain', objectsFrom([3], null)],
	['job-early', objectsFrom([5, 7, 3700], '2026-11-29T09:00:00.000Z')],
]);
const JOBS = [jobOf('late'), jobOf('plain'), jobOf('gone'), jobOf('waits', 'waiting'), jobOf('early')];

let host: FakeHost;
let table: ObjectTable;
beforeEach(async () => {
	host = new FakeHost().answer('batch.objects', ({ jobId }) => {
		const answer = ANSWERS.get(jobId);
		if (!answer) throw new UserFacingError('run-unreadable', 'gone');
		return answer;
	});
	table = new ObjectTable(host);
	await table.want(JOBS);
});

const shown = () =>
	Array.from(table.rows, (row) => {
		const { job, frame } = table.at(row)!;
		return `${job.video.name} ${frame}`;
	});

it('has the objects of all files that are done, and says which cannot be read', () => {
	expect(shown()).toEqual(['late 50', 'late 60', 'plain 30', 'early 50', 'early 70', 'early 37000']);
	expect([...table.refused].map(([jobId, { code }]) => [jobId, code])).toEqual([
		['job-gone', 'run-unreadable'],
	]);
	expect(table.at(table.rows[3]!)).toMatchObject({
		identity: 1,
		className: 'person',
		timeOfDay: '2026-11-29T09:00:00.000Z',
		zones: ['Yard'],
	});
	expect([table.classes, table.zones, table.progress]).toEqual([
		['bicycle', 'person'],
		['Gate', 'Yard'],
		null,
	]);
});

it.each([
	[{ order: 'time' }, ['early 50', 'early 70', 'late 50', 'late 60', 'early 37000', 'plain 30']],
	[{ className: 'bicycle' }, ['late 60', 'early 70']],
	[{ zone: 'Yard', order: 'time' }, ['early 50', 'late 50', 'plain 30']],
	[{ zone: 'Gate' }, []],
	[{ videoId: 'video-early', className: 'person' }, ['early 50', 'early 37000']],
] as const)('shows for %j what is like that', (wish, expected) => {
	table.choose(wish);
	expect(shown()).toEqual(expected);
});

it('reads what is done later, nothing twice, and everything anew when it is opened again', async () => {
	await table.want(JOBS);
	expect(host.count('batch.objects')).toBe(4);
	await table.want([...JOBS, jobOf('late-too')]);
	expect(host.count('batch.objects')).toBe(5);
	table.open();
	await table.want(JOBS);
	expect(host.count('batch.objects')).toBe(9);
});

it('stops where it is told to, and forgets files that are taken out of the list', async () => {
	table.open();
	const reading = table.want(JOBS);
	table.stop();
	await reading;
	expect(host.count('batch.objects')).toBe(5);
	await table.want(JOBS.slice(0, 2));
	expect(host.count('batch.objects')).toBe(5);
	expect(shown()).toEqual(['late 50', 'late 60', 'plain 30']);
});
