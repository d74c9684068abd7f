import type { SettingSpec, SettingValue } from '../../main/domain/settings-table.ts';
import { formatPlain, formatShare, hostWord } from '../i18n/language.svelte.ts';

/** A setting's name for a person: the page's own word, else the table's name taken apart. */
export function settingLabel(name: string): string {
	const words = name.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
	return hostWord(`setting.${name}`, words.charAt(0).toUpperCase() + words.slice(1));
}

export function settingDescription(name: string, spec: SettingSpec): string {
	return hostWord(`setting.${name}.description`, spec.description);
}

export function optionLabel(name: string, option: string, text: string): string {
	return hostWord(`setting.${name}.${option}`, text.charAt(0).toUpperCase() + text.slice(1));
}

export function unitLabel(spec: SettingSpec): string {
	const unit = 'unit' in spec ? (spec.unit ?? '') : '';
	return hostWord(`unit.${unit}`, unit);
}

/** A value as it stands beside its slider: shares in per cent, the rest with their unit. */
export function settingText(spec: SettingSpec, value: SettingValue): string {
	if (spec.kind !== 'number' && spec.kind !== 'integer') return String(value);
	const number = Number(value);
	if (isShare(spec)) return formatShare(number, number < 0.1 ? 1 : 0);
	return `${formatPlain(number)} ${unitLabel(spec)}`.trim();
}

/** Numbers up to 1 without a unit are shares. */
export function isShare(spec: SettingSpec): boolean {
	return spec.kind === 'number' && spec.max === 1 && spec.unit === undefined;
}
