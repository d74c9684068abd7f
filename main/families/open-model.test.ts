import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { op, pickle, tensor, torchArchive, torchLegacy } from '../weights/torch-file.fixture.ts';
import { MODEL_FAMILIES, openModel, openSource } from './index.ts';
import { ModelSource } from './source.ts';

const LOOKOUT = new URL('../../models/lookout/', import.meta.url).pathname;
let folder: string;

beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), 'sparsight-open-'));
	const unknown = pickle(op.dict(['fc.weight', tensor('0', 2, [2])], ['fc.bias', tensor('1', 1, [1])]));
	writeFileSync(join(folder, 'unknown.pth'), torchArchive(unknown, { 0: [1, 2], 1: [3] }));
	writeFileSync(join(folder, 'older.bin'), torchLegacy(unknown, { 0: [1, 2], 1: [3] }));
	writeFileSync(join(folder, 'evil.pth'), torchArchive(pickle(op.global('os', 'system'))));
	writeFileSync(join(folder, 'notes.pth'), 'these are only notes');
});

afterAll(() => rmSync(folder, { recursive: true }));

it.each(['', 'model.json', 'model.safetensors'])('opens a model folder by its path/%s', async (name) => {
	expect(await openModel(join(LOOKOUT, name))).toMatchObject({ id: 'lookout' });
});

describe('says why a folder is no model', () => {
	it.each<[string, Record<string, string>, RegExp]>([
		['empty', {}, /empty is no model: a folder with model\.json or config\.json and model\.safetensors/],
		[
			'weightless',
			{ 'model.json': '{}' },
			/weightless has model\.json and no weights: model\.safetensors was/,
		],
		['broken', { 'model.json': '{', 'model.safetensors': '' }, /model\.json is not JSON/],
		['formless', { 'model.json': '{}', 'model.safetensors': '' }, /model\.json has no "format"/],
		[
			'twofold',
			{
				'model.json': JSON.stringify({ format: 'token-local detector, version 1' }),
				'config.json': '{"model_type": "yolos"}',
				'model.safetensors': '',
			},
			/twofold has both model\.json and config\.json: one of them was expected/,
		],
		[
			'foreign',
			{ 'model.json': '{"format": "x"}', 'model.safetensors': '' },
			/format must be one of .* \(got x\)/,
		],
		[
			'architecture',
			{ 'config.json': '{"model_type": "swin"}', 'model.safetensors': '' },
			/config\.json: model_type must be one of .* \(got swin\)/,
		],
	])('%s', async (name, files, message) => {
		mkdirSync(join(folder, name));
		for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, name, file), text);
		await expect(openModel(join(folder, name))).rejects.toThrow(message);
	});
});

it('names both families where a model could be of either', async () => {
	const source = ModelSource.inMemory({ path: 'two.pth', sha256: '', weights: new Map(), options: null });
	const family = (title: string) => ({ ...MODEL_FAMILIES[0]!, title, recognizes: () => true });
	await expect(openSource(source, [family('Yolk'), family('White')])).rejects.toThrow(
		'two.pth could be a Yolk or a White: it has the marks of both.',
	);
});

describe('says why a file of weights is no model', () => {
	it.each([
		['unknown.pth', /no family that is known \(.*\): it starts with fc\.weight, fc\.bias\./],
		['older.bin', /no family that is known \(.*\): it starts with fc\.weight, fc\.bias\./],
		['evil.pth', /is refused: its pickle asks for os\.system/],
		['notes.pth', /is not a readable safetensors file/],
		['absent.pth', /no such model/],
	])('%s', async (name, message) => {
		await expect(openModel(join(folder, name))).rejects.toThrow(message);
	});
});
