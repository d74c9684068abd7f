import { existsSync, readFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { systemError } from '../main/domain/errors.ts';
import { writeFileWhole } from '../main/process/json-file.ts';
import { type FullDiskFigures, isFailure, tryFullDisk } from './full-disk.ts';
import { WRITERS } from './writers/index.ts';
import { nothing, type Writer } from './writers/writer.ts';

// A small part of `npm run torture`, which lets all of them fail at every file.
const HERE = [
	'The card of an ONNX file',
	'Tensors of graphs (a cache)',
	'What is derived from a run (caches)',
	'Checks of execution providers',
	'Export csv',
	"A model of one's own that is installed",
	"The desktop's window",
	"The desktop's log",
];

it.each(HERE)(
	'%s: a disk that is full or takes no writing is told of, and nothing is lost',
	async (title) => {
		const found = await tryFullDisk(WRITERS.filter((writer) => writer.title === title));
		expect(found.length).toBeGreaterThan(0);
		for (const { file, outcomes } of found)
			for (const [kind, outcome] of Object.entries(outcomes))
				expect.soft(isFailure(outcome) ? outcome.failure : null, `${file}, ${kind}`).toBeNull();
	},
);

/** Puts a word in place of another one, and beside it what belongs to it, by `act`. */
function wordWriter(act: (path: string) => Promise<unknown>, rest: Partial<Writer> = {}): Writer {
	return {
		title: 'A word',
		prepare: async (place) => {
			await writeFile(join(place, 'word'), 'an earlier word');
			await writeFile(join(place, 'beside'), 'what belongs to it');
		},
		open: (place) => Promise.resolve({ act: () => act(join(place, 'word')), close: nothing }),
		find: (place) => {
			const text = (name: string) =>
				existsSync(join(place, name)) ? readFileSync(join(place, name), 'utf8') : null;
			return Promise.resolve({ word: text('word'), beside: text('beside') });
		},
		...rest,
	};
}

const failuresOf = (found: readonly FullDiskFigures[]) =>
	found.flatMap(({ outcomes }) => Object.values(outcomes).filter(isFailure)).map(({ failure }) => failure);

/** A file that is half new where the disk is full. */
function writeOver(path: string): Promise<void> {
	return writeFile(path, 'a word').catch((error: unknown) => {
		throw systemError(error, path) ?? error;
	});
}

let isStored: boolean;

it.each<
	[how: string, act: (path: string) => Promise<unknown>, failure: RegExp | null, rest?: Partial<Writer>]
>([
	['well', (path) => writeFileWhole(path, 'a word'), null],
	['over what was there', writeOver, /word was whole before, and is another/],
	[
		'over what was there, which may be another',
		writeOver,
		/finds something else as word: "a w"/,
		{ grows: /word/ },
	],
	[
		'without a word where it could not',
		(path) => writeFileWhole(path, 'a word').catch(() => undefined),
		/finds something else as word: "an earlier word"/,
	],
	[
		'at the first try only',
		async (path) => {
			if (!isStored) await writeFileWhole(path, 'a word').finally(() => (isStored = true));
		},
		/finds something else as word: "an earlier word"/,
	],
	[
		'at the cost of another file',
		async (path) => {
			const beside = join(path, '..', 'beside');
			const text = await readFile(beside, 'utf8').catch(() => 'lost');
			await rm(beside, { force: true });
			await writeFileWhole(path, 'a word');
			await writeFile(beside, text);
		},
		/beside was whole before, and is gone/,
	],
	[
		'with half a file left',
		async (path) => {
			await writeFile(`${path}.new`, 'a word');
			await writeFileWhole(path, 'a word');
		},
		/word\.new is left/,
	],
])('finds how a word is written: %s', async (_, act, failure, rest) => {
	isStored = false;
	const failures = failuresOf(await tryFullDisk([wordWriter(act, rest)]));
	if (failure === null) expect(failures).toEqual([]);
	else expect(failures).toContainEqual(expect.stringMatching(failure));
});

it.each<[what: string, writer: Writer, refusal: string]>([
	['nothing', wordWriter(nothing), 'it writes nothing'],
	['what is found as it was', wordWriter((path) => writeFileWhole(path, 'an earlier word')), 'a cache'],
	[
		'a cache whose content changes',
		wordWriter((path) => writeFileWhole(path, 'a word'), { isCache: true }),
		'a cache',
	],
])('refuses a writer that could not be seen to fail: one that writes %s', async (_, writer, refusal) => {
	await expect(tryFullDisk([writer])).rejects.toThrow(refusal);
});
