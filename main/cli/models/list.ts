import type { Command } from 'commander';
import { GIGA } from '../../domain/cost.ts';
import { UserFacingError } from '../../domain/errors.ts';
import { CARD_VIDEO, readCard, type ModelCard } from '../../models/card.ts';
import { listAll, type ListedModel } from '../../models/listing.ts';
import { dataFolders } from '../../process/data-folders.ts';
import { EXIT } from '../exit-codes.ts';
import type { Session } from '../options.ts';
import { formatTable } from '../text-table.ts';

export function defineModelsList(command: Command): Command {
	return command.description('list the models that are installed, and those that can be got');
}

export async function modelsListCommand({ console }: Session): Promise<number> {
	const models = await listAll(dataFolders().models);
	const table = formatTable<ListedModel>(
		[
			{ title: 'model', align: 'left', cell: ({ id }) => id },
			{ title: 'name', align: 'left', cell: ({ name }) => name },
			{ title: 'state', align: 'left', cell: stateText },
			{ title: 'MB', align: 'right', cell: ({ bytes }) => megabytes(bytes) },
			{ title: 'licence', align: 'left', cell: ({ published }) => licenceText(published) },
			{ title: 'published', align: 'left', cell: ({ published }) => accuracyText(published) },
		],
		models,
	);
	console.result({ models: models.map(describeListed) }, table);
	return EXIT.ok;
}

export function defineModelsInfo(command: Command): Command {
	return command
		.description('show what a model is: licence, classes, modes, accuracy, operations, hash')
		.argument('<id>', 'a model of "sparsight models list"');
}

export async function modelsInfoCommand(id: string, _options: object, session: Session): Promise<number> {
	const model = await findListed(id);
	const card = await cardOf(model);
	const data = { ...describeListed(model), ...card.data };
	session.console.result(data, infoText(model, card.value, card.problem));
	return EXIT.ok;
}

/** Throws `model-not-found`, naming all. */
export async function findListed(id: string): Promise<ListedModel> {
	const models = await listAll(dataFolders().models);
	const model = models.find((one) => one.id === id);
	if (model) return model;
	throw new UserFacingError(
		'model-not-found',
		`The model must be one of ${models.map((one) => one.id).join(', ')} (got "${id}").`,
		{ remedy: 'Run "sparsight models list" to see what there is.' },
	);
}

async function cardOf({ entry }: ListedModel): Promise<{
	value: ModelCard | null;
	problem: string | null;
	data: object;
}> {
	if (!entry) return { value: null, problem: null, data: {} };
	try {
		const value = await readCard(entry.path, dataFolders());
		return { value, problem: null, data: { ...value, video: CARD_VIDEO } };
	} catch (error) {
		if (!(error instanceof UserFacingError)) throw error;
		return { value: null, problem: error.message, data: { problem: error.message } };
	}
}

/** A listed model, for `--json`. */
function describeListed({ id, name, state, entry, published, bytes, loadedBytes }: ListedModel): object {
	return {
		id,
		name,
		state,
		source: entry?.source ?? null,
		path: entry?.path ?? null,
		bytes,
		loadedBytes,
		licence: published?.licence ?? null,
		family: published?.family ?? null,
		form: published?.form ?? null,
		page: published?.page ?? null,
		accuracy: published?.accuracy ?? null,
		unverified: published?.unverified ?? null,
		files: entry?.receipt?.files ?? published?.files ?? [],
	};
}

function infoText(model: ListedModel, card: ModelCard | null, problem: string | null): string {
	const { published, entry } = model;
	const rows: [string, string][] = [
		['name', published?.name ?? card?.name ?? model.name],
		['state', stateText(model)],
		['path', entry?.path ?? ''],
		['problem', problem ?? ''],
		['licence', [licenceText(published) || 'not stated', published?.licence.remark ?? ''].filter(Boolean).join('. ')],
		['size', model.bytes === null ? 'unknown' : `${megabytes(model.bytes)} MB`],
		['published', accuracyText(published)],
		['from', published?.accuracy?.source ?? ''],
		['page', published?.page ?? ''],
		['unverified', published?.unverified ?? ''],
		...(card?.remarks ?? []).map((remark): [string, string] => ['remark', remark]),
		['family', card?.family ?? published?.family ?? ''],
		['classes', card ? `${card.classes.length}: ${card.classes.join(', ')}` : ''],
		['operations', card ? `${(card.denseMacs / GIGA).toFixed(2)} GMAC a frame of ${CARD_VIDEO.width}×${CARD_VIDEO.height}` : ''],
		['modes', card?.modes.join(', ') ?? ''],
		...Object.entries(card?.refusals ?? {}).map(([mode, why]): [string, string] => [`not ${mode}`, why]),
		['SHA-256', card?.sha256 ?? ''],
	];
	const width = Math.max(...rows.map(([title]) => title.length));
	return rows
		.filter(([, text]) => text !== '')
		.map(([title, text]) => `${title.padEnd(width)}  ${text}\n`)
		.join('');
}

function stateText({ state, entry, loadedBytes }: ListedModel): string {
	if (entry) return entry.source === 'shipped' ? 'comes with Sparsight' : entry.source;
	if (loadedBytes > 0) return `begun (${megabytes(loadedBytes)} MB)`;
	return state === 'elsewhere' ? 'from a mirror or folder' : state;
}

export function megabytes(bytes: number | null): string {
	return bytes === null ? '' : (bytes / 1e6).toFixed(1);
}

function licenceText(published: ListedModel['published']): string {
	return published ? (published.licence.spdx ?? 'see info') : '';
}

function accuracyText(published: ListedModel['published']): string {
	return published?.accuracy ? `${published.accuracy.value.toFixed(1)} ${published.accuracy.measure}` : '';
}
