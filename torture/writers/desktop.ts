import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Log } from '../../main/desktop/log.ts';
import { WindowMemory } from '../../main/desktop/window-state.ts';
import { nothing, type Found, type Writer } from './writer.ts';

const BEFORE = { bounds: { x: 1, y: 2, width: 1000, height: 700 }, maximized: false, fullScreen: false };
const AFTER = { ...BEFORE, maximized: true };
/** Above this a log begins anew at the next start. */
const LARGE_BYTES = 2 ** 20 + 1;

/** What the desktop application keeps beside what the page asks for. */
export const DESKTOP_WRITERS: readonly Writer[] = [
	{
		title: "The desktop's window",
		prepare: (place) => new WindowMemory(join(place, 'settings')).store(BEFORE),
		open: (place) => {
			const memory = new WindowMemory(join(place, 'settings'));
			return Promise.resolve({ act: () => memory.store(AFTER), close: nothing });
		},
		find: async (place) => ({ window: await new WindowMemory(join(place, 'settings')).read() }),
		mayForget: true,
	},
	logger("The desktop's log", ''),
	logger("The desktop's log that has become large", `${'-'.repeat(LARGE_BYTES)}\n`),
];

function logger(title: string, filler: string): Writer {
	const pathIn = (place: string) => join(place, 'logs', 'sparsight.log');
	return {
		title,
		prepare: (place) => {
			mkdirSync(dirname(pathIn(place)));
			writeFileSync(pathIn(place), `${filler}2026-11-30T09:00:00.000Z event {"number":1}\n`);
			return nothing();
		},
		open: (place) =>
			Promise.resolve({
				act: () => {
					new Log(pathIn(place)).write('event', { number: 2 });
					return nothing();
				},
				close: nothing,
			}),
		find: (place) => Promise.resolve(eventsIn(pathIn(place))),
		grows: /^logs/,
		mayForget: true,
	};
}

/** The events that are logged whole; a full disk may cut the last one off. */
function eventsIn(path: string): Found {
	const texts = [`${path}.old`, path].map((name) => (existsSync(name) ? readFileSync(name, 'utf8') : ''));
	const events = texts
		.join('')
		.split('\n')
		.flatMap((line) => {
			const [, details] = /^\S+Z event (\{.*\})$/.exec(line) ?? [];
			try {
				return details === undefined ? [] : [(JSON.parse(details) as { number: number }).number];
			} catch {
				return [];
			}
		});
	return { events: [...new Set(events)] }; // a person asks twice where the first time failed
}
