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
