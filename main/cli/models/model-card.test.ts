import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SIGNATURES, tinyOnnx } from '../../families/onnx/tiny-onnx.fixture.ts';
import { openRun } from '../../results/stored-run.ts';
import { failureOf, makeClip, openBench, sparsight } from '../cli.fixture.ts';

// A file that can be read in several ways, from the question to a run.
const bench = openBench();
const at = (name: string) => join(bench.folder, name);
const run = (...words: string[]) => sparsight(bench.folder, words);

beforeAll(() => {
	makeClip(at('clip.mp4'), 3);
	writeFileSync(at('open.onnx'), tinyOnnx({ outputs: SIGNATURES.yolox }));
	writeFileSync(at('likely.onnx'), tinyOnnx({ outputs: SIGNATURES.yoloRaw }));
	const outputs = [{ name: 'output0', shape: [1, 20, 6], numbers: [1, 1, 9, 9, Number.NaN] }];
	writeFileSync(at('nan.onnx'), tinyOnnx({ outputs, metadata: { end2end: 'True' } }));
});
afterAll(bench.close);

it('is asked about by analyze, with the readings and the way to choose', async () => {
	const ended = await run('analyze', 'clip.mp4', '--model', 'open.onnx', '--mode', 'dense', '--out', 'left', '--json');
	expect(failureOf(ended)).toMatchObject({
		code: 'card-needed',
		message: expect.stringMatching(/open\.onnx can be read in 3 ways.*\(1\) YOLOX.*\(2\).*\(3\)/),
	});
	expect(ended.stderr).toContain('models card');
	expect(existsSync(at('left'))).toBe(false);
});

it('is looked at on a frame, changed, named and saved, and then opens', async () => {
	writeFileSync(at('names.txt'), Array.from({ length: 80 }, (_, i) => `thing ${i}`).join('\n'));
	const words = ['--video', 'clip.mp4', '--reading', '1', '--set', 'displayScore=0.5', '--names', 'names.txt', '--save'];
	const { code, stdout } = await run('models', 'card', 'open.onnx', ...words, '--json');
	expect(code).toBe(0);
	const said = JSON.parse(stdout) as { degree: string; saved: string; readings: { probe: { shown: number } }[] };
	expect(said).toMatchObject({ degree: 'ask', saved: at('open.onnx.card.json') });
	expect(said.readings[0]!.probe.shown).toBe(1);
	expect(JSON.parse(readFileSync(said.saved, 'utf8'))).toMatchObject({ title: 'YOLOX', displayScore: 0.5 });
	expect(await run('analyze', 'clip.mp4', '--model', 'open.onnx', '--mode', 'dense', '--out', 'done')).toMatchObject({ code: 0 });
	const { header } = await openRun(at('done'));
	expect(header.model.classes[0]).toBe('thing 0');
	expect(header.displayThresholds[0]).toBe(0.5);
});

it('keeps the card that it has unless told to replace it, even where that one is wrong', async () => {
	const card = at('likely.onnx.card.json');
	writeFileSync(card, '{}');
	const refused = failureOf(await run('models', 'card', 'likely.onnx', '--save', '--json'));
	expect(refused).toMatchObject({
		code: 'bad-argument',
		message: expect.stringContaining(`${card} is there already`),
	});
	expect(readFileSync(card, 'utf8')).toBe('{}');
	expect(await run('models', 'card', 'likely.onnx')).toMatchObject({
		code: 0,
		stderr: expect.stringContaining('There is a card already'),
	});
	expect(await run('models', 'card', 'likely.onnx', '--save', '--force')).toMatchObject({ code: 0 });
	expect(JSON.parse(readFileSync(card, 'utf8'))).toMatchObject({ format: 'sparsight.onnx-card' });
	rmSync(card);
});

it('is said to be likely only, on stderr, where it opens without a card', async () => {
	const ended = await run('analyze', 'clip.mp4', '--model', 'likely.onnx', '--mode', 'dense', '--out', 'likely');
	expect(ended.code).toBe(0);
	expect(ended.stderr).toContain('is the likely reading, not a certain one');
});

it('has no other fields than those of cards', async () => {
	const ended = await run('models', 'card', 'likely.onnx', '--set', 'input.color=bgr', '--json');
	expect(failureOf(ended)).toMatchObject({ code: 'bad-argument', message: expect.stringContaining('no field input.color') });
});

it('ends a run in a sentence where answers are no numbers', async () => {
	const ended = await run('analyze', 'clip.mp4', '--model', 'nan.onnx', '--mode', 'dense', '--out', 'nan', '--json');
	expect(failureOf(ended).message).toMatch(/nan\.onnx answers with what is not a number \(NaN\) in output0, for the frame at 0\.000 s\./);
});
