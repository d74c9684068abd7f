import type { SettingValue, SettingValues } from './settings-table.ts';

/** More would be a list, not a name. */
const MOST_SETTINGS = 2;

/**
 * A different name for each run of a list: its title, and where several have one title, the first settings in which these differ, as
 * `textOf` writes them. Runs that differ in no setting are numbered. `settings`: those that have an effect, in the mode's order.
 */
export function distinctNames(
	runs: readonly { title: string; settings: SettingValues }[],
	textOf: (run: number, setting: string, value: SettingValue) => string,
): string[] {
	const taken = new Map<string, number>();
	return runs.map(({ title, settings }, i) => {
		const rivals = runs.filter((other) => other.title === title);
		const differing = Object.entries(settings).filter(([name, value]) =>
			rivals.some((other) => other.settings[name] !== value),
		);
		const words = differing.slice(0, MOST_SETTINGS).map(([name, value]) => textOf(i, name, value));
		const name = [title, ...words].join(' · ');
		const count = (taken.get(name) ?? 0) + 1;
		taken.set(name, count);
		return count === 1 ? name : `${name} (${count})`;
	});
}
