import type { FrameTable } from './frame-table.ts';

/** Reading a table may not hold up the page for longer. */
const READING_MS = 8;

/** Growth is told so often: whoever draws a scale of all frames need not do so for each. */
const REPORT_MS = 150;

/**
 * Fills a table from packets in the order of decoding. Yields the number of known frames whenever the page should
 * look: as soon as there is one, now and then while reading goes on, and at the end; then the table is complete.
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
