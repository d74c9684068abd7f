import type { SettingValues } from '../../main/domain/settings-table.ts';
import type { AppDescription } from '../../preload/contract.ts';
import type { Draft } from './pane.svelte.ts';

/** A way to analyse: defaults of the mode's table, overridden by what was last used. */
export function draftOf(
	{ modes, preferences }: Pick<AppDescription, 'modes' | 'preferences'>,
	modelId: string,
	mode: string,
): Draft {
	const table = modes.find(({ id }) => id === mode)?.settings ?? {};
	const used = preferences.modeSettings[mode] ?? {};
	const settings: SettingValues = {};
	for (const [name, spec] of Object.entries(table)) settings[name] = used[name] ?? spec.default;
	return { modelId, mode, settings };
}
