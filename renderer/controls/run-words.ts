import type { Precision } from '../../main/domain/execution.ts';
import { distinctNames } from '../../main/domain/run-names.ts';
import { visibleSettings, type SettingsTable, type SettingValues } from '../../main/domain/settings-table.ts';
import type { AppDescription } from '../../preload/contract.ts';
import { hostWord } from '../i18n/language.svelte.ts';
import { optionLabel, settingLabel, settingText } from './setting-words.ts';

/** A run's title: its mode, such as `Dense`, after the model's name if there are runs of several models, with int8 where it has that. */
export function runTitle(
	{ modes, models }: AppDescription,
	run: { modelId: string; mode: string; precision?: Precision },
	namesModel: boolean,
): string {
	const mode = hostWord(`mode.${run.mode}`, modes.find(({ id }) => id === run.mode)?.title ?? run.mode);
	const model = models.find(({ id }) => id === run.modelId)?.name ?? run.modelId;
	const isRounded = run.precision === 'int8';
	return [...(namesModel ? [model] : []), mode, ...(isRounded ? ['int8'] : [])].join(' · ');
}

/** A different title for each run of a list: of runs with one title, with the settings in which they differ. */
export function runTitles(
	app: AppDescription,
	runs: readonly { modelId: string; mode: string; settings: SettingValues; precision?: Precision }[],
	namesModel: boolean,
): string[] {
	const tables = runs.map(({ mode }) => app.modes.find(({ id }) => id === mode)?.settings ?? {});
	const named = runs.map((run, i) => {
		const settings = { ...defaultsOf(tables[i]!), ...run.settings };
		const shown = visibleSettings(tables[i]!, settings).map((name) => [name, settings[name]!] as const);
		return { title: runTitle(app, run, namesModel), settings: Object.fromEntries(shown) };
	});
	return distinctNames(named, (i, name, value) => {
		const owner = `mode.${runs[i]!.mode}` as const;
		const spec = tables[i]![name]!;
		const text =
			spec.kind === 'choice' && typeof value === 'string' && value in spec.options
				? optionLabel(owner, name, value, spec.options[value]!)
				: settingText(spec, value);
		return `${settingLabel(owner, name)} ${text}`;
	});
}

function defaultsOf(table: SettingsTable): SettingValues {
	return Object.fromEntries(Object.entries(table).map(([name, spec]) => [name, spec.default]));
}
