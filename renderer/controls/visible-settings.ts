import { visibleSettings, type SettingsTable, type SettingValues } from '../../main/domain/settings-table.ts';

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
