import type { FrameTable } from './frame-table.ts';

/** Longest time that reading may block the page. */
const READING_MS = 8;

/** Interval of reports, so that a scale of all frames is not redrawn for each frame. */
const REPORT_MS = 150;

/**
 * Fills a table from packets in decoding order, while nothing that `before` gives is awaited. Yields the number of known frames as soon as there is one, regularly
 * while reading, and at the end, when the table is complete.
 */
export async function* readTable(
	packets: AsyncIterable<{ seconds: number; isKey: boolean }>,
	table: FrameTable,
	before: () => Promise<void> | null = () => null,
): AsyncGenerator<number, void, void> {
	let reported = Number.NEGATIVE_INFINITY;
	let since = performance.now();
	for await (const { seconds, isKey } of packets) {
		table.add(seconds, isKey);
		const now = performance.now();
		if (table.known > 0 && now - reported >= REPORT_MS) {
			reported = now;
			yield table.known;
			await before();
		}
		if (now - since < READING_MS) continue;
		await nextTask();
		since = performance.now();
	}
	table.finish();
	yield table.known;
}

/**
 * Lets other work of the page come first: in the background, for else the host's answers wait until the table is read. Timers alone would
 * wait for four milliseconds each time.
 */
function nextTask(): Promise<void> {
	if ('scheduler' in globalThis) return scheduler.postTask(() => undefined, { priority: 'background' });
	return new Promise((resolve) => setTimeout(resolve));
}
