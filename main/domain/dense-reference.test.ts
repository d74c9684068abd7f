import { expect, it } from 'vitest';
import { denseReference, type Comparable } from './dense-reference.ts';

const run = (text: string): Comparable & { text: string } => {
	const [mode, model] = text.split('@') as [string, string];
	return mode === 'sliced'
		? { mode: 'tiles', model, settings: { policy: 'all' }, text }
		: { mode, model, settings: {}, text };
};
const pick = (shown: string[], kept: string[] = []) =>
	denseReference(shown.map(run), (it) => it, kept.map(run))?.text ?? null;

it.each([
	['the dense run', ['cache@a', 'dense@a'], [], 'dense@a'],
	['one that is kept, where none is shown', ['cache@a'], ['sparse@a', 'dense@a'], 'dense@a'],
	['that of the reduced model, before a dense rival', ['dense@b', 'cache@a', 'dense@a'], [], 'dense@a'],
	['a kept one of the reduced model, before a shown rival', ['dense@b', 'cache@a'], ['dense@a'], 'dense@a'],
	['no rival’s, where the reduced model has none', ['cache@a', 'dense@b'], ['dense@c'], null],
	[
		'that of the second reduced model, where the first has none',
		['cache@a', 'motion@b', 'dense@b'],
		[],
		'dense@b',
	],
	['the first, where all are dense', ['dense@b', 'dense@a'], [], 'dense@b'],
	['plain slicing, for tiles', ['dense@a', 'tiles@a'], ['sliced@a'], 'sliced@a'],
	['plain slicing of the same model, for tiles', ['tiles@a', 'sliced@b', 'dense@a'], [], 'dense@a'],
	['the dense run, where nothing was sliced', ['dense@a', 'tiles@a'], [], 'dense@a'],
	['the dense run, where no tiles are reused', ['dense@a', 'cache@a', 'sliced@a'], [], 'dense@a'],
	['the dense run, where nothing is reused', ['sliced@a', 'dense@a'], [], 'dense@a'],
	['none, where no run is there', [], ['dense@a'], null],
])('is %s', (_, shown, kept, expected) => {
	expect(pick(shown, kept)).toBe(expected);
});
