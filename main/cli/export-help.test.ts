import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { EXPORT_FORMATS } from '../export/index.ts';
import { defineExport } from './export.ts';

function helpText(): string {
	let text = '';
	const command = new Command().configureOutput({ writeOut: (part) => (text += part) });
	defineExport(command).outputHelp();
	return text;
}

describe('the help of export', () => {
	it.each(EXPORT_FORMATS.map(({ id, settings }) => [id, Object.keys(settings)] as const))(
		'lists every setting of %s with its default',
		(id, names) => {
			const part = new RegExp(`format ${id}: [^]*?(?=\\nformat |\\nAll data formats)`).exec(helpText())![0];
			for (const name of names) expect(part).toMatch(new RegExp(`^  ${name} +\\S`, 'm'));
		},
	);

	it('fits a terminal of 80 columns', () => {
		for (const line of helpText().split('\n')) expect(line.length).toBeLessThanOrEqual(80);
	});

	it('says which detections go into all data formats', () => {
		expect(helpText()).toContain('All data formats hold what the run shows');
		const defaults = EXPORT_FORMATS.flatMap(({ settings: { scores } }) => (scores ? [scores.default] : []));
		expect(new Set(defaults)).toEqual(new Set(['shown']));
	});
});
