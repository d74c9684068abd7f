import type { Command } from 'commander';
import { createInterface } from 'node:readline/promises';
import { UserFacingError } from '../../domain/errors.ts';
import { chosenMirror } from '../../models/addresses.ts';
import { readCard } from '../../models/card.ts';
import { readCatalog, type CatalogModel } from '../../models/catalog-file.ts';
import { addModel, getModel, type ModelOrigin } from '../../models/install.ts';
import type { ListedModel } from '../../models/listing.ts';
import { removeModel } from '../../models/remove.ts';
import { dataFolders } from '../../process/data-folders.ts';
import { EXIT } from '../exit-codes.ts';
import type { Session } from '../options.ts';
import { formatTimeLeft, showProgress } from '../progress-display.ts';
import { findListed, megabytes } from './list.ts';

type GetOptions = { mirror?: string; from?: string; yes?: true };

export function defineModelsGet(command: Command): Command {
	return command
		.description('download a model of the catalogue; a download that broke off is gone on with')
		.argument('<id>', 'a model of "sparsight models list"')
		.option('--mirror <address>', 'get ID/FILE from another server (default: SPARSIGHT_MIRROR, if set)')
		.option('--from <folder>', 'take ID/FILE, or the files, from a folder instead')
		.option('--yes', 'do not ask whether its licence is accepted');
}

export async function modelsGetCommand(id: string, options: GetOptions, session: Session): Promise<number> {
	const { console, interruption } = session;
	const origin = originOf(options);
	const listed = await findListed(id);
	const model = obtainable(listed);
	await confirm(questionOf(listed, model), options, session);
	const display = showProgress(id);
	try {
		const path = await getModel(model, {
			modelsFolder: dataFolders().models,
			origin,
			redirects: (await readCatalog()).redirects,
			signal: interruption.signal,
			check: openable,
			onProgress({ bytes, totalBytes, bytesPerSecond, secondsLeft }) {
				const rate = `MB · ${megabytes(bytesPerSecond)} MB/s · ${formatTimeLeft(secondsLeft)}`;
				const total = totalBytes === null ? null : Math.max(1, Math.round(totalBytes / 1e6));
				display.update(Math.round(bytes / 1e6), total, rate);
			},
		});
		display.stop();
		console.result({ id, path }, `${path}\n`);
		return EXIT.ok;
	} finally {
		display.stop();
	}
}

export function defineModelsAdd(command: Command): Command {
	return command
		.description('install a model of your own: a folder, or a file with what lies beside it under its name')
		.argument('<path>', 'folder or file')
		.option('--link', 'leave the files where they are, and link to them');
}

export async function modelsAddCommand(
	path: string,
	{ link = false }: { link?: boolean },
	{ console, interruption: { signal } }: Session,
): Promise<number> {
	const place = await addModel(path, { modelsFolder: dataFolders().models, check: openable, signal, link });
	for (const remark of await remarksOn(place)) console.note(remark);
	console.result({ path: place }, `${place}\n`);
	return EXIT.ok;
}

export function defineModelsRemove(command: Command): Command {
	return command
		.description('remove a model that was downloaded or added, or what was loaded of one')
		.argument('<id>', 'an installed model of "sparsight models list"')
		.option('--yes', 'do not ask');
}

export async function modelsRemoveCommand(id: string, options: { yes?: true }, session: Session): Promise<number> {
	const { entry, loadedBytes } = await findListed(id);
	if (entry?.source === 'installed') await confirm(`Remove ${entry.path}?`, options, session);
	else if (loadedBytes > 0) {
		const question = `Remove the ${megabytes(loadedBytes)} MB that were loaded of ${id}?`;
		await confirm(question, options, session);
	}
	await removeModel(id, dataFolders().models);
	session.console.result({ id, removed: true }, `${id} was removed\n`);
	return EXIT.ok;
}

function originOf({ mirror, from }: GetOptions): ModelOrigin {
	if (from !== undefined) return { kind: 'folder', path: from };
	const address = chosenMirror(mirror);
	return address === null ? { kind: 'publisher' } : { kind: 'mirror', address };
}

function obtainable({ id, entry, published }: ListedModel): CatalogModel {
	if (published && !entry) return published;
	throw new UserFacingError('bad-argument', `The model ${id} is there already: ${entry?.path ?? ''}.`, {
		remedy: 'Run "sparsight models verify" to see whether its files are as they were.',
	});
}

function questionOf({ bytes }: ListedModel, { name, licence, page }: CatalogModel): string {
	const size = bytes === null ? 'of unknown size' : `${megabytes(bytes)} MB`;
	const terms = `${licence.spdx ?? 'No licence is stated'}. ${licence.remark}`;
	return `${name}, ${size}${page === null ? '' : `, ${page}`}\nLicence: ${terms}\nGet it under this licence?`;
}

/** Opens a model as far as it can be without a person; one that only needs a card may be installed. */
async function openable(path: string): Promise<void> {
	try {
		await readCard(path, dataFolders());
	} catch (error) {
		if (!(error instanceof UserFacingError && error.code === 'card-needed')) throw error;
	}
}

/** What a person should know of a model before it runs: that it is only likely what it is taken for, or needs a card. */
async function remarksOn(path: string): Promise<readonly string[]> {
	try {
		return (await readCard(path, dataFolders())).remarks;
	} catch (error) {
		if (!(error instanceof UserFacingError)) throw error;
		return [`It is installed, and does not run yet: ${error.message}`, ...(error.remedy === null ? [] : [error.remedy])];
	}
}

/** Throws `cancelled` unless the person says yes, and `bad-argument` where nobody can be asked. */
async function confirm(question: string, { yes }: { yes?: true }, { console, interruption }: Session): Promise<void> {
	if (yes) return;
	if (!process.stdin.isTTY || console.json) {
		console.note(question);
		throw new UserFacingError('bad-argument', 'An answer was expected, and there is no terminal to ask on.', {
			remedy: 'Read the text above, and say --yes.',
		});
	}
	const lines = createInterface({ input: process.stdin, output: process.stderr });
	try {
		const answer = await lines.question(`${question} [y/N] `, { signal: interruption.signal });
		if (/^y(es)?$/i.test(answer.trim())) return;
	} finally {
		lines.close();
	}
	throw new UserFacingError('cancelled', 'Nothing was done, for the answer was not yes.');
}
