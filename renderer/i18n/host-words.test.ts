import { describe, expect, it } from 'vitest';
import type { SettingsTable } from '../../main/domain/settings-table.ts';
import { COCO_NAMES } from '../../main/families/coco-names.ts';
import { EXPORT_FORMATS } from '../../main/export/index.ts';
import { REDUCTION_MODES } from '../../main/reduction/index.ts';
import { classWordsJa } from './ja-class-words.ts';
import { hostWordsJa } from './ja-host-words.ts';

/** Whose words, its settings. */
const TABLES: [owner: string, table: SettingsTable][] = [
	...REDUCTION_MODES.map(({ id, settings }): [string, SettingsTable] => [`mode.${id}`, settings]),
	...EXPORT_FORMATS.map(({ id, settings }): [string, SettingsTable] => [`format.${id}`, settings]),
];

/** As `setting-words.ts` looks them up. */
const japanese = (owner: string, path: string) =>
	hostWordsJa[`${owner}.${path}`] ?? hostWordsJa[`setting.${path}`];

describe('Japanese', () => {
	it.each(TABLES)('has all words for %s', (owner, table) => {
		const missing = [owner, `${owner}.description`].filter((key) => !hostWordsJa[key]);
		for (const [name, spec] of Object.entries(table)) {
			const options = spec.kind === 'choice' ? Object.keys(spec.options) : [];
			const paths = [name, `${name}.description`, ...options.map((option) => `${name}.${option}`)];
			missing.push(...paths.filter((path) => !japanese(owner, path)));
			const unit = 'unit' in spec ? spec.unit : undefined;
			if (unit && !['ms', 'GMAC'].includes(unit) && !hostWordsJa[`unit.${unit}`]) missing.push(unit);
		}
		expect(missing).toEqual([]);
	});

	it('describes in two ways what modes mean by one name in two ways', () => {
		const modes = TABLES.filter(([owner]) => owner.startsWith('mode.'));
		for (const [owner, table] of modes) {
			for (const [name, { description }] of Object.entries(table)) {
				const path = `${name}.description`;
				const others = modes.filter(([, other]) => other[name] && other[name].description !== description);
				expect(others.map(([other]) => japanese(other, path))).not.toContain(japanese(owner, path));
			}
		}
	});

	it('has no word of a mode that no setting asks for', () => {
		const used = TABLES.flatMap(([owner, table]) => [
			owner,
			`${owner}.description`,
			...Object.entries(table).flatMap(([name, spec]) => [
				`${owner}.${name}`,
				`${owner}.${name}.description`,
				...(spec.kind === 'choice' ? Object.keys(spec.options).map((key) => `${owner}.${name}.${key}`) : []),
			]),
		]);
		const known = Object.keys(hostWordsJa).filter((key) => /^(mode|format)\./.test(key));
		expect(known.filter((key) => !used.includes(key))).toEqual([]);
	});

	it('every class of COCO', () => {
		expect(COCO_NAMES.filter((name) => !classWordsJa[`class.${name}`])).toEqual([]);
	});
});
