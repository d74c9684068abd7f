import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { faultsBeside } from './canary.mjs';

const CANARY = "out/canary/wrong.ts(2,14): error TS2322: Type 'undefined' is not assignable.";
const OTHER = 'main/domain/box.ts(1,1): error TS2304: Cannot find name.';

it.each([
	['finds the canary alone', CANARY, ''],
	['finds something else as well', `${OTHER}\n${CANARY}`, OTHER],
	[
		'finds the canary of the page',
		`17 START "/x"\n18 ERROR "out/canary/Wrong.svelte" 3:9 "Type"\n19 COMPLETED`,
		'',
	],
	[
		'warns of something else',
		`18 ERROR "out/canary/Wrong.svelte" 3:9 "Type"\n19 WARNING "A.svelte" 1:1 "b"`,
		'19 WARNING "A.svelte" 1:1 "b"',
	],
	['finds nothing', '', 'nothing is checked'],
	['finds something else only', OTHER, 'nothing is checked'],
	['cannot read its configuration', "error TS5083: Cannot read file 'tsconfig.json'.", 'nothing is checked'],
])('a checker that %s', (_, printed, expected) => {
	if (expected === '') expect(faultsBeside(printed)).toBe('');
	else expect(faultsBeside(printed)).toContain(expected);
});

it.each(['SIGINT', 'SIGTERM', 'SIGHUP'])('what was made for a check is removed when it gets %s', (signal) => {
	const folder = mkdtempSync(join(tmpdir(), 'canary-'));
	try {
		const made = join(folder, 'Wrong.svelte');
		writeFileSync(made, '');
		const canary = pathToFileURL(join(import.meta.dirname, 'canary.mjs')).href;
		const script = `const { removeAtEnd } = await import(${JSON.stringify(canary)});
			removeAtEnd([${JSON.stringify(made)}]);
			process.kill(process.pid, '${signal}');
			setTimeout(() => undefined, 60_000);`;
		const { status } = spawnSync(process.execPath, ['--input-type=module', '--eval', script]);
		expect(status).toBe(1);
		expect(readdirSync(folder)).toEqual([]);
	} finally {
		rmSync(folder, { recursive: true });
	}
});
