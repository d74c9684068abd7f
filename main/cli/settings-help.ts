import type { SettingSpec, SettingsTable } from '../domain/settings-table.ts';
import { formatTable } from './text-table.ts';

/** The settings of a table, a line each; empty without any. */
export function settingsHelp(settings: SettingsTable): string {
	const rows = Object.entries(settings);
	if (rows.length === 0) return '';
	return formatTable<[string, SettingSpec]>(
		[
			{ title: '  setting', align: 'left', cell: ([name]) => `  ${name}` },
			{ title: 'default', align: 'left', cell: ([, spec]) => String(spec.default) },
			{ title: 'values', align: 'left', cell: ([, spec]) => values(spec) },
			{ title: 'meaning', align: 'left', cell: ([, spec]) => spec.description },
		],
		rows,
	);
}

function values(spec: SettingSpec): string {
	switch (spec.kind) {
		case 'boolean':
			return 'true, false';
		case 'choice':
			return Object.keys(spec.options).join(', ');
		case 'numbers':
			return 'such as 3,7-9';
		case 'number':
		case 'integer':
			return `${spec.min} to ${spec.max}${spec.unit ? ` ${spec.unit}` : ''}`;
	}
}
