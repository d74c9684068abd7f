export { formatClock } from '../../main/domain/clock.ts';
import { COMMAND_WORDS, type CommandId } from '../../preload/commands.ts';
import type { Language } from '../../preload/contract.ts';
import { en, type MessageKey } from './en.ts';
import { ja } from './ja.ts';
import { classWordsJa } from './ja-class-words.ts';
import { hostWordsEn } from './en-host-words.ts';
import { hostWordsJa } from './ja-host-words.ts';

const MESSAGES: Record<Language, Record<MessageKey, string>> = { en, ja };
const HOST_WORDS: Record<Language, Record<string, string>> = {
	en: hostWordsEn,
	ja: { ...hostWordsJa, ...classWordsJa },
};

/** The system's language, used if the user chose none. */
export function systemLanguage(): Language {
	return navigator.language.toLowerCase().startsWith('ja') ? 'ja' : 'en';
}

let current: Language = $state('en');

export function currentLanguage(): Language {
	return current;
}

export function setLanguage(choice: 'system' | Language): void {
	current = choice === 'system' ? systemLanguage() : choice;
	document.documentElement.lang = current;
}

/** The text of `key` in the user's language, with `{name}` replaced by `values.name`. */
export function t(key: MessageKey, values: Record<string, string | number> = {}): string {
	return MESSAGES[current][key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** The same for keys built at run time; null if there is no such text. */
export function tryText(key: string): string | null {
	return (MESSAGES[current] as Record<string, string>)[key] ?? null;
}

/** The name of a command, as in the desktop's menus. */
export function commandName(id: CommandId): string {
	return COMMAND_WORDS[current][id];
}

/**
 * The host's text for something (a mode, a setting, an option, a format) in the user's language; `fallback` if the page
 * has no text of its own. `key` is a path such as `setting.threshold` or `mode.dense.description`.
 */
export function hostWord(key: string, fallback: string): string {
	return HOST_WORDS[current][key] ?? fallback;
}

/** The locale for numbers: the system's, if it belongs to the language of the page. */
function locale(): string {
	return navigator.language.startsWith(current) ? navigator.language : current;
}

const formats = new Map<string, Intl.NumberFormat>();

function numberFormat(options: Intl.NumberFormatOptions): Intl.NumberFormat {
	const key = locale() + JSON.stringify(options);
	const format = formats.get(key) ?? new Intl.NumberFormat(locale(), options);
	formats.set(key, format);
	return format;
}

/** `value` with this many decimals. */
export function formatNumber(value: number, digits = 0): string {
	return numberFormat({ minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
}

/** About three significant digits: 0.912, 7.38, 68.1, 1,240. */
export function formatFigures(value: number): string {
	const size = Math.abs(value);
	return formatNumber(
		value,
		size === 0 || size >= 1000 ? 0 : size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3,
	);
}

/** Without trailing zeros, at most three decimals. */
export function formatPlain(value: number): string {
	return numberFormat({ maximumFractionDigits: 3 }).format(value);
}

/** A share, 0 to 1, in per cent. */
export function formatShare(share: number, digits = 0): string {
	return numberFormat({
		style: 'percent',
		minimumFractionDigits: digits,
		maximumFractionDigits: digits,
	}).format(share);
}

export function formatDate(iso: string): string {
	return new Intl.DateTimeFormat(locale(), { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(iso));
}
