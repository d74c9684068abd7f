import { expect, it } from 'vitest';
import type { HostEvent } from '../../preload/contract.ts';
import { EventQueue } from './page-socket.ts';

const progress = (exportId: string, done: number): HostEvent => ({
	type: 'export.progress',
	exportId,
	done,
	total: 9,
});
const ended = (exportId: string): HostEvent => ({
	type: 'export.ended',
	exportId,
	downloadUrl: null,
	companion: null,
	error: null,
});
const open: HostEvent = { type: 'command', command: 'open' };
const frames = { type: 'analysis.frames', runId: 'a' } as HostEvent;

function queue() {
	const page = { busy: true, heard: [] as HostEvent[] };
	const events = new EventQueue(
		(event) => page.heard.push(event),
		() => page.busy,
	);
	return { page, events };
}

it('tells a page that keeps up everything at once', () => {
	const { page, events } = queue();
	page.busy = false;
	const all = [progress('a', 1), progress('a', 2), frames, ended('a')];
	for (const event of all) events.add(event);
	expect(page.heard).toEqual(all);
});

it('tells a slow page every frame and every end, and of progress the newest before them', () => {
	const { page, events } = queue();
	for (const event of [progress('a', 1), frames, progress('b', 1), progress('a', 2), frames])
		events.add(event);
	expect(page.heard).toEqual([frames, frames]);
	events.add(ended('a'));
	expect(page.heard.slice(2)).toEqual([progress('a', 2), progress('b', 1), ended('a')]);
	events.add(open);
	expect(page.heard.at(-1)).toBe(open);
});

it('tells the newest progress once the page has caught up, and not before', () => {
	const { page, events } = queue();
	for (let done = 0; done < 9; done++) events.add(progress('a', done));
	events.flush();
	expect(page.heard).toEqual([]);
	page.busy = false;
	events.flush();
	expect(page.heard).toEqual([progress('a', 8)]);
});
