import { harmlessLine } from './console.ts';

/** A column of a table on the terminal: its title and the cell of each row; numbers are right-aligned. */
export type TextColumn<Row> = { title: string; align: 'left' | 'right'; cell: (row: Row) => string };

/** Lays out rows under their titles, columns two spaces apart; empty columns are left out. */
export function formatTable<Row>(columns: readonly TextColumn<Row>[], rows: readonly Row[]): string {
	const texts = columns
		.map((column) => ({ ...column, cells: rows.map((row) => harmlessLine(column.cell(row))) }))
		.filter(({ cells }) => cells.some((cell) => cell !== ''));
	const lines = [-1, ...rows.keys()].map((r) =>
		texts
			.map(({ title, align, cells }) => {
				const width = Math.max(title.length, ...cells.map((cell) => cell.length));
				const text = r < 0 ? title : cells[r]!;
				return align === 'left' ? text.padEnd(width) : text.padStart(width);
			})
			.join('  ')
			.trimEnd(),
	);
	return `${lines.join('\n')}\n`;
}
