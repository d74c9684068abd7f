import { expect, it } from 'vitest';
import { tryFullDisk } from './full-disk.ts';
import { WRITERS } from './writers/index.ts';

// A small part of `npm run torture`, which lets all of them fail at every file.
const HERE = [
	'The card of an ONNX file',
	'Tensors of graphs, hashes of files (caches)',
	'Export csv',
	"A model of one's own that is installed",
];

it.each(HERE)(
	'%s: a disk that is full or takes no writing is told of, and nothing is lost',
	async (title) => {
		const found = await tryFullDisk(WRITERS.filter((writer) => writer.title === title));
		expect(found.length).toBeGreaterThan(0);
		for (const { file, outcomes } of found)
			for (const [kind, outcome] of Object.entries(outcomes))
				expect.soft(outcome, `${file}, ${kind}`).toBeTypeOf('string');
	},
);
