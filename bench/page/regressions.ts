import type { PageRow } from './measure.ts';

/** What identifies a row from sitting to sitting. */
const keyOf = ({ model, mode, provider, precision }: PageRow) =>
	`${model} | ${mode} | ${provider} | ${precision}`;

/**
 * A sentence for each ratio that is lower by more than a share, `tolerance`, than it was, and for each that is missing. Milliseconds
 * are not compared: they are the machine's.
 */
export function regressionsOf(
	rows: readonly PageRow[],
	before: readonly PageRow[],
	tolerance: number,
): string[] {
	const now = new Map(rows.map((row) => [keyOf(row), row]));
	return before.flatMap((old) => {
		const row = now.get(keyOf(old));
		if (!row) return [`${keyOf(old)}: was ${old.reached.toFixed(2)}×, and was not measured.`];
		if (row.reached >= old.reached * (1 - tolerance)) return [];
		return [`${keyOf(old)}: was ${old.reached.toFixed(2)}×, and is ${row.reached.toFixed(2)}×.`];
	});
}
