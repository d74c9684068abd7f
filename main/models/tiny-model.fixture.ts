import type { CatalogModel } from './catalog-file.ts';

// For tests only: a model that could be in the catalogue, of two small files.

export const CONFIG = Buffer.from('{"model_type": "none"}');
export const WEIGHTS = Buffer.from(Uint8Array.from({ length: 200_000 }, (_, i) => (i * 11) % 256));

export function tinyModel(files: CatalogModel['files']): CatalogModel {
	return {
		id: 'tiny',
		name: 'Tiny',
		task: 'detection',
		family: 'none',
		form: 'hugging-face',
		licence: { spdx: 'MIT', remark: '' },
		page: null,
		files,
		accuracy: null,
		unverified: 'Nobody publishes it.',
	};
}
