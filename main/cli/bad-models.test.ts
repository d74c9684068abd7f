import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { installationFolder } from '../process/installation.ts';
import { safetensorsOfCase } from '../weights/parity-case.fixture.ts';
import { op, pickle, torchArchive } from '../weights/torch-file.fixture.ts';
import { type Ended, failureOf, makeClip, openBench, sparsightEach } from './cli.fixture.ts';

const FIXTURES = join(installationFolder(), 'main', 'parity', 'fixtures');
const bench = openBench();
const at = (name: string) => join(bench.folder, name);

beforeAll(async () => {
	makeClip(at('clip.mp4'), 3);
	const detr = await safetensorsOfCase('enact/detr-plain');
	const changed = (from: string, to: string) =>
		Buffer.from(detr.toString('latin1').replace(from, to), 'latin1');
	writeFileSync(at('detr.safetensors'), detr);
	writeFileSync(at('renamed.safetensors'), changed('"class_embed.bias"', '"class_embed.base"'));
	writeFileSync(at('cut.safetensors'), detr.subarray(0, -1234));
	const torch = readFileSync(join(FIXTURES, 'sparse-detr', 'checkpoint', 'checkpoint.pth'));
	writeFileSync(at('cut.pth'), torch.subarray(0, torch.length >> 1));
	const legacy = readFileSync(join(FIXTURES, 'sparse-detr', 'checkpoint', 'checkpoint-legacy.pth'));
	writeFileSync(at('cut-legacy.pth'), legacy.subarray(0, -99));
	writeFileSync(at('evil.pth'), torchArchive(pickle(op.global('os', 'system'))));
});
afterAll(bench.close);

const rows: [string, string[], number, string, RegExp][] = [
	[
		'a tensor by another name',
		['--model', 'renamed.safetensors'],
		3,
		'tensor-mismatch',
		/renamed\.safetensors is not a checkpoint of DETR: it lacks class_embed\.bias \[\d+\]; it has besides class_embed\.base/,
	],
	['a cut file', ['--model', 'cut.safetensors'], 3, 'model-unreadable', /cut\.safetensors .* 1234 bytes/],
	['a cut checkpoint', ['--model', 'cut.pth'], 3, 'model-unreadable', /cut\.pth .* at least \d+ bytes/],
	['a cut older one', ['--model', 'cut-legacy.pth'], 3, 'model-unreadable', /legacy\.pth .* 99 bytes/],
	['a pickle with code', ['--model', 'evil.pth'], 3, 'model-unreadable', /evil\.pth .* asks for os\.system/],
	[
		'a mode that it has not',
		['--model', 'detr.safetensors', '--mode', 'eventful'],
		2,
		'unknown-mode',
		/eventful/,
	],
	[
		'a keep ratio above 1',
		['--mode', 'sparse', '--set', 'keep=1.5'],
		2,
		'setting-out-of-range',
		/keep must be .*\(got 1\.5\)/,
	],
	[
		'a keep ratio of 0',
		['--mode', 'sparse', '--set', 'keep=0'],
		2,
		'setting-out-of-range',
		/keep must be .*\(got 0\)/,
	],
	[
		'a negative k',
		['--mode', 'eventful', '--set', 'k=-1'],
		2,
		'setting-out-of-range',
		/k must be .*\(got -1\)/,
	],
	[
		'half a token',
		['--mode', 'eventful', '--set', 'k=2.5'],
		2,
		'setting-out-of-range',
		/k must be .*\(got 2\.5\)/,
	],
];
let ended: Ended[];
beforeAll(async () => {
	const lines = rows.map(([, words], i) => ['analyze', 'clip.mp4', ...words, '--out', `left-${i}`, '--json']);
	ended = await sparsightEach(bench.folder, lines);
});

it.each(rows.map(([title, , ...expected], i) => [title, i, ...expected] as const))(
	'%s: one sentence, and no run is begun',
	(_, i, exitCode, code, message) => {
		expect(failureOf(ended[i]!)).toEqual({ exitCode, code, message: expect.stringMatching(message) });
		expect(existsSync(at(`left-${i}`))).toBe(false);
	},
);
