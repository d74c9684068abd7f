import { expect, it } from 'vitest';
import { MODEL_FAMILIES } from '../families/index.ts';
import { listModels } from './catalog.ts';
import { parseCatalog, publishedBytes, readCatalog } from './catalog-file.ts';

const catalog = await readCatalog();

it('knows every model that comes with Sparsight, and these have no files to fetch', async () => {
	const shipped = (await listModels('/none')).filter(({ source }) => source === 'shipped').map(({ id }) => id);
	expect(catalog.models.filter(({ files }) => files.length === 0).map(({ id }) => id).sort()).toEqual(shipped);
});

it('has what analysts ask for', () => {
	expect(catalog.models.map(({ id }) => id)).toEqual(
		expect.arrayContaining(
			'rf-detr-n rf-detr-s rf-detr-m yolos-tiny yolos-small rt-detrv2-s d-fine-n d-fine-s deimv2-atto deimv2-femto deimv2-pico deimv2-n deimv2-s sparse-detr-r50-30 retinanet-shvit-s4 mask-rcnn-shvit-s4 vitdet-b'.split(
				' ',
			),
		),
	);
});

it.each(catalog.models.map((model) => [model.id, model] as const))('%s is told about honestly', (_, model) => {
	const isKnown = model.files.every(({ address, bytes, sha256 }) => address !== null && bytes !== null && sha256 !== null);
	// What is not known has a reason.
	expect(model.unverified === null).toBe(isKnown);
	expect(model.licence.remark).not.toBe('');
	const families = MODEL_FAMILIES.map(({ id }) => id);
	if (model.form !== 'onnx') expect(families).toContain(model.family);
	// One file is opened by itself: its family names the model after it.
	const [first] = model.files;
	if (model.form === 'onnx' || model.form === 'checkpoint') expect(first?.name.replace(/\.\w+$/, '')).toBe(model.id);
});

it.each([
	['d-fine-n', 15_258_358],
	['yolos-tiny', null],
	['lookout', null],
])('%s has %s bytes, as far as that was published', (id, bytes) => {
	expect(publishedBytes(catalog.models.find((model) => model.id === id)!)).toBe(bytes);
});

it.each<[string, (json: Json) => void]>([
	['an address that is not https', ({ models }) => (models[2]!.files[0]!.address = 'http://example.org/a')],
	['a name that leads elsewhere', ({ models }) => (models[2]!.files[0]!.name = '../evil')],
	['a hidden name', ({ models }) => (models[2]!.files[0]!.name = '.bashrc')],
	['a hash that is none', ({ models }) => (models[2]!.files[0]!.sha256 = 'abc')],
	['the same id twice', ({ models }) => (models[2]!.id = models[3]!.id)],
	['a host of everybody', ({ redirects }) => (redirects['github.com'] = ['*'])],
])('refuses %s', (_, spoil) => {
	const json = structuredClone(catalog) as unknown as Json;
	spoil(json);
	expect(() => parseCatalog(json)).toThrow();
});

type Json = {
	redirects: Record<string, string[]>;
	models: { id: string; files: { name: string; address: string; sha256: string }[] }[];
};
