import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { op, pickle, tensor, torchArchive, torchLegacy } from '../weights/torch-file.fixture.ts';
import { openModel } from './index.ts';

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
