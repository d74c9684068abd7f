import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { findCases, runCase } from './index.ts';

// Cases that the published implementations made; SPARSIGHT_CASES names a folder with more of them.
const FIXTURES = new URL('./fixtures', import.meta.url).pathname;
const more = process.env['SPARSIGHT_CASES'];
const folders = [FIXTURES, ...(more && existsSync(more) ? [more] : [])];
const cases = (await Promise.all(folders.map(findCases))).flat();

it.each(cases)('reproduces %s', async (folder) => {
	const result = await runCase(folder);
	expect(result.findings.filter((finding) => !finding.passed)).toEqual([]);
	expect(result.findings.length).toBeGreaterThan(0);
});
