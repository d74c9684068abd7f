import type { SettingsTable, SettingValues } from '../../main/domain/settings-table.ts';

/** The names of the settings that apply while the others have `values`, in the table's order. */
export function visibleSettings(table: SettingsTable, values: SettingValues): string[] {
	return Object.entries(table)
		.filter(
			([, { shownWhen }]) =>
				!shownWhen || [shownWhen.is].flat().some((is) => is === valueOf(table, values, shownWhen.setting)),
		)
		.map(([name]) => name);
}

/**
 * The main setting during a run: the first live number that applies to the current values, else the first live number;
 * null for modes without one.
 */
export function budgetSetting(table: SettingsTable, values: SettingValues): string | null {
	const live = visibleSettings(table, values).filter((name) => {
		const spec = table[name]!;
		return spec.live && (spec.kind === 'number' || spec.kind === 'integer');
	});
	return live.find((name) => table[name]!.shownWhen) ?? live[0] ?? null;
}

function valueOf(
	table: SettingsTable,
	values: SettingValues,
	name: string,
): SettingValues[string] | undefined {
	return values[name] ?? table[name]?.default;
}
