import type { Command } from 'commander';
import { dirname } from 'node:path';
import { listAll, type ListedModel } from '../../models/listing.ts';
import { checkFiles, type FileCheck } from '../../models/receipt.ts';
import { dataFolders } from '../../process/data-folders.ts';
import { EXIT } from '../exit-codes.ts';
import type { Session } from '../options.ts';
import { formatTable } from '../text-table.ts';
import { findListed } from './list.ts';

/** `sound`: every file is as it was recorded; `unrecorded`: nothing was recorded of it. */
type Verdict = { id: string; state: 'sound' | 'damaged' | 'unrecorded'; files: FileCheck[] };

export function defineModelsVerify(command: Command): Command {
	return command
		.description('compare the hashes of installed models with those that were published or recorded')
		.argument('[id]', 'one model (default: all)');
}

export async function modelsVerifyCommand(
	id: string | undefined,
	_options: object,
	{ console, interruption }: Session,
): Promise<number> {
	const models = id === undefined ? await listAll(dataFolders().models) : [await findListed(id)];
	const verdicts: Verdict[] = [];
	for (const model of models) if (model.entry) verdicts.push(await verdictOf(model, interruption.signal));
	const table = formatTable<Verdict>(
		[
			{ title: 'model', align: 'left', cell: (verdict) => verdict.id },
			{ title: 'state', align: 'left', cell: ({ state }) => state },
			{ title: 'files', align: 'left', cell: ({ files }) => files.map(fileText).join(', ') },
		],
		verdicts,
	);
	console.result({ models: verdicts }, table);
	return verdicts.some(({ state }) => state === 'damaged') ? EXIT.input : EXIT.ok;
}

async function verdictOf({ id, entry }: ListedModel, signal: AbortSignal): Promise<Verdict> {
	const receipt = entry?.receipt;
	if (!entry || !receipt) return { id, state: 'unrecorded', files: [] };
	const folder = receipt.opened === null ? entry.path : dirname(entry.path);
	const files = await checkFiles(folder, receipt, signal);
	const isSound = files.every(({ state }) => state === 'unchanged');
	return { id, state: isSound ? 'sound' : 'damaged', files };
}

function fileText({ name, state }: FileCheck): string {
	return state === 'unchanged' ? name : `${name} (${state})`;
}
