import { describe, expect, it } from 'vitest';
import { en } from './en.ts';
import { ja } from './ja.ts';

const placeholders = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([name]) => name).sort();

describe('Japanese and English', () => {
	it.each(Object.keys(en) as (keyof typeof en)[])('%s takes the same values', (key) => {
		const wanted = placeholders(en[key]);
		// A language may do without a value, but cannot ask for another one.
		for (const name of placeholders(ja[key])) expect(wanted).toContain(name);
		if (en[key] !== '') expect(ja[key]).not.toBe('');
	});
});
