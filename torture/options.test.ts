import { expect, it } from 'vitest';
import { UserFacingError } from '../main/domain/errors.ts';
import { parseOptions } from './options.ts';
import { PARTS } from './trust-page.ts';

const parse = (words: readonly string[]) => parseOptions(words, ['media', 'zones']);

it('tries all that there is when nothing is named', () => {
	expect(parse([])).toEqual({
		only: PARTS,
		seed: 1,
		kills: 100,
		batchKills: 20,
		mutations: 1000,
		subjects: ['media', 'zones'],
		stopSeconds: 60,
		hours: 12,
	});
});

it('takes what is named', () => {
	const words = ['--only', 'long-run,kills', '--hours', '0.17', '--subjects=zones,media', '--seed', '7'];
	expect(parse(words)).toMatchObject({
		only: ['long-run', 'kills'],
		hours: 0.17,
		subjects: ['zones', 'media'],
		seed: 7,
	});
});

it('tells its usage', () => {
	expect(parse(['--help'])).toEqual({ help: expect.stringContaining('--stop-seconds <seconds>') });
});

it.each([
	[['--nothing'], "Unknown option '--nothing'."],
	[['kills'], /^Too many arguments/],
	[['--only', 'sleep'], /^--only: a list out of kills,.* was expected \(got "sleep"\)\.$/],
	[['--subjects', 'zones,,'], /^--subjects: a list out of media,/],
	[['--seed', 'one'], '--seed: a whole number from 0 on was expected (got "one").'],
	[['--kills', '0'], '--kills: a whole number from 1 on was expected (got "0").'],
	[['--mutations', '1e3'], '--mutations: a whole number from 1 on was expected (got "1e3").'],
	[['--hours', 'NaN'], '--hours: a number above 0 was expected (got "NaN").'],
	[['--hours', ''], '--hours: a number above 0 was expected (got "").'],
	[['--hours'], /argument missing\.$/],
])('refuses %j in a sentence', (words, message) => {
	expect(() => parse(words)).toThrow(UserFacingError);
	expect(() => parse(words)).toThrow(message);
});
