import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { findModel, listModels } from './catalog.ts';
import { installationFolder } from '../process/installation.ts';

const shipped = readdirSync(join(installationFolder(), 'models'))
	.filter((name) => name !== 'catalog.json')
	.sort();
let folder: string;

beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'sparsight-models-'));
	for (const name of ['mine', 'lookout', 'unrelated']) mkdirSync(join(folder, name));
	for (const name of ['mine', 'lookout'])
		for (const file of ['model.json', 'model.safetensors']) writeFileSync(join(folder, name, file), '{}');
	for (const name of ['detr-r50.pth', 'mine.pth', 'notes.txt']) writeFileSync(join(folder, name), '');
	vi.stubEnv('SPARSIGHT_MODELS', folder);
	vi.stubEnv('SPARSIGHT_HOME', join(folder, 'home'));
});

afterEach(() => {
	vi.unstubAllEnvs();
	rmSync(folder, { recursive: true });
});

describe('the catalog', () => {
	it('ships Lookout', () => expect(shipped).toContain('lookout'));

	it('lists shipped and added models, folders and files of weights; of two names the first holds', async () => {
		const entries = await listModels();
		expect(entries.map(({ id, source }) => `${id} ${source}`)).toEqual([
			...shipped.map((id) => `${id} shipped`),
			'detr-r50 named',
			'mine named',
		]);
	});

	it('finds a model by id and by path', async () => {
		expect(await findModel('mine')).toBe(join(folder, 'mine'));
		expect(await findModel('detr-r50')).toBe(join(folder, 'detr-r50.pth'));
		expect(await findModel(join(folder, 'unrelated'))).toBe(join(folder, 'unrelated'));
	});

	it('names what there is when there is no such model', async () => {
		await expect(findModel('yolo')).rejects.toMatchObject({
			code: 'model-not-found',
			message: `--model must be one of ${shipped.join(', ')}, detr-r50, mine or the path of a model (got "yolo").`,
		});
	});
});
