import { expect, it } from 'vitest';
import { shortName } from './short-name.ts';

it.each([
	['a name that fits', 'street', 'street-dense.mp4'],
	['its beginning', 'x'.repeat(246), `${'x'.repeat(190)}-dense.mp4`],
	['whole characters of several bytes', '映'.repeat(80), `${'映'.repeat(63)}-dense.mp4`],
	['whole characters beyond 16 bits', '🎞'.repeat(80), `${'🎞'.repeat(47)}-dense.mp4`],
])('is %s', (_, name, expected) => {
	expect(shortName(name, '-dense.mp4')).toBe(expected);
});
