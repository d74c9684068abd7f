import { expect, it } from 'vitest';
import { formatTable } from './text-table.ts';

it('aligns words left and numbers right, and drops a column without text', () => {
	const columns = [
		{ title: 'run', align: 'left', cell: (row: string[]) => row[0]! },
		{ title: 'ms', align: 'right', cell: (row: string[]) => row[1]! },
		{ title: 'AP50', align: 'right', cell: () => '' },
	] as const;
	expect(
		formatTable(columns, [
			['dense', '98.1'],
			['b', '1234.5'],
		]),
	).toBe(['run        ms', 'dense    98.1', 'b      1234.5', ''].join('\n'));
});

it('keeps each row on a line of its own, whatever a file is called', () => {
	const columns = [{ title: 'file', align: 'left', cell: (row: string) => row }] as const;
	expect(formatTable(columns, ['two\nlines.mp4'])).toBe('file\ntwo\ufffdlines.mp4\n');
});
