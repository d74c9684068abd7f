import { Help } from 'commander';
import type { SettingSpec, SettingsTable } from '../domain/settings-table.ts';

/** Where nobody knows how wide the terminal is. */
const USUAL_WIDTH = 80;

/** The settings of a table with their meaning, values and default, as wide as the terminal; empty without any. */
export function settingsHelp(settings: SettingsTable): string {
	const help = new Help();
	help.helpWidth = process.stdout.columns ?? USUAL_WIDTH;
	const rows = Object.entries(settings);
	const termWidth = Math.max(0, ...rows.map(([name]) => name.length));
	return rows.map(([name, spec]) => `${help.formatItem(name, termWidth, meaning(spec), help)}\n`).join('');
}

/** Text as wide as the terminal. */
export function wrapped(text: string): string {
	return new Help().boxWrap(text, process.stdout.columns ?? USUAL_WIDTH);
}

function meaning(spec: SettingSpec): string {
	return `${spec.description} (${values(spec)}; default: ${String(spec.default) || 'none'})`;
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
