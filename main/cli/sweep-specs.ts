import { UserFacingError } from '../domain/errors.ts';
import type { SettingsTable } from '../domain/settings-table.ts';
import { findMode } from '../reduction/index.ts';
import { parseRunSpec, type RunSpec } from './arguments.ts';

/** Settings that are a budget, as a share; the first that a mode has is swept where nothing else is asked for. */
const BUDGETS = ['fraction', 'keep'];
const BUDGET_SHARES = ['0.05', '0.1', '0.2', '0.4'];

/** Nobody waits for more. */
const MOST_RUNS = 200;

/**
 * The runs of a sweep: each mode in every combination of the varied settings that it has, and once where it has none of them. A
 * setting is written `name=value,value…`, one in `fixed` `name=value`; without any that vary, budgets of 5 to 40 % and the mode's policy
 * `quality`. Throws `bad-argument`, `unknown-mode`, and `unknown-setting` for a setting that no mode has.
 */
export function sweepSpecs(
	modes: readonly string[],
	varied: readonly string[],
	fixed: readonly string[] = [],
): RunSpec[] {
	const axes = varied.map(parseAxis);
	const tables = modes.map((id) => ({ id, table: findMode(id).settings }));
	for (const word of [...varied, ...fixed]) refuseUnknown(word, tables);
	const specs = tables.flatMap(({ id, table }) => {
		const isOwn = (name: string) => name in table || name === 'precision';
		const own = fixed.filter((word) => isOwn(nameOf(word)));
		const combinations = axes.length > 0 ? product(axes.filter(({ name }) => isOwn(name))) : usual(table);
		return combinations.map((words) => {
			const all = [...own, ...words];
			return all.length > 0 ? `${id}:${all.join(',')}` : id;
		});
	});
	const texts = [...new Set(specs)];
	if (texts.length <= MOST_RUNS) return texts.map(parseRunSpec);
	throw new UserFacingError(
		'bad-argument',
		`--vary: at most ${MOST_RUNS} runs were expected (these are ${texts.length}).`,
		{ remedy: 'Name fewer values.' },
	);
}

type Axis = { name: string; words: string[] };

function parseAxis(text: string): Axis {
	const [, name, values] = /^([^=,]+)=(.+)$/s.exec(text) ?? [];
	if (name === undefined || values === undefined) {
		throw new UserFacingError(
			'bad-argument',
			`--vary: a setting and its values were expected, such as fraction=0.05,0.1,0.2 (got "${text}").`,
		);
	}
	return { name, words: values.split(',').map((value) => `${name}=${value.trim()}`) };
}

function nameOf(word: string): string {
	return word.split('=', 1)[0]!;
}

function refuseUnknown(word: string, modes: readonly { id: string; table: SettingsTable }[]): void {
	const name = nameOf(word);
	if (name === 'precision' || modes.some(({ table }) => name in table)) return;
	const known = modes.map(({ id, table }) => `${id} has ${Object.keys(table).join(', ') || 'none'}`);
	throw new UserFacingError(
		'unknown-setting',
		`--vary: no mode of the sweep has a setting "${name}" (${known.join('; ')}).`,
	);
}

/** What is worth knowing of a mode that nothing is said of. */
function usual(table: SettingsTable): string[][] {
	const { policy } = table;
	const budget = BUDGETS.find((name) => name in table);
	const runs = budget === undefined ? [] : BUDGET_SHARES.map((share) => [`${budget}=${share}`]);
	const hasQuality = policy?.kind === 'choice' && 'quality' in policy.options;
	if (hasQuality) runs.push(['policy=quality']);
	return runs.length > 0 ? runs : [[]];
}

/** Every combination of one word of each axis. */
function product(axes: readonly Axis[]): string[][] {
	return axes.reduce<string[][]>(
		(combined, { words }) => combined.flatMap((before) => words.map((word) => [...before, word])),
		[[]],
	);
}
