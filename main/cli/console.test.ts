import { expect, it } from 'vitest';
import { harmless } from './console.ts';

it.each([
	['a name in any script, and a table', 'pér,son "x"\t日本 語\n', 'pér,son "x"\t日本 語\n'],
	['colours and a bell', '\u001b[31mred\u0007', '\ufffd[31mred\ufffd'],
	['a return to the beginning of a line', 'no model\rmodel', 'no model\ufffdmodel'],
	['a control of eight bits', '\u009b2J', '\ufffd2J'],
])('does not let a file steer the terminal: %s', (_, text, printed) => {
	expect(harmless(text)).toBe(printed);
});
