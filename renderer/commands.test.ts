import { describe, expect, it } from 'vitest';
import { COMMANDS, commandOfKey } from './commands.ts';

describe('the command table', () => {
	it('gives no key twice', () => {
		const keys = COMMANDS.map(({ key }) => key);
		expect(new Set(keys).size).toBe(keys.length);
	});

	it('gives no id twice', () => {
		expect(new Set(COMMANDS.map(({ id }) => id)).size).toBe(COMMANDS.length);
	});

	it.each([
		['Space', 'play'],
		['ArrowLeft', 'previous-frame'],
		['ArrowRight', 'next-frame'],
		['Shift+ArrowLeft', 'second-back'],
		['Shift+ArrowRight', 'second-on'],
		['Home', 'first-frame'],
		['End', 'last-frame'],
		['j', 'shuttle-back'],
		['k', 'shuttle-stop'],
		['l', 'shuttle-on'],
		['g', 'go-to'],
		['i', 'range-in'],
		['o', 'range-out'],
		['b', 'boxes'],
		['t', 'tokens'],
		['1', 'pane-1'],
		['4', 'pane-4'],
		['[', 'less'],
		[']', 'more'],
		['d', 'next-disagreement'],
		['e', 'next-event'],
		['Shift+e', 'previous-event'],
		['Mod+o', 'open'],
		['Mod+e', 'export'],
		['Mod+,', 'settings'],
		['Shift+b', 'batch'],
		['?', 'help'],
	])('%s does what the interface promises: %s', (key, id) => expect(commandOfKey(key)?.id).toBe(id));
});
