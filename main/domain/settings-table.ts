import { UserFacingError } from './errors.ts';
import { identityOf } from './track-labels.ts';

export type SettingValue = number | string | boolean;
export type SettingValues = Record<string, SettingValue>;

type Common = {
	/** One sentence for help texts and tooltips. */
	description: string;
	/** May be changed while a run is going. */
	live?: boolean;
	/** Other settings that are set along with this one unless they are given too: `fraction` implies its policy. */
	implies?: SettingValues;
	/** Shown only while another setting has this value, or one of these. */
	shownWhen?: { setting: string; is: SettingValue | readonly SettingValue[] };
};

export type SettingSpec =
	| (Common & {
			kind: 'number' | 'integer';
			default: number;
			min: number;
			max: number;
			unit?: string;
			/** Another setting that it must be less than; a default that is not becomes half of that one. */
			below?: string;
			step?: number;
	  })
	| (Common & { kind: 'choice'; default: string; options: Record<string, string> })
	| (Common & { kind: 'boolean'; default: boolean })
	/** Numbers of objects and spans of them, as in `3, 7-9, 12b`; may be none. */
	| (Common & { kind: 'numbers'; default: string });

const MOST_CHARACTERS = 256;

/** One table per mode: it gives the defaults, the checks, the command line's flags and the page's controls. */
export type SettingsTable = Record<string, SettingSpec>;

type ValueOf<Spec extends SettingSpec> = Spec extends { kind: 'boolean' }
	? boolean
	: Spec extends { kind: 'choice' }
		? keyof Spec['options'] & string
		: Spec extends { kind: 'numbers' }
			? string
			: number;

/** The checked values of a table's settings, by name. */
export type ValuesOf<Table extends SettingsTable> = { readonly [Name in keyof Table]: ValueOf<Table[Name]> };

/** The table's defaults, overridden by `given`. `place` starts every error message, such as `mode token-cache`. */
export function resolveSettings<Table extends SettingsTable>(
	table: Table,
	given: SettingValues,
	place: string,
): ValuesOf<Table> {
	const defaults = Object.entries(table).map(([name, spec]) => [name, spec.default] as const);
	return changeSettings(table, Object.fromEntries(defaults) as ValuesOf<Table>, given, place);
}

/** `current` overridden by `given`, checked against the table. Neither argument is modified. */
export function changeSettings<Table extends SettingsTable>(
	table: Table,
	current: ValuesOf<Table>,
	given: SettingValues,
	place: string,
): ValuesOf<Table> {
	const settings: SettingValues = { ...current };
	for (const [name, value] of Object.entries(given)) {
		const spec = table[name];
		if (!spec) throw unknownSetting(table, name, place);
		for (const [other, implied] of Object.entries(spec.implies ?? {})) {
			if (!(other in given)) settings[other] = implied;
		}
		settings[name] = checkSetting(spec, name, value, place);
	}
	for (const [name, spec] of Object.entries(table)) {
		if (!('below' in spec)) continue;
		const [own, other] = [settings[name] as number, settings[spec.below] as number];
		if (own < other) continue;
		if (name in given) throw outOfRange(place, name, `less than ${spec.below}, ${other}`, own);
		settings[name] = Math.floor(other / 2);
	}
	return settings as ValuesOf<Table>;
}

/** The names of the settings that apply while the others have `values`, in the table's order. */
export function visibleSettings(table: SettingsTable, values: SettingValues): string[] {
	return Object.entries(table)
		.filter(
			([, { shownWhen }]) =>
				!shownWhen || [shownWhen.is].flat().some((is) => is === valueOf(table, values, shownWhen.setting)),
		)
		.map(([name]) => name);
}

/** A remark on settings that were `given` and do nothing beside the others; null without any. `place` as for errors. */
export function unusedRemark(table: SettingsTable, given: SettingValues, place: string): string | null {
	const values = resolveSettings(table, given, place);
	const used = visibleSettings(table, values);
	const remarks = Object.keys(given).flatMap((name) => {
		const { shownWhen } = table[name]!;
		if (!shownWhen || used.includes(name)) return [];
		const { setting, is } = shownWhen;
		return [
			`${name} has no effect with ${setting}=${values[setting]} (only with ${[is].flat().join(' or ')})`,
		];
	});
	return remarks.length > 0 ? `${place}: ${remarks.join('; ')}.` : null;
}

/** Parses `text` as a value of the setting `name`; for command lines and forms. */
export function parseSetting(table: SettingsTable, name: string, text: string, place: string): SettingValue {
	const spec = table[name];
	if (!spec) throw unknownSetting(table, name, place);
	switch (spec.kind) {
		case 'number':
		case 'integer':
			return checkSetting(spec, name, text.trim() === '' ? Number.NaN : Number(text), place, text);
		case 'boolean':
			if (text === 'true' || text === 'false') return text === 'true';
			throw outOfRange(place, name, 'true or false', text);
		case 'choice':
		case 'numbers':
			return checkSetting(spec, name, text, place);
	}
}

function checkSetting(
	spec: SettingSpec,
	name: string,
	value: SettingValue,
	place: string,
	came: SettingValue = value,
): SettingValue {
	switch (spec.kind) {
		case 'boolean':
			if (typeof value === 'boolean') return value;
			throw outOfRange(place, name, 'true or false', came);
		case 'choice':
			if (typeof value === 'string' && Object.hasOwn(spec.options, value)) return value;
			throw outOfRange(place, name, `one of ${Object.keys(spec.options).join(', ')}`, came);
		case 'numbers':
			if (typeof value === 'string' && value.length <= MOST_CHARACTERS && spansOf(value)) return value;
			throw outOfRange(place, name, 'numbers above 0 and spans of them, such as 3, 7-9', came);
		case 'number':
		case 'integer': {
			const unit = spec.unit ? ` ${spec.unit}` : '';
			const wanted = `${spec.kind === 'integer' ? 'a whole number' : 'a number'} from ${spec.min} to ${spec.max}${unit}`;
			const whole = spec.kind === 'number' || Number.isInteger(value);
			if (typeof value === 'number' && whole && value >= spec.min && value <= spec.max) return value;
			throw outOfRange(place, name, wanted, came);
		}
	}
}

/** Both ends are included. */
type Span = readonly [from: number, to: number];

/** The spans of a setting of kind `numbers`; null for what is none. */
export function spansOf(numbers: string): Span[] | null {
	const words = numbers
		.replace(/\s*-\s*/g, '-')
		.split(/[\s,]+/)
		.filter((word) => word !== '');
	const spans = words.map((word) => {
		const [from, to = from] = word.split('-', 2).map(identityOf);
		return from && to && from <= to && word.split('-').length < 3 ? ([from, to] as const) : null;
	});
	return spans.every((span) => span !== null) ? spans : null;
}

export function isInSpans(spans: readonly Span[], number: number): boolean {
	return spans.some(([from, to]) => number >= from && number <= to);
}

function unknownSetting(table: SettingsTable, name: string, place: string): UserFacingError {
	const names = Object.keys(table);
	const known = names.length ? `it has ${names.join(', ')}` : 'it has none';
	return new UserFacingError('unknown-setting', `${place} has no setting "${name}": ${known}.`);
}

function outOfRange(place: string, name: string, expected: string, came: SettingValue): UserFacingError {
	return new UserFacingError(
		'setting-out-of-range',
		`${place}: ${name} must be ${expected} (got ${came === '' ? 'nothing' : came}).`,
	);
}

function valueOf(
	table: SettingsTable,
	values: SettingValues,
	name: string,
): SettingValues[string] | undefined {
	return values[name] ?? table[name]?.default;
}
