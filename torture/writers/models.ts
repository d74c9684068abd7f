import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { serveFiles } from '../../main/models/file-server.fixture.ts';
import { addModel, getModel } from '../../main/models/install.ts';
import { saveCard, type OnnxCard } from '../../main/families/onnx/card.ts';
import { parseOnnx } from '../../main/families/onnx/onnx-file.ts';
import { recognize } from '../../main/families/onnx/signature.ts';
import { SIGNATURES, tinyOnnx } from '../../main/families/onnx/tiny-onnx.fixture.ts';
import { TensorStore } from '../../main/runtime/tensor-store.ts';
import { FileBytes } from '../../main/weights/byte-source.ts';
import { FileHashes } from '../../main/weights/file-hashes.ts';
import { nothing, type Writer } from './writer.ts';

const CONFIG = Buffer.from('{"model_type": "none"}');
const WEIGHTS = Buffer.from(Uint8Array.from({ length: 200_000 }, (_, i) => (i * 11) % 256));
const install = (place: string) => ({
	modelsFolder: join(place, 'models'),
	signal: new AbortController().signal,
	check: nothing,
});

async function checkModel(place: string, name: string): Promise<void> {
	const weights = readFileSync(join(place, 'models', name, 'model.safetensors'));
	if (!weights.equals(WEIGHTS)) throw new Error('the weights of the model are others');
	readFileSync(join(place, 'models', name, 'config.json'));
	return nothing();
}

/** Once it is there, it is not got again. */
function unlessThere(act: () => Promise<unknown>): () => Promise<void> {
	let done = false;
	return async () => {
		if (!done) await act();
		done = true;
	};
}

export const MODEL_WRITERS: readonly Writer[] = [
	{
		title: 'A model that is downloaded',
		prepare: nothing,
		open: async (place) => {
			const files = { 'config.json': CONFIG, 'model.safetensors': WEIGHTS };
			const server = await serveFiles(
				new Map(Object.entries(files).map(([name, content]) => [`tiny/${name}`, content])),
			);
			const sha256 = (content: Buffer) => createHash('sha256').update(content).digest('hex');
			const model = {
				id: 'tiny',
				name: 'Tiny',
				task: 'detection',
				family: 'none',
				form: 'hugging-face',
				licence: { spdx: 'MIT', remark: '' },
				page: null,
				files: Object.entries(files).map(([name, content]) => ({
					name,
					address: `${server.address}tiny/${name}`,
					bytes: content.length,
					sha256: sha256(content),
				})),
				accuracy: null,
				unverified: 'Nobody publishes it.',
			} as const;
			return {
				act: unlessThere(() =>
					getModel(model, {
						...install(place),
						origin: { kind: 'publisher' },
						redirects: {},
						onProgress: () => undefined,
						patience: { silence: 30_000, pauses: [1] },
					}),
				),
				check: () => checkModel(place, 'tiny'),
				close: () => server.close(),
			};
		},
	},
	{
		title: "A model of one's own that is installed",
		prepare: (place) => {
			mkdirSync(join(place, 'own'));
			writeFileSync(join(place, 'own', 'config.json'), CONFIG);
			writeFileSync(join(place, 'own', 'model.safetensors'), WEIGHTS);
			return nothing();
		},
		open: (place) =>
			Promise.resolve({
				act: unlessThere(() =>
					addModel(join(place, 'own'), { ...install(place), mayRead: () => Promise.resolve(true) }),
				),
				check: () => checkModel(place, 'own'),
				close: nothing,
			}),
	},
	{
		title: 'The card of an ONNX file',
		prepare: (place) => {
			saveCard(someCard(), { folder: join(place, 'cards'), sha256: 'a'.repeat(64) });
			return nothing();
		},
		open: (place) =>
			Promise.resolve({
				act: async () => saveCard(someCard(), { folder: join(place, 'cards'), sha256: 'a'.repeat(64) }),
				check: () => {
					JSON.parse(readFileSync(join(place, 'cards', `${'a'.repeat(64)}.json`), 'utf8'));
					return nothing();
				},
				close: nothing,
			}),
	},
	{
		title: 'Tensors of graphs, hashes of files (caches)',
		prepare: (place) => {
			writeFileSync(join(place, 'weights.bin'), WEIGHTS);
			return nothing();
		},
		open: (place) =>
			Promise.resolve({
				act: async () => {
					const data = new Float32Array(2 ** 15);
					const tensor = { data, shape: [2 ** 15], origin: 'made' };
					await new TensorStore(join(place, 'cache', 'weights')).filesOf(new Map([['w', tensor]]));
					await new FileHashes(join(place, 'cache')).sha256(new FileBytes(join(place, 'weights.bin')));
				},
				check: nothing,
				close: nothing,
			}),
	},
];

function someCard(): OnnxCard {
	return recognize(parseOnnx(tinyOnnx({ outputs: SIGNATURES.yoloRaw }), 'tiny.onnx')).readings[0]!.card;
}
