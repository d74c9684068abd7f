import type { Command } from 'commander';
import { UserFacingError } from '../../domain/errors.ts';
import { listModels } from '../../models/catalog.ts';
import { dataFolders } from '../../process/data-folders.ts';
import type { Offer } from '../../reduction/host.ts';
import { REDUCTION_MODES } from '../../reduction/index.ts';
import type { ReductionMode } from '../../reduction/mode.ts';
import { EXIT } from '../exit-codes.ts';
import type { Session } from '../options.ts';
import { settingsHelp, wrapped } from '../settings-help.ts';
import { formatTable, type TextColumn } from '../text-table.ts';

export function defineModels(command: Command): Command {
	return command.description(
		'list the models, which modes run on which family, and the settings of each mode',
	);
}

export async function modelsCommand(session: Session): Promise<number> {
	// Loads the runtime, which no other command needs in this process.
	const { MODEL_FAMILIES, openModel } = await import('../../families/index.ts');
	const models = [];
	for (const { id, path, source } of await listModels()) {
		try {
			const { name, family, classes, modes, refusals, sha256 } = await openModel(
				path,
				dataFolders().cache,
				dataFolders().cards,
			);
			models.push({ id, name, path, source, family, sha256, modes, refusals, classes });
		} catch (error) {
			// One file that does not open must not hide the others.
			if (!(error instanceof UserFacingError)) throw error;
			session.console.note(`${id} is left out: ${error.message}`);
		}
	}
	const modes = REDUCTION_MODES.map(({ id, title, description, settings }) => ({
		id,
		title,
		description,
		settings,
	}));
	const families = MODEL_FAMILIES.map(({ id, title, offers }) => ({ id, title, modes: hostedModes(offers) }));
	const tables = [modelTable(models), familyTable(families), ...modes.map(describeMode)];
	session.console.result({ models, families, modes }, tables.join('\n'));
	return EXIT.ok;
}

/** By the id of each mode, whether models of a family can be run in it. */
function hostedModes(offers: readonly Offer[]): Record<string, Hosted> {
	const hosted = ({ needs }: ReductionMode): Hosted => {
		if (needs === 'whole') return 'yes';
		if (!offers.includes(needs)) return 'no';
		return needs === 'vit' ? 'yes' : 'if trained for it';
	};
	return Object.fromEntries(REDUCTION_MODES.map((mode) => [mode.id, hosted(mode)]));
}

type Hosted = 'yes' | 'no' | 'if trained for it';

/** Which family can be run in which mode. */
function familyTable(families: readonly { title: string; modes: Record<string, Hosted> }[]): string {
	return formatTable(
		[
			{ title: 'family', align: 'left', cell: ({ title }) => title },
			...REDUCTION_MODES.map(({ id }): TextColumn<(typeof families)[number]> => {
				return { title: id, align: 'left', cell: ({ modes }) => modes[id]! };
			}),
		],
		families,
	);
}

function modelTable(
	models: readonly {
		id: string;
		name: string;
		classes: readonly string[];
		modes: readonly string[];
		path: string;
	}[],
): string {
	return formatTable(
		[
			{ title: 'model', align: 'left', cell: ({ id }) => id },
			{ title: 'name', align: 'left', cell: ({ name }) => name },
			{ title: 'classes', align: 'right', cell: ({ classes }) => String(classes.length) },
			{ title: 'modes', align: 'left', cell: ({ modes }) => modes.join(', ') },
			{ title: 'path', align: 'left', cell: ({ path }) => path },
		],
		models,
	);
}

function describeMode({
	id,
	description,
	settings,
}: Pick<ReductionMode, 'id' | 'description' | 'settings'>): string {
	return `${wrapped(`mode ${id}: ${description}`)}\n${settingsHelp(settings)}`;
}
