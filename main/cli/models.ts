import type { Command } from 'commander';
import { UserFacingError } from '../domain/errors.ts';
import type { SettingSpec } from '../domain/settings-table.ts';
import { listModels } from '../models/catalog.ts';
import { REDUCTION_MODES } from '../reduction/index.ts';
import { EXIT } from './exit-codes.ts';
import type { Session } from './options.ts';
import { formatTable } from './text-table.ts';

export function defineModels(command: Command): Command {
	return command.description('list the models, the modes and the settings of each mode');
}

export async function modelsCommand(session: Session): Promise<number> {
	// Loads the runtime, which no other command needs in this process.
	const { openModel } = await import('../families/index.ts');
	const models = [];
	for (const { id, path, source } of await listModels()) {
		try {
			const { name, classes, modes, sha256 } = await openModel(path);
			models.push({ id, name, path, source, sha256, modes, classes });
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
	session.console.result({ models, modes }, `${modelTable(models)}\n${modes.map(describeMode).join('\n')}`);
	return EXIT.ok;
}

function modelTable(
	models: readonly { id: string; name: string; classes: readonly string[]; path: string }[],
): string {
	return formatTable(
		[
			{ title: 'model', align: 'left', cell: ({ id }) => id },
			{ title: 'name', align: 'left', cell: ({ name }) => name },
			{ title: 'classes', align: 'right', cell: ({ classes }) => String(classes.length) },
			{ title: 'path', align: 'left', cell: ({ path }) => path },
		],
		models,
	);
}

function describeMode(mode: {
	id: string;
	description: string;
	settings: Record<string, SettingSpec>;
}): string {
	const rows = Object.entries(mode.settings);
	const table = formatTable<[string, SettingSpec]>(
		[
			{ title: '  setting', align: 'left', cell: ([name]) => `  ${name}` },
			{ title: 'default', align: 'left', cell: ([, spec]) => String(spec.default) },
			{ title: 'values', align: 'left', cell: ([, spec]) => values(spec) },
			{ title: 'meaning', align: 'left', cell: ([, spec]) => spec.description },
		],
		rows,
	);
	return `mode ${mode.id}: ${mode.description}\n${rows.length > 0 ? table : ''}`;
}

function values(spec: SettingSpec): string {
	switch (spec.kind) {
		case 'boolean':
			return 'true, false';
		case 'choice':
			return Object.keys(spec.options).join(', ');
		case 'number':
		case 'integer':
			return `${spec.min} to ${spec.max}${spec.unit ? ` ${spec.unit}` : ''}`;
	}
}
