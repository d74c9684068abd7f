import { describe, expect, it } from 'vitest';
import type { SettingsTable } from '../../main/domain/settings-table.ts';
import { EXPORT_FORMATS } from '../../main/export/index.ts';
import { REDUCTION_MODES } from '../../main/reduction/index.ts';
import { hostWordsJa } from './ja-host-words.ts';

/** All that a settings table makes the page say. */
function wordsOf(table: SettingsTable): string[] {
	return Object.entries(table).flatMap(([name, spec]) => [
		`setting.${name}`,
		`setting.${name}.description`,
		...(spec.kind === 'choice' ? Object.keys(spec.options).map((option) => `setting.${name}.${option}`) : []),
		...('unit' in spec && spec.unit && !['ms', 'GMAC'].includes(spec.unit) ? [`unit.${spec.unit}`] : []),
	]);
}

describe('Japanese has words for', () => {
	it.each(REDUCTION_MODES.map(({ id, settings }) => [id, settings] as const))('mode %s', (id, settings) => {
		const wanted = [`mode.${id}`, `mode.${id}.description`, ...wordsOf(settings)];
		expect(wanted.filter((key) => !hostWordsJa[key])).toEqual([]);
	});

	it.each(EXPORT_FORMATS.map(({ id, settings }) => [id, settings] as const))('format %s', (id, settings) => {
		const wanted = [`format.${id}`, `format.${id}.description`, ...wordsOf(settings)];
		expect(wanted.filter((key) => !hostWordsJa[key])).toEqual([]);
	});
});
