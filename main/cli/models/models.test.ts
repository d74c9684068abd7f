import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SIGNATURES, tinyOnnx } from '../../families/onnx/tiny-onnx.fixture.ts';
import { serveFiles } from '../../models/file-server.fixture.ts';
import { safetensorsOfCase } from '../../weights/parity-case.fixture.ts';
import { failureOf, openBench, sparsight, startSparsight, until } from '../cli.fixture.ts';

// A small RetinaNet under the name of a large one: the catalogue states no hash of it.
const ID = 'retinanet-shvit-s4';
const FILE = `${ID}.pth`;

const bench = openBench();
let weights: Buffer;
let server: Awaited<ReturnType<typeof serveFiles>>;
let home: string;
let count = 0;

beforeAll(async () => (weights = await safetensorsOfCase('shvit/retinanet')));
afterAll(bench.close);
beforeEach(async () => {
	home = join(bench.folder, String(count++));
	mkdirSync(home);
	server = await serveFiles(new Map([[`${ID}/${FILE}`, weights]]));
});
afterEach(() => server.close());

const run = (...words: string[]) => sparsight(home, ['models', ...words]);
const json = async (...words: string[]) => {
	const { code, stdout, stderr } = await run(...words, '--json');
	if (code !== 0) throw new Error(`exit code ${code}: ${stderr}`);
	return JSON.parse(stdout);
};
const get = (...words: string[]) => json('get', ID, '--yes', '--mirror', server.address, ...words);
const installed = () => join(home, 'models', ID, FILE);

