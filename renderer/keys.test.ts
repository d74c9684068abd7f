import { describe, expect, it } from 'vitest';
import { keyLabel, keyName, ownsKey } from './keys.ts';

const press = (key: string, more = {}) => ({
	key,
	code: '',
	ctrlKey: false,
	metaKey: false,
	shiftKey: false,
	altKey: false,
	...more,
});

describe('a key press', () => {
	it.each([
		['a letter', press('b'), 'b'],
		['a letter under caps lock', press('B'), 'b'],
		['a letter with Shift', press('C', { shiftKey: true }), 'Shift+c'],
		['Ctrl and a letter', press('o', { ctrlKey: true }), 'Mod+o'],
		['Command and a letter', press('o', { metaKey: true }), 'Mod+o'],
		['a character that needs Shift', press('?', { shiftKey: true }), '?'],
		['an arrow with Shift', press('ArrowLeft', { shiftKey: true }), 'Shift+ArrowLeft'],
		['the space bar', press(' '), 'Space'],
		['a modifier alone', press('Control', { ctrlKey: true }), null],
		['a composition in progress', press('Process'), null],
		['Alt, which belongs to menus', press('f', { altKey: true }), null],
	])('%s', (_, event, name) => expect(keyName(event)).toBe(name));
});

describe('the element with the focus', () => {
	const at = (tagName: string, more = {}) => ({ tagName, role: null, editable: false, ...more });
	it.each([
		['a button keeps Space', at('BUTTON'), 'Space', true],
		['a button leaves the arrows', at('BUTTON'), 'ArrowLeft', false],
		['a text field keeps letters', at('INPUT', { type: 'text' }), 'b', true],
		['a text field leaves shortcuts with Ctrl', at('INPUT', { type: 'text' }), 'Mod+o', false],
		['a slider keeps the arrows', at('INPUT', { type: 'range' }), 'ArrowLeft', true],
		['a slider leaves letters', at('INPUT', { type: 'range' }), 'b', false],
		['a tick box keeps Space', at('INPUT', { type: 'checkbox' }), 'Space', true],
		['a list of choices keeps letters', at('SELECT'), 'd', true],
		['a scrubber keeps Home', at('DIV', { role: 'slider' }), 'Home', true],
		['the page keeps nothing', at('BODY'), 'Space', false],
	])('%s', (_, target, key, owns) => expect(ownsKey(target, key)).toBe(owns));
});

it.each([
	['Mod+Shift+r', false, 'Ctrl+Shift+R'],
	['Mod+o', true, '⌘O'],
	['Shift+ArrowLeft', false, 'Shift+←'],
	['?', false, '?'],
])('%s is shown as a person reads it (Mac: %s)', (key, mac, label) => expect(keyLabel(key, mac)).toBe(label));
