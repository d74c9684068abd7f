import { describe, expect, it } from 'vitest';
import { visibleSettings, type SettingsTable } from '../../main/domain/settings-table.ts';
import { TOKEN_CACHE_SETTINGS } from '../../main/reduction/token-cache/token-cache-settings.ts';
import { budgetSetting } from './visible-settings.ts';

const TABLE: SettingsTable = {
	policy: { kind: 'choice', default: 'a', options: { a: '', b: '', c: '' }, live: true, description: '' },
	floor: { kind: 'number', default: 1, min: 0, max: 9, live: true, description: '' },
	fixed: { kind: 'number', default: 1, min: 0, max: 9, description: '' },
	ofA: {
		kind: 'number',
		default: 1,
		min: 0,
		max: 9,
		live: true,
		description: '',
		shownWhen: { setting: 'policy', is: 'a' },
	},
	ofAOrC: {
		kind: 'number',
		default: 1,
		min: 0,
		max: 9,
		live: true,
		description: '',
		shownWhen: { setting: 'policy', is: ['a', 'c'] },
	},
	ofB: {
		kind: 'number',
		default: 1,
		min: 0,
		max: 9,
		live: true,
		description: '',
		shownWhen: { setting: 'policy', is: 'b' },
	},
};

describe('settings', () => {
	it.each([
		['by the default', {}, ['policy', 'floor', 'fixed', 'ofA', 'ofAOrC']],
		['by one of several choices', { policy: 'c' }, ['policy', 'floor', 'fixed', 'ofAOrC']],
		['by what was chosen', { policy: 'b' }, ['policy', 'floor', 'fixed', 'ofB']],
	])('that depend on another one are shown %s', (_, values, names) => {
		expect(visibleSettings(TABLE, values)).toEqual(names);
	});

	it.each([
		['the number of the choice in force', TABLE, { policy: 'b' }, 'ofB'],
		['the agreement to keep, by default', TOKEN_CACHE_SETTINGS, {}, 'agreement'],
		['the share, where that is chosen', TOKEN_CACHE_SETTINGS, { policy: 'fraction' }, 'fraction'],
		[
			'the first live number where none depends',
			{ floor: TABLE['floor']!, policy: TABLE['policy']! },
			{},
			'floor',
		],
		['nothing where no number is live', { fixed: TABLE['fixed']! }, {}, null],
		['nothing where there are no settings', {}, {}, null],
	])('are turned live by %s', (_, table, values, name) => expect(budgetSetting(table, values)).toBe(name));
});