describe('sparsight models', () => {
	it('lists what is there and what can be got, with licences and sizes', async () => {
		const { models } = await json('list');
		const of = (id: string) => models.find((model: { id: string }) => model.id === id);
		expect(of('lookout')).toMatchObject({ state: 'installed', source: 'shipped', licence: { spdx: 'MIT' } });
		expect(of('d-fine-n')).toMatchObject({ state: 'available', path: null, accuracy: { value: 42.8 } });
		expect(of('vitdet-b')).toMatchObject({ state: 'elsewhere', licence: { spdx: null } });
		expect((await run('list')).stdout).toMatch(/^lookout +Lookout +comes with Sparsight +\d+\.\d +MIT/m);
	});

	it('says what a model is', async () => {
		expect(await json('info', 'lookout')).toMatchObject({
			family: 'lookout',
			classes: expect.arrayContaining(['person']),
			modes: expect.arrayContaining(['dense', 'token-cache']),
			denseMacs: expect.any(Number),
			video: { width: 768, height: 576 },
		});
		const { stdout } = await run('info', 'vitdet-b');
		expect(stdout).toMatch(/^licence +see info\. Code: Apache-2\.0/m);
		expect(stdout).toMatch(/^unverified +Nobody publishes/m);
	});

	it('gets a model, verifies it and removes it', async () => {
		expect(await get()).toEqual({ id: ID, path: installed() });
		expect(await json('info', ID)).toMatchObject({
			state: 'installed',
			family: 'shvit',
			modes: expect.arrayContaining(['dense']),
			refusals: { 'token-cache': expect.any(String) },
			files: [{ name: FILE, sha256: createHash('sha256').update(weights).digest('hex') }],
		});
		expect(await json('verify', ID)).toMatchObject({ models: [{ id: ID, state: 'sound' }] });
		writeFileSync(installed(), 'changed');
		const { code, stdout } = await run('verify', '--json');
		expect(code).toBe(3);
		expect(JSON.parse(stdout).models).toContainEqual({
			id: ID,
			state: 'damaged',
			files: [{ name: FILE, state: 'changed' }],
		});
		expect(await json('remove', ID, '--yes')).toEqual({ id: ID, removed: true });
		expect(readdirSync(join(home, 'models'))).toEqual([]);
	});

	it('takes it from a folder, and from the mirror that the environment names', async () => {
		writeFileSync(join(home, FILE), weights);
		await json('get', ID, '--yes', '--from', home);
		await json('remove', ID, '--yes');
		const words = ['models', 'get', ID, '--yes', '--json'];
		expect((await sparsight(home, words, { SPARSIGHT_MIRROR: server.address })).code).toBe(0);
	});

	it('goes on after it was killed in the middle', async () => {
		server.behaviour.stallsAfter = 100_000;
		const { child, ended } = startSparsight(home, ['models', 'get', ID, '--yes', '--mirror', server.address]);
		const part = join(home, 'models', `.part-${ID}`, `${FILE}.part`);
		await until(() => existsSync(part) && readFileSync(part).length === 100_000);
		child.kill('SIGKILL');
		await ended;
		delete server.behaviour.stallsAfter;
		expect((await json('list')).models).toContainEqual(
			expect.objectContaining({ id: ID, state: 'available', path: null }),
		);
		await get();
		expect(server.asked.map(({ range }) => range)).toEqual([undefined, 'bytes=100000-']);
		expect(readFileSync(installed()).equals(weights)).toBe(true);
	});

	it('ends in order at Ctrl+C, and goes on from there', async () => {
		server.behaviour.stallsAfter = 100_000;
		const { child, ended } = startSparsight(home, ['models', 'get', ID, '--yes', '--mirror', server.address]);
		const part = join(home, 'models', `.part-${ID}`, `${FILE}.part`);
		await until(() => existsSync(part) && readFileSync(part).length === 100_000);
		child.kill('SIGINT');
		expect(await ended).toMatchObject({ code: 130, stderr: expect.stringContaining('was cancelled') });
		delete server.behaviour.stallsAfter;
		await get();
	});

	it('adds a model of one’s own, which all commands then know', async () => {
		writeFileSync(join(home, 'mine.safetensors'), weights);
		expect(await json('add', 'mine.safetensors')).toEqual({
			path: join(home, 'models', 'mine', 'mine.safetensors'),
		});
		expect((await json('list')).models).toContainEqual(
			expect.objectContaining({ id: 'mine', source: 'installed', licence: null }),
		);
		expect((await json()).models).toContainEqual(expect.objectContaining({ id: 'mine' }));
	});

	it('says of what is added that it is only likely what it seems, or needs a card, which its name then finds', async () => {
		writeFileSync(join(home, 'likely.onnx'), tinyOnnx({ outputs: SIGNATURES.yoloRaw }));
		writeFileSync(join(home, 'open.onnx'), tinyOnnx({ outputs: SIGNATURES.yolox }));
		expect(await run('add', 'likely.onnx')).toMatchObject({
			code: 0,
			stderr: expect.stringContaining('the likely reading, not a certain one'),
		});
		expect(await run('add', 'open.onnx')).toMatchObject({
			code: 0,
			stderr: expect.stringMatching(/installed, and does not run yet: .*open\.onnx can be read in 3 ways/),
		});
		const saved = join(home, 'models', 'open', 'open.onnx.card.json');
		expect(await json('card', 'open', '--reading', '1', '--save')).toMatchObject({ saved });
		expect(await json('info', 'open')).toMatchObject({ family: 'onnx', bytes: expect.any(Number) });
	});

	it.each<[string, () => string[], number, string, RegExp]>([
		['an unknown model', () => ['get', 'yolo'], 3, 'model-not-found', /must be one of lookout, .*vitdet-b/],
		['one that is there', () => ['get', 'lookout', '--yes'], 2, 'bad-argument', /is there already/],
		['a licence that nobody accepted', () => ['get', ID], 2, 'bad-argument', /no terminal to ask on/],
		['a mirror without https', () => ['get', ID, '--yes', '--mirror', 'http://example.org'], 2, 'bad-argument', /https/],
		['no address', () => ['get', 'vitdet-b', '--yes'], 3, 'download-refused', /has no address of its own/],
		['a mirror that has it not', () => ['get', 'd-fine-n', '--yes', '--mirror', server.address], 3, 'download-refused', /404/],
		['a file that is no model', () => ['add', 'nothing.txt'], 3, 'model-not-found', /no such model/],
		['one that comes with Sparsight, to remove', () => ['remove', 'lookout', '--yes'], 2, 'bad-argument', /comes with Sparsight/],
	])('refuses %s', async (_, words, exitCode, code, message) => {
		expect(failureOf(await run(...words(), '--json'))).toMatchObject({
			exitCode,
			code,
			message: expect.stringMatching(message) as string,
		});
	});

	it('installs nothing that does not open', async () => {
		server.files.set(`${ID}/${FILE}`, Buffer.from('<html>Please log in</html>'));
		const { code } = await run('get', ID, '--yes', '--mirror', server.address);
		expect(code).toBe(3);
		expect(readdirSync(join(home, 'models'))).toEqual([]);
	});

	it('installs nothing whose hash is not the published one', async () => {
		server.files.set('d-fine-n/d-fine-n.onnx', Buffer.alloc(15_258_358));
		const failure = failureOf(await run('get', 'd-fine-n', '--yes', '--json', '--mirror', server.address));
		expect(failure).toMatchObject({ code: 'hash-mismatch' });
	});
});
