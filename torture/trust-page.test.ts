import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeFindings } from './trust-page.ts';

let folder: string;
beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), 'sparsight-trust-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('keeps what other parts have found, and kinds of files that were not tried again, and counts', () => {
	const page = join(folder, 'docs', 'trust.md');
	const kind = { title: 'ONNX', tried: 9, read: 4, refused: 5, failures: [] };
	const usage = { largestBytes: 2 ** 20, longestMilliseconds: 3 };
	writeFindings(page, 'faults', [{ title: 'A fault', tried: 1, failures: [], skipped: null }], 1);
	writeFindings(
		page,
		'mutations',
		[
			{ ...kind, ...usage },
			{ ...kind, ...usage, title: 'Zones' },
		],
		1,
	);
	writeFindings(page, 'mutations', [{ ...kind, ...usage, tried: 10, read: 5 }], 1);
	const outcomes = { 'not permitted': 'says so', 'full at once': { failure: 'x' } } as const;
	writeFindings(page, 'disk', [{ writer: 'A writer', file: 'a', outcomes }], 1);
	const rows = readFileSync(page, 'utf8').split('\n');
	expect(rows).toContain('the same result. Tried: 1; survived: 1.');
	expect(rows).toContain('browsers write meet a small disk; see above. Tried: 2; survived: 1.');
	expect(rows).toContain('| A writer | `a` | says so | failed: x | – | – |');
	expect(rows).toContain('| A fault | survived |');
	expect(rows.filter((row) => row.startsWith('| ONNX'))).toEqual(['| ONNX | 10 | 5 | 5 | 0 | 1 | 3 |']);
	expect(rows).toContain('| Zones | 9 | 4 | 5 | 0 | 1 | 3 |');
});
