import { expect, it } from 'vitest';
import { distinctNames } from './run-names.ts';

type Run = [title: string, settings?: Record<string, number | string>];

it.each<[string, Run[], string[]]>([
	['the titles, where these differ', [['Dense'], ['Motion', { threshold: 1 }]], ['Dense', 'Motion']],
	[
		'the setting that differs, of one mode',
		[['Cache', { policy: 'top', fraction: 0.1 }], ['Dense'], ['Cache', { policy: 'top', fraction: 0.2 }]],
		['Cache · fraction 0.1', 'Dense', 'Cache · fraction 0.2'],
	],
	[
		'a setting that one of them does not have',
		[
			['Cache', { policy: 'top', fraction: 0.1 }],
			['Cache', { policy: 'all' }],
		],
		['Cache · policy top · fraction 0.1', 'Cache · policy all'],
	],
	[
		'numbers, where nothing differs',
		[
			['Cache', { a: 1 }],
			['Cache', { a: 1 }],
		],
		['Cache', 'Cache (2)'],
	],
	[
		'two settings at most',
		[
			['C', { a: 1, b: 1, c: 1 }],
			['C', { a: 2, b: 2, c: 2 }],
		],
		['C · a 1 · b 1', 'C · a 2 · b 2'],
	],
])('names are %s', (_, runs, names) => {
	const named = distinctNames(
		runs.map(([title, settings = {}]) => ({ title, settings })),
		(_run, setting, value) => `${setting} ${value}`,
	);
	expect(named).toEqual(names);
});
