import { EventEmitter } from 'node:events';
import { resolve } from 'node:path';
import type { App } from 'electron';
import { describe, expect, it } from 'vitest';
import { claimSingleInstance, videoOfCommandLine } from './single-instance.ts';

describe('the video of a command line', () => {
	it.each([
		['packaged, none', ['/opt/sparsight'], true, null],
		['packaged, absolute', ['/opt/sparsight', '/videos/a.mp4'], true, '/videos/a.mp4'],
		['packaged, relative', ['/opt/sparsight', 'a.mp4'], true, resolve('/home', 'a.mp4')],
		[
			'packaged, after switches',
			['/opt/sparsight', '--no-sandbox', '-x', 'a.mp4'],
			true,
			resolve('/home', 'a.mp4'),
		],
		['from the project, none', ['electron', '/project'], false, null],
		['from the project', ['electron', '/project', 'a.mp4'], false, resolve('/home', 'a.mp4')],
		[
			'from the project, with switches',
			['electron', '--inspect=0', '/project', '--x', '/a.mp4'],
			false,
			'/a.mp4',
		],
		['an empty word', ['/opt/sparsight', ''], true, null],
	])('%s', (_, argv, isPackaged, video) => {
		expect(videoOfCommandLine(argv, isPackaged, '/home')).toBe(video);
	});
});

/** The application as one process after another meets it. */
class Machine {
	#first: EventEmitter | null = null;
	start(): Pick<App, 'requestSingleInstanceLock' | 'on'> {
		const app = new EventEmitter();
		const requestSingleInstanceLock = (data: unknown) => {
			if (this.#first === null) {
				this.#first = app;
				return true;
			}
			// Chromium may have put words of its own into the command line.
			this.#first.emit('second-instance', {}, ['sparsight', '--flag', '/not/this.mp4'], '/elsewhere', data);
			return false;
		};
		return Object.assign(app, { requestSingleInstanceLock }) as never;
	}
}

describe('a second start', () => {
	it.each([['/a.mp4'], [null]])('hands over %s and ends', (video) => {
		const machine = new Machine();
		const handed: (string | null)[] = [];
		expect(claimSingleInstance(machine.start(), '/first.mp4', (path) => handed.push(path))).toBe(true);
		expect(claimSingleInstance(machine.start(), video, () => handed.push('wrong process'))).toBe(false);
		expect(handed).toEqual([video]);
	});
});
