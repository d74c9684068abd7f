import { beforeEach, describe, expect, it } from 'vitest';
import { countTracks } from '../../main/counting/count-tracks.ts';
import { pathsOf, walk, zoneSetOf } from '../../main/counting/paths.fixture.ts';
import type { EventWish } from '../../preload/events-contract.ts';
import { ANYWHERE, EventList, type EventPlace, type EventSource } from './event-list.svelte.ts';
import { FakeHost } from './fake-host.fixture.ts';

const ZONES = zoneSetOf({
	lines: [{ id: 'line-1', name: 'Gate', from: [320, 0], to: [320, 480] }],
	zones: [{ id: 'zone-1', name: 'Yard', points: [[400, 0], [640, 0], [640, 480], [400, 480]] }], // prettier-ignore
});
/** A person to the right, over the gate into the yard, and a car that comes back over the gate at the same time. */
const PATHS = pathsOf([
	{ path: walk([100, 200], [600, 200], 51), score: 0.9 },
	{ path: walk([360, 300], [60, 300], 51), score: 0.6, classIndex: 1, height: 60 },
]);
const ALL: EventWish = {
	kind: null,
	className: null,
	leastScore: null,
	leastHeight: null,
	mostHeight: null,
	dwellSeconds: null,
	mostAtOnce: null,
};

let host: FakeHost;
let source: EventSource | null;
let wish: EventWish;
let list: EventList;

beforeEach(() => {
	host = new FakeHost().answer('events.list', ({ zones, ...limits }) => {
		return countTracks(PATHS, zones, { smoothSeconds: 0, ...limits }).events;
	});
	source = { runId: 'run', classes: ['person', 'car'], zones: ZONES, version: 1 };
	wish = ALL;
	list = new EventList(
		host,
		() => source,
		() => wish,
	);
});

const found = () => Array.from(list.rows, (row) => list.at(row)!);

describe('a search', () => {
	it.each<[what: string, wish: Partial<EventWish>, place: Partial<EventPlace>, kinds: string[]]>([
		['takes a kind', { kind: 'crossed' }, {}, ['crossed', 'crossed']],
		['takes a class', { className: 'car' }, {}, ['appeared', 'crossed', 'disappeared']],
		['takes a place', {}, { placeId: 'zone-1' }, ['entered', 'disappeared']],
		['takes a direction', { kind: 'crossed' }, { direction: 1 }, ['crossed']],
		['has no direction without a line', {}, { direction: 1, placeId: 'zone-1' }, ['entered', 'disappeared']],
		['takes a score', { leastScore: 0.8, kind: 'crossed' }, {}, ['crossed']],
		['takes a height', { mostHeight: 80, kind: 'crossed' }, {}, ['crossed']],
		['takes a time', {}, { toSeconds: 1 }, ['appeared', 'appeared', 'crossed']],
		['does not mind a class that the model lacks', { className: 'whale', kind: 'crossed' }, {}, ['crossed', 'crossed']], // prettier-ignore
		['does not mind a zone that is gone', { kind: 'entered' }, { placeId: 'zone-9' }, ['entered']],
	])('%s', async (_, wanted, place, kinds) => {
		wish = { ...ALL, ...wanted };
		list.place = { ...ANYWHERE, ...place };
		await list.ensure();
		expect(found().map(({ kind }) => kind)).toEqual(kinds);
	});

	it('names what it finds', async () => {
		wish = { ...ALL, kind: 'entered' };
		await list.ensure();
		expect(found()).toMatchObject([{ className: 'person', place: 'Yard', identity: 1 }]);
	});
});

describe('the host', () => {
	it('is asked once for all searches, and anew for other zones, limits or more frames', async () => {
		await list.ensure();
		wish = { ...ALL, kind: 'crossed' };
		await list.ensure();
		expect(host.count('events.list')).toBe(1);
		wish = { ...ALL, dwellSeconds: 1 };
		await list.ensure();
		source = { ...source!, version: 2 };
		await list.ensure();
		source = { ...source, zones: { ...ZONES, lines: [] } };
		await list.ensure();
		expect(host.count('events.list')).toBe(4);
	});

	it('that refuses is quoted', async () => {
		host.refuse('events.list', 'zones-unreadable');
		await list.ensure();
		expect(list.error?.code).toBe('zones-unreadable');
	});
});

describe('going from event to event', () => {
	it('asks by itself, and goes to each of several in one frame', async () => {
		const frames: (number | null)[] = [];
		let frame = -1;
		for (let i = 0; i < 4; i++) {
			const next = await list.step(frame, 1);
			frames.push(next);
			frame = next ?? frame;
		}
		expect(frames.slice(0, 2)).toEqual([0, 0]);
		expect(frames[2]).toBeGreaterThan(0);
	});

	it('ends where there is none, and goes back', async () => {
		wish = { ...ALL, kind: 'disappeared' };
		expect(await list.step(10, 1)).toBe(50);
		expect(await list.step(50, 1)).toBe(50); // the other one of that frame
		expect(await list.step(50, 1)).toBeNull();
		expect(await list.step(50, -1)).toBe(50);
		expect(await list.step(50, -1)).toBeNull();
	});

	it('finds none without a run', async () => {
		source = null;
		expect(await list.step(0, 1)).toBeNull();
		expect(host.asked).toEqual([]);
	});
});
