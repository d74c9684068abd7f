import type { SettingSpec, SettingValue } from '../../main/domain/settings-table.ts';
import { formatPlain, formatShare, hostWord } from '../i18n/language.svelte.ts';

/** The owner of the settings, such as `mode.eventful`: the same name may mean different things. */
export type SettingsOwner = `mode.${string}` | `format.${string}`;

/** A setting's label: the page's own, else derived from its name. */
export function settingLabel(owner: SettingsOwner, name: string): string {
	const words = name.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
	return settingWord(owner, name, words.charAt(0).toUpperCase() + words.slice(1));
}

export function settingDescription(owner: SettingsOwner, name: string, spec: SettingSpec): string {
	return settingWord(owner, `${name}.description`, spec.description);
}

export function optionLabel(owner: SettingsOwner, name: string, option: string, text: string): string {
	return settingWord(owner, `${name}.${option}`, text.charAt(0).toUpperCase() + text.slice(1));
}

/** The owner's own text such as `mode.eventful.threshold.description`, else the common one. */
function settingWord(owner: SettingsOwner, path: string, fallback: string): string {
	return hostWord(`${owner}.${path}`, hostWord(`setting.${path}`, fallback));
}

export function unitLabel(spec: SettingSpec): string {
	const unit = 'unit' in spec ? (spec.unit ?? '') : '';
	return hostWord(`unit.${unit}`, unit);
}

/** A value as shown beside its slider: shares in per cent, others with their unit. */
export function settingText(spec: SettingSpec, value: SettingValue): string {
	if (spec.kind !== 'number' && spec.kind !== 'integer') return String(value);
	const number = Number(value);
	if (isShare(spec)) return formatShare(number, number < 0.1 || !isWholePerCent(number) ? 1 : 0);
	return `${formatPlain(number)} ${unitLabel(spec)}`.trim();
}

function isWholePerCent(share: number): boolean {
	return Math.abs(100 * share - Math.round(100 * share)) < 1e-6;
}

/** Numbers up to 1 without a unit are shares. */
export function isShare(spec: SettingSpec): boolean {
	return spec.kind === 'number' && spec.max === 1 && spec.unit === undefined;
}
