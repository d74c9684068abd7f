import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { listModels } from '../../main/models/catalog.ts';
import { serveFiles } from '../../main/models/file-server.fixture.ts';
import { addModel, getModel } from '../../main/models/install.ts';
import { checkFiles } from '../../main/models/receipt.ts';
import { removeModel } from '../../main/models/remove.ts';
import { CONFIG, tinyModel, WEIGHTS } from '../../main/models/tiny-model.fixture.ts';
import { changeCard, findCard, saveCard, type OnnxCard } from '../../main/families/onnx/card.ts';
import { parseOnnx } from '../../main/families/onnx/onnx-file.ts';
import { recognize } from '../../main/families/onnx/signature.ts';
import { SIGNATURES, tinyOnnx } from '../../main/families/onnx/tiny-onnx.fixture.ts';
import { type Found, nothing, type Writer } from './writer.ts';

const install = (place: string) => ({
	modelsFolder: join(place, 'models'),
	signal: new AbortController().signal,
	check: nothing,
});

/** The models that are installed, with the state of their files. */
async function installedModels(place: string): Promise<Found> {
	const installed = (await listModels(join(place, 'models'))).filter(({ source }) => source === 'installed');
	const found = installed.map(async ({ id, path, receipt }) => {
		const content = readFileSync(join(path, 'model.safetensors'));
		return [
			id,
			{ files: receipt && (await checkFiles(path, receipt)), isRight: content.equals(WEIGHTS) },
		] as const;
	});
	return Object.fromEntries(await Promise.all(found));
}

/** What is done is not asked for again. */
function unlessDone(act: () => Promise<unknown>): () => Promise<void> {
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
			const model = tinyModel(
				Object.entries(files).map(([name, content]) => ({
					name,
					address: `${server.address}tiny/${name}`,
					bytes: content.length,
					sha256: sha256(content),
				})),
			);
			return {
				act: unlessDone(() =>
					getModel(model, {
						...install(place),
						origin: { kind: 'publisher' },
						redirects: {},
						onProgress: () => undefined,
						patience: { silence: 30_000, pauses: [1] },
					}),
				),
				close: () => server.close(),
			};
		},
		find: installedModels,
	},
	...[false, true].map((link): Writer => ({
		title: `A model of one's own that is ${link ? 'linked' : 'installed'}`,
		prepare: writeOwnModel,
		open: (place) =>
			Promise.resolve({
				act: unlessDone(() =>
					addModel(join(place, 'own'), {
						...install(place),
						link,
						mayRead: () => Promise.resolve(true),
					}),
				),
				close: nothing,
			}),
		find: installedModels,
	})),
	{
		title: 'A model that is removed',
		prepare: async (place) => {
			await writeOwnModel(place);
			await addModel(join(place, 'own'), install(place));
		},
		open: (place) =>
			Promise.resolve({
				act: unlessDone(() => removeModel('own', join(place, 'models'))),
				close: nothing,
			}),
		find: installedModels,
		grows: /^models/,
	},
	{
		title: 'The card of an ONNX file',
		prepare: (place) => {
			saveCard(changeCard(someCard(), [['input.colour', 'bgr']]), cardFolder(place));
			return nothing();
		},
		open: (place) =>
			Promise.resolve({
				act: async () => saveCard(someCard(), cardFolder(place)),
				close: nothing,
			}),
		find: (place) => {
			const { sha256, folder } = cardFolder(place);
			return Promise.resolve({ card: findCard(join(place, 'tiny.onnx'), sha256, folder)?.card ?? null });
		},
	},
];

const cardFolder = (place: string) => ({ folder: join(place, 'cards'), sha256: 'a'.repeat(64) });

function writeOwnModel(place: string): Promise<void> {
	mkdirSync(join(place, 'own'));
	writeFileSync(join(place, 'own', 'config.json'), CONFIG);
	writeFileSync(join(place, 'own', 'model.safetensors'), WEIGHTS);
	return nothing();
}

function someCard(): OnnxCard {
	return recognize(parseOnnx(tinyOnnx({ outputs: SIGNATURES.yoloRaw }), 'tiny.onnx')).readings[0]!.card;
}
