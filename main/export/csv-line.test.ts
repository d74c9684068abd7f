import { expect, it } from 'vitest';
import { csvLine } from './csv-line.ts';

it.each<[field: string | number, written: string]>([
	['Gate', 'Gate'],
	['Gate, "north"', '"Gate, ""north"""'],
	['two\nlines', '"two\nlines"'],
	[-1.5, '-1.5'],
	['-1.5', '-1.5'],
	['+2e-7', '+2e-7'],
	['-000001-01-01T00:00:00.000Z', '-000001-01-01T00:00:00.000Z'],
	['=1+1', "'=1+1"],
	['=HYPERLINK("http://x")', '"\'=HYPERLINK(""http://x"")"'],
	['+SUM(A1)', "'+SUM(A1)"],
	['-2+3', "'-2+3"],
	['@SUM(A1)', "'@SUM(A1)"],
	['\t=1', "'\t=1"],
])('%j is written so that nothing computes it', (field, written) => {
	expect(csvLine([field, 1])).toBe(`${written},1\r\n`);
});
