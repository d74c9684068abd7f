import { expect, it } from 'vitest';
import { labelSize } from './label-size.ts';

it.each([
	[207, 'number'],
	[260, 'short'],
	[399, 'short'],
	[400, 'whole'],
	[1600, 'whole'],
])('a picture of %i pixels has labels of the form %s', (width, form) => {
	expect(labelSize(width).form).toBe(form);
});
