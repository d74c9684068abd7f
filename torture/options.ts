import { Command, CommanderError, Option } from 'commander';
import { UserFacingError } from '../main/domain/errors.ts';
import type { SubjectName } from './subjects.ts';
import { PARTS, type Part } from './trust-page.ts';

/** What is tried, and how much of it. */
export type TortureOptions = {
	only: readonly Part[];
	seed: number;
	kills: number;
	batchKills: number;
	mutations: number;
	subjects: readonly SubjectName[];
	stopSeconds: number;
	hours: number;
};

/** How the text of an option is read; undefined where it is not what was expected. */
type Reading<T> = { expected: string; read(text: string): T | undefined };

const REMEDY = { remedy: '"npm run torture -- --help" lists what can be asked for.' };

/**
 * What the words after `npm run torture --` ask for; a text of help where they ask for that. `known`: the kinds of files. Throws
 * `bad-argument`.
 */
export function parseOptions(
	words: readonly string[],
	known: readonly SubjectName[],
): TortureOptions | { help: string } {
	let help = '';
	const option = <T>(flags: string, description: string, { expected, read }: Reading<T>, value: T) =>
		new Option(flags, description)
			.argParser((text: string) => {
				const given = read(text);
				if (given !== undefined) return given;
				const [name] = flags.split(' ');
				throw new UserFacingError(
					'bad-argument',
					`${name}: ${expected} was expected (got "${text}").`,
					REMEDY,
				);
			})
			.default(value, Array.isArray(value) ? value.join() : String(value));
	const command = new Command('npm run torture --')
		.description('Kills, faults, hostile files and a long run; what they show goes into docs/trust.md.')
		.exitOverride()
		.configureOutput({ writeOut: (text) => (help += text), writeErr: () => undefined })
		.allowExcessArguments(false)
		.addOption(option('--only <parts>', 'the parts that are tried', listOf(PARTS), PARTS))
		.addOption(option('--seed <number>', 'of all chance', wholeNumber(0), 1))
		.addOption(option('--kills <count>', 'kills, of all programs together', wholeNumber(1), 100))
		.addOption(option('--batch-kills <count>', 'kills, of each kind of queue', wholeNumber(1), 20))
		.addOption(option('--mutations <count>', 'mutated files, of each kind', wholeNumber(1), 1000))
		.addOption(option('--subjects <names>', 'the kinds of files', listOf(known), known))
		.addOption(option('--stop-seconds <seconds>', 'how long processes are stopped', positive, 60))
		.addOption(option('--hours <hours>', 'of the long run', positive, 12));
	try {
		command.parse(words, { from: 'user' });
		return command.opts<TortureOptions>();
	} catch (error) {
		if (!(error instanceof CommanderError)) throw error;
		if (error.exitCode === 0) return { help };
		const message = error.message.replace(/^error: /, '').replace(/\.?$/, '.');
		throw new UserFacingError('bad-argument', `${message[0]!.toUpperCase()}${message.slice(1)}`, REMEDY);
	}
}

const positive: Reading<number> = {
	expected: 'a number above 0',
	read: (text) => {
		const value = Number(text);
		return value > 0 && Number.isFinite(value) ? value : undefined;
	},
};

function wholeNumber(least: number): Reading<number> {
	return {
		expected: `a whole number from ${least} on`,
		read: (text) => {
			const value = Number(text);
			return /^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least ? value : undefined;
		},
	};
}

function listOf<Name extends string>(known: readonly Name[]): Reading<readonly Name[]> {
	return {
		expected: `a list out of ${known.join()}`,
		read: (text) => {
			const names = text.split(',').map((name) => known.find((one) => one === name));
			return names.every((name) => name !== undefined) ? names : undefined;
		},
	};
}
