import { join } from 'node:path';
import { z } from 'zod';
import { readJsonFile, writeJsonFile } from '../process/json-file.ts';
import { OneAtATime } from '../process/one-at-a-time.ts';

/** A rectangle on the desktop, in device-independent pixels. */
export type Rectangle = { x: number; y: number; width: number; height: number };

/** State of the window when it was closed. */
const windowStateSchema = z.object({
	bounds: z.object({ x: z.int(), y: z.int(), width: z.int(), height: z.int() }),
	maximized: z.boolean(),
	fullScreen: z.boolean(),
});
export type WindowState = z.infer<typeof windowStateSchema>;

/** Where the window was left, in a file among the settings. */
export class WindowMemory {
	readonly #path: string;
	/** One state after another, so that the last one is the last one written. */
	readonly #writes = new OneAtATime();

	constructor(settingsFolder: string) {
		this.#path = join(settingsFolder, 'window.json');
	}

	/** Null at the first start. */
	read(): Promise<WindowState | null> {
		return readJsonFile(this.#path, windowStateSchema);
	}

	/** Never fails: where it can't be written, the next window opens where an earlier one was. */
	async store(state: WindowState): Promise<void> {
		await this.#writes.do(() => writeJsonFile(this.#path, state)).catch(() => undefined);
	}
}

const FIRST_SIZE = { width: 1280, height: 800 };
/** The page needs at least this size. */
export const SMALLEST_SIZE = { width: 880, height: 560 };
/** At least this much of the upper edge must be on a screen, so that it can be dragged. */
const HANDLE = { width: 120, height: 32 };

/**
 * Where the window opens: where it was closed if it can be reached there, never larger than its screen; otherwise in
 * the middle of the first screen. `workAreas`: those of the connected screens, the primary one first.
 */
export function placeWindow(left: WindowState | null, workAreas: readonly Rectangle[]): Rectangle {
	const screen = left && workAreas.find((area) => canBeTaken(left.bounds, area));
	if (left && screen) return shrinkInto(left.bounds, screen);
	const first = workAreas[0] ?? { x: 0, y: 0, ...FIRST_SIZE };
	const size = left?.bounds ?? FIRST_SIZE;
	const width = Math.min(Math.max(size.width, SMALLEST_SIZE.width), first.width);
	const height = Math.min(Math.max(size.height, SMALLEST_SIZE.height), first.height);
	return {
		x: first.x + Math.round((first.width - width) / 2),
		y: first.y + Math.round((first.height - height) / 2),
		width,
		height,
	};
}

function canBeTaken(bounds: Rectangle, area: Rectangle): boolean {
	const right = Math.min(bounds.x + bounds.width, area.x + area.width);
	const width = right - Math.max(bounds.x, area.x);
	const bottomOfHandle = bounds.y + HANDLE.height;
	return width >= HANDLE.width && bounds.y >= area.y && bottomOfHandle <= area.y + area.height;
}

/** The rectangle, no larger than `area`; it may still extend beyond its edges, as the user left it. */
function shrinkInto({ x, y, width, height }: Rectangle, area: Rectangle): Rectangle {
	return { x, y, width: Math.min(width, area.width), height: Math.min(height, area.height) };
}
