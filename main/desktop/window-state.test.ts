import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inTemporaryFolder } from '../export/run.fixture.ts';
import { placeWindow, SMALLEST_SIZE, WindowMemory, type Rectangle } from './window-state.ts';

const MAIN = { x: 0, y: 25, width: 1920, height: 1015 };
const LEFT_SCREEN = { x: -1280, y: 0, width: 1280, height: 1024 };

function left(bounds: Rectangle) {
	return { bounds, maximized: false, fullScreen: false };
}

describe('placeWindow', () => {
	it.each<[string, Rectangle, Rectangle[], Rectangle]>([
		[
			'where it was',
			{ x: 100, y: 100, width: 1000, height: 700 },
			[MAIN],
			{ x: 100, y: 100, width: 1000, height: 700 },
		],
		[
			'on the screen to the left, while that is there',
			{ x: -1200, y: 50, width: 1000, height: 700 },
			[MAIN, LEFT_SCREEN],
			{ x: -1200, y: 50, width: 1000, height: 700 },
		],
		[
			'in the middle of the first screen when its own one is gone',
			{ x: -1200, y: 50, width: 1000, height: 700 },
			[MAIN],
			{ x: 460, y: 183, width: 1000, height: 700 },
		],
		[
			'in the middle when its upper edge is above the screen',
			{ x: 100, y: -300, width: 1000, height: 700 },
			[MAIN],
			{ x: 460, y: 183, width: 1000, height: 700 },
		],
		[
			'in the middle when too little of it can be taken',
			{ x: 1900, y: 100, width: 1000, height: 700 },
			[MAIN],
			{ x: 460, y: 183, width: 1000, height: 700 },
		],
		[
			'over the edge, as the person left it',
			{ x: 1500, y: 100, width: 1000, height: 700 },
			[MAIN],
			{ x: 1500, y: 100, width: 1000, height: 700 },
		],
		[
			'no larger than its screen',
			{ x: 0, y: 30, width: 5000, height: 4000 },
			[MAIN],
			{ x: 0, y: 30, width: 1920, height: 1015 },
		],
	])('opens %s', (_, bounds, screens, expected) => {
		expect(placeWindow(left(bounds), screens)).toEqual(expected);
	});

	it('opens in the middle of the first screen at the first start', () => {
		expect(placeWindow(null, [MAIN, LEFT_SCREEN])).toEqual({ x: 320, y: 133, width: 1280, height: 800 });
	});

	it('fits a small screen at the first start', () => {
		const small = { x: 0, y: 0, width: 1024, height: 600 };
		expect(placeWindow(null, [small])).toEqual(small);
	});

	it('never opens smaller than the page needs', () => {
		const { width, height } = placeWindow(left({ x: -9000, y: 0, width: 1, height: 1 }), [MAIN]);
		expect({ width, height }).toEqual(SMALLEST_SIZE);
	});
});

it.each([
	[
		'numbers that are none',
		{ bounds: { x: 'a', y: 0, width: 1, height: 1 }, maximized: false, fullScreen: false },
	],
	['half pixels', { bounds: { x: 0.5, y: 0, width: 1, height: 1 }, maximized: false, fullScreen: false }],
	['a missing part', { bounds: { x: 0, y: 0, width: 1 }, maximized: false, fullScreen: false }],
])('a stored state with %s is not believed', (_, state) =>
	inTemporaryFolder(async (folder) => {
		writeFileSync(join(folder, 'window.json'), JSON.stringify(state));
		expect(await new WindowMemory(folder).read()).toBeNull();
	}),
);

describe('where the window was left', () => {
	const states = Array.from({ length: 20 }, (_, x) => left({ x, y: 0, width: 1000, height: 700 }));

	it('is the last place of many in a row', () =>
		inTemporaryFolder(async (folder) => {
			const memory = new WindowMemory(folder);
			await Promise.all(states.map((state) => memory.store(state)));
			expect(await new WindowMemory(folder).read()).toEqual(states.at(-1));
		}));

	it('is nothing to fail by', () =>
		inTemporaryFolder(async (folder) => {
			const settings = join(folder, 'settings');
			writeFileSync(settings, 'a file in the way');
			const memory = new WindowMemory(settings);
			await memory.store(states[0]!);
			rmSync(settings);
			await memory.store(states[1]!);
			expect(await new WindowMemory(settings).read()).toEqual(states[1]);
		}));
});
