import type { FrameTable } from './frame-table.ts';

/** Longest time that reading may block the page. */
const READING_MS = 8;

/** Interval of reports, so that a scale of all frames is not redrawn for each frame. */
const REPORT_MS = 150;

/**
 * Fills a table from packets in decoding order. Yields the number of known frames as soon as there is one, regularly
 * while reading, and at the end, when the table is complete.
 */
export async function* readTable(
	packets: AsyncIterable<{ seconds: number; isKey: boolean }>,
	table: FrameTable,
): AsyncGenerator<number, void, void> {
	let reported = Number.NEGATIVE_INFINITY;
	let since = performance.now();
	for await (const { seconds, isKey } of packets) {
		table.add(seconds, isKey);
		const now = performance.now();
		if (table.known > 0 && now - reported >= REPORT_MS) {
			reported = now;
			yield table.known;
		}
		if (now - since < READING_MS) continue;
		await new Promise((resolve) => setTimeout(resolve));
		since = performance.now();
	}
	table.finish();
	yield table.known;
}
