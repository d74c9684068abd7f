import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { statedClock } from '../domain/recording-clock.ts';
import type { ZoneSet } from '../domain/zones.ts';
import { VideoNotes } from './video-notes.ts';
import { identityKey } from '../video/identity.ts';

const VIDEO = { fileBytes: 1234, edgesSha256: 'ab'.repeat(32) };
const ZONES: ZoneSet = {
	format: 'sparsight-zones',
	version: 1,
	pictureSize: { width: 640, height: 480 },
	anchor: 'bottom',
	hysteresis: 0.05,
	zones: [],
	lines: [{ id: 'gate', name: 'Gate', from: [0, 240], to: [320, 240] }],
};

let root: string;
let notes: VideoNotes;
const folder = () => join(root, identityKey(VIDEO), 'notes');

beforeEach(async () => {
	root = await mkdtemp(join(tmpdir(), 'sparsight-notes-'));
	notes = new VideoNotes(() => root);
});
afterEach(() => rm(root, { recursive: true }));

test('a stated clock is kept until it is forgotten; rubbish is none', async () => {
	const clock = statedClock('2026-11-29 09:00:00', 'Asia/Tokyo');
	expect(await notes.clock(VIDEO)).toBeNull();
	await notes.storeClock(VIDEO, clock);
	expect(await notes.clock(VIDEO)).toEqual(clock);
	await notes.storeClock(VIDEO, null);
	expect(await notes.clock(VIDEO)).toBeNull();
	await writeFile(join(folder(), 'clock.json'), '{"startsAt":"2026-11-29T00:00:00.000Z","timeZone":"Mars"}');
	expect(await notes.clock(VIDEO)).toBeNull();
});

test('a video without notes has no zones', async () => expect(await notes.zones(VIDEO)).toBeNull());

test('zones come back, for the video that they were drawn on', async () => {
	await notes.storeZones(VIDEO, ZONES);
	expect(await notes.zones(VIDEO)).toEqual(ZONES);
	expect(await notes.zones({ ...VIDEO, fileBytes: 99 })).toBeNull();
});

test('of many changes at once the last one stays, and nothing beside it', async () => {
	const named = (name: string) => ({ ...ZONES, lines: [{ ...ZONES.lines[0]!, name }] });
	await Promise.all(Array.from({ length: 20 }, (_, i) => notes.storeZones(VIDEO, named(`Gate ${i}`))));
	expect((await notes.zones(VIDEO))!.lines[0]!.name).toBe('Gate 19');
	expect(await readdir(folder())).toEqual(['zones.json']);
});

test('zones that count nothing are not stored', async () => {
	const lines = [{ ...ZONES.lines[0]!, to: ZONES.lines[0]!.from }];
	await expect(notes.storeZones(VIDEO, { ...ZONES, lines })).rejects.toMatchObject({
		code: 'zones-unreadable',
	});
	expect(await notes.zones(VIDEO)).toBeNull();
});

test('a damaged file is named, and kept', async () => {
	await mkdir(folder(), { recursive: true });
	await writeFile(join(folder(), 'zones.json'), '{"format":');
	await expect(notes.zones(VIDEO)).rejects.toMatchObject({
		code: 'zones-unreadable',
		message: expect.stringContaining(join(folder(), 'zones.json')),
	});
	expect(await readdir(folder())).toEqual(['zones.json']);
});

test.for<[what: string, work: () => Promise<unknown>, refusal: string | null]>([
	['asked for to be drawn on', () => notes.zonesToEdit(VIDEO), 'zones-set-aside'],
	['written over', () => notes.storeZones(VIDEO, ZONES), null],
])('a damaged file that is %s is kept under another name', async ([, work, refusal]) => {
	await mkdir(folder(), { recursive: true });
	await writeFile(join(folder(), 'zones.json'), '{"format":');
	const error = await work().then(
		() => null,
		(reason: unknown) => reason as { code: string; message: string },
	);
	expect(error?.code ?? null).toBe(refusal);
	const [aside] = (await readdir(folder())).filter((name) => name !== 'zones.json');
	expect(aside).toMatch(/^zones-unreadable-\d{4}-\d\d-\d\dT[\d-]+\.\d+\.json$/);
	if (error) expect(error.message).toContain(aside);
	expect(await readFile(join(folder(), aside!), 'utf8')).toBe('{"format":');
	// From then on, zones are drawn as ever.
	await notes.storeZones(VIDEO, ZONES);
	expect(await notes.zonesToEdit(VIDEO)).toEqual(ZONES);
	expect(await readdir(folder())).toEqual([aside, 'zones.json'].sort());
});
