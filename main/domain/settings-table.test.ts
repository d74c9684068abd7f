import { describe, expect, expectTypeOf, it } from 'vitest';
import {
	changeSettings,
	parseSetting,
	resolveSettings,
	spansOf,
	unusedRemark,
	type SettingsTable,
	type SettingValues,
} from './settings-table.ts';

const TABLE = {
	policy: { kind: 'choice', default: 'a', options: { a: 'A', b: 'B' }, description: '' },
	share: { kind: 'number', default: 0.5, min: 0, max: 1, implies: { policy: 'b' }, description: '' },
	count: { kind: 'integer', default: 3, min: 1, max: 9, unit: 'tokens', description: '' },
	on: { kind: 'boolean', default: false, description: '' },
	margin: { kind: 'integer', default: 2, min: 0, max: 9, below: 'count', description: '' },
} as const satisfies SettingsTable;

it('types the values, so that a wrong name does not compile', () => {
	const settings = resolveSettings(TABLE, {}, 'm');
	expectTypeOf(settings).toEqualTypeOf<{
		readonly policy: 'a' | 'b';
		readonly share: number;
		readonly count: number;
		readonly on: boolean;
		readonly margin: number;
	}>();
	// @ts-expect-error: no setting is called so
	expect(settings.shares).toBeUndefined();
});

it('fills in defaults, and what a named setting implies', () => {
	expect(resolveSettings(TABLE, {}, 'm')).toEqual({
		policy: 'a',
		share: 0.5,
		count: 3,
		on: false,
		margin: 2,
	});
	expect(resolveSettings(TABLE, { share: 0.2 }, 'm')).toMatchObject({ policy: 'b', share: 0.2 });
	expect(resolveSettings(TABLE, { share: 0.2, policy: 'a' }, 'm')).toMatchObject({ policy: 'a', share: 0.2 });
});

it('halves a default that would not be less than another setting', () => {
	expect(resolveSettings(TABLE, { count: 2 }, 'm')).toMatchObject({ count: 2, margin: 1 });
	expect(resolveSettings(TABLE, { count: 2, margin: 0 }, 'm')).toMatchObject({ count: 2, margin: 0 });
});

it('changes nothing in place', () => {
	const before = resolveSettings(TABLE, {}, 'm');
	expect(changeSettings(TABLE, before, { count: 4 }, 'm').count).toBe(4);
	expect(before['count']).toBe(3);
});

describe('refuses', () => {
	it.each([
		[{ nonsense: 1 }, 'mode x has no setting "nonsense": it has policy, share, count, on, margin.'],
		[{ share: 1.4 }, 'mode x: share must be a number from 0 to 1 (got 1.4).'],
		[{ share: Number.NaN }, 'mode x: share must be a number from 0 to 1 (got NaN).'],
		[{ count: 2.5 }, 'mode x: count must be a whole number from 1 to 9 tokens (got 2.5).'],
		[{ policy: 'toString' }, 'mode x: policy must be one of a, b (got toString).'],
		[{ margin: 3 }, 'mode x: margin must be less than count, 3 (got 3).'],
		[{ margin: 5, count: 4 }, 'mode x: margin must be less than count, 4 (got 5).'],
		[{ on: 'yes' }, 'mode x: on must be true or false (got yes).'],
	])('%o', (given, message) => {
		expect(() => resolveSettings(TABLE, given, 'mode x')).toThrow(message);
	});
});

it.each<[string, SettingValues, string | null]>([
	['nothing where all that was given is used', { share: 0.2, count: 4 }, null],
	['nothing of settings that always apply', { policy: 'a', count: 4 }, null],
	[
		'what another one switches off',
		{ policy: 'a', share: 0.2 },
		'm: share has no effect with policy=a (only with b).',
	],
	[
		'all of it at once',
		{ policy: 'a', share: 0.2, either: 1 },
		'm: share has no effect with policy=a (only with b); either has no effect with policy=a (only with b or c).',
	],
])('remarks %s', (_, given, remark) => {
	const policy = { ...TABLE.policy, options: { a: 'A', b: 'B', c: 'C' } };
	const share = { ...TABLE.share, shownWhen: { setting: 'policy', is: 'b' } };
	const either = { ...TABLE.count, shownWhen: { setting: 'policy', is: ['b', 'c'] } };
	expect(unusedRemark({ ...TABLE, policy, share, either }, given, 'm')).toBe(remark);
});

describe('parseSetting', () => {
	it.each([
		['share', '0.25', 0.25],
		['count', '7', 7],
		['on', 'true', true],
		['policy', 'b', 'b'],
	])('%s=%s', (name, text, expected) => {
		expect(parseSetting(TABLE, name, text, 'm')).toBe(expected);
	});

	it.each([
		['share', '', 'got nothing)'],
		['share', 'much', 'got much)'],
		['on', 'maybe', 'got maybe)'],
	])('refuses %s=%s and says what came', (name, text, message) => {
		expect(() => parseSetting(TABLE, name, text, 'm')).toThrow(message);
	});
});

describe('numbers', () => {
	const table = {
		tracks: { kind: 'numbers', default: '', description: '' },
	} as const satisfies SettingsTable;

	it.each<[string, [number, number][]]>([
		['', []],
		['3', [[3, 3]]],
		[
			'3,7 - 9 12',
			[
				[3, 3],
				[7, 9],
				[12, 12],
			],
		],
		['12b', [[1_000_012, 1_000_012]]],
	])('"%s"', (text, spans) => {
		expect(resolveSettings(table, { tracks: text }, 'format x').tracks).toBe(text);
		expect(spansOf(text)).toEqual(spans);
	});

	it.each(['0', '-3', '3-', '3--4', '3-4-5', '3-1', 'all', '1'.repeat(300), `${' '.repeat(255)}x`])(
		'"%s" is refused',
		(text) => {
			expect(() => resolveSettings(table, { tracks: text }, 'format x')).toThrow(
				'numbers above 0 and spans of them',
			);
		},
	);
});
