import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UserFacingError } from '../domain/errors.ts';
import { listModels } from './catalog.ts';
import type { CatalogModel } from './catalog-file.ts';
import { serveFiles, type Behaviour } from './file-server.fixture.ts';
import { REAL_DISK, type Disk } from './disk.ts';
import { addModel, getModel, type GetOptions } from './install.ts';
import type { DownloadProgress } from './progress-rate.ts';
import { checkFiles, readReceipt } from './receipt.ts';
import { removeModel } from './remove.ts';
import { CONFIG, tinyModel, WEIGHTS } from './tiny-model.fixture.ts';

let base: string;
let modelsFolder: string;
const servers: { close: () => Promise<void> }[] = [];
beforeEach(() => {
	base = mkdtempSync(join(tmpdir(), 'sparsight-install-'));
	modelsFolder = join(base, 'models');
});
afterEach(async () => {
	for (const server of servers.splice(0)) await server.close();
	rmSync(base, { recursive: true });
});

async function serve(behaviour: Behaviour = {}) {
	const files = new Map([
		['tiny/config.json', CONFIG],
		['tiny/model.safetensors', WEIGHTS],
	]);
	const server = await serveFiles(files, behaviour);
	servers.push(server);
	return server;
}

function model(address: string | null, hashes: { weights?: string } = {}): CatalogModel {
	const file = (name: string, sha256: string | null) => {
		return { name, address: address === null ? null : `${address}tiny/${name}`, bytes: null, sha256 };
	};
	return tinyModel([file('config.json', sha256(CONFIG)), file('model.safetensors', hashes.weights ?? null)]);
}

function get(wanted: CatalogModel, changes: Partial<GetOptions> = {}): Promise<string> {
	return getModel(wanted, {
		modelsFolder,
		origin: { kind: 'publisher' },
		redirects: {},
		signal: new AbortController().signal,
		onProgress: () => undefined,
		check: () => Promise.resolve(),
		patience: { silence: 30_000, pauses: [1] },
		...changes,
	});
}

const installed = async () => (await listModels(modelsFolder)).filter(({ source }) => source === 'installed');
const visible = () => (existsSync(modelsFolder) ? readdirSync(modelsFolder).filter((name) => !name.startsWith('.')) : []);

describe('getting a model', () => {
	it('installs it whole, with its hashes, and lists it', async () => {
		const server = await serve();
		const heard: DownloadProgress[] = [];
		const path = await get(model(server.address), { onProgress: (progress) => heard.push(progress) });
		expect(path).toBe(join(modelsFolder, 'tiny'));
		expect(await installed()).toMatchObject([{ id: 'tiny', path, source: 'installed' }]);
		expect(await readReceipt(path)).toMatchObject({
			from: 'catalog',
			opened: null,
			files: [
				{ name: 'config.json', bytes: CONFIG.length, sha256: sha256(CONFIG) },
				{ name: 'model.safetensors', bytes: WEIGHTS.length, sha256: sha256(WEIGHTS) },
			],
		});
		expect(heard.at(-1)).toMatchObject({ bytes: CONFIG.length + WEIGHTS.length, totalBytes: CONFIG.length + WEIGHTS.length });
		expect(readdirSync(modelsFolder)).toEqual(['tiny']);
	});

	it.each(['mirror', 'folder of models', 'folder of files'])('takes it from a %s, without an address of its own', async (kind) => {
		const server = await serve();
		const folder = join(base, kind.endsWith('models') ? 'all/tiny' : 'all');
		mkdirSync(folder, { recursive: true });
		writeFileSync(join(folder, 'config.json'), CONFIG);
		writeFileSync(join(folder, 'model.safetensors'), WEIGHTS);
		const origin =
			kind === 'mirror'
				? ({ kind: 'mirror', address: server.address } as const)
				: ({ kind: 'folder', path: join(base, 'all') } as const);
		const path = await get(model(null), { origin });
		expect(readFileSync(join(path, 'model.safetensors')).equals(WEIGHTS)).toBe(true);
	});

	it.each<[string, (address: string) => [CatalogModel, Partial<GetOptions>], object]>([
		['has no address', () => [model(null), {}], { code: 'download-refused', remedy: 'Nobody publishes it.' }],
		['has another hash', (address) => [model(address, { weights: 'b'.repeat(64) }), {}], { code: 'hash-mismatch' }],
		[
			'has another hash in a folder',
			() => [model(null, { weights: 'b'.repeat(64) }), { origin: { kind: 'folder', path: base } }],
			{ code: 'hash-mismatch' },
		],
		[
			'lies in no such folder',
			() => [model(null), { origin: { kind: 'folder', path: join(base, 'none') } }],
			{ code: 'file-not-found' },
		],
		[
			'does not open',
			(address) => [model(address), { check: () => Promise.reject(new UserFacingError('model-unreadable', 'No.')) }],
			{ code: 'model-unreadable' },
		],
	])('installs nothing of a model that %s', async (_, wanted, error) => {
		writeFileSync(join(base, 'config.json'), CONFIG);
		writeFileSync(join(base, 'model.safetensors'), WEIGHTS);
		const server = await serve();
		const [entry, changes] = wanted(server.address);
		await expect(get(entry, changes)).rejects.toMatchObject(error);
		const emptied = readdirSync(modelsFolder).filter((name) => readdirSync(join(modelsFolder, name)).length === 0);
		expect([visible(), emptied]).toEqual([[], []]);
		expect(await installed()).toEqual([]);
	});

	it('of two at once refuses the second, and after the first both know it is there', async () => {
		const server = await serve({ stallsAfter: 1 });
		const cancel = new AbortController();
		const first = get(model(server.address), { signal: cancel.signal });
		await until(() => server.asked.length > 0);
		await expect(get(model(server.address))).rejects.toThrow(/is being got already/);
		await expect(removeModel('tiny', modelsFolder)).rejects.toThrow(/is being got already/);
		cancel.abort();
		await expect(first).rejects.toMatchObject({ code: 'cancelled' });
		delete server.behaviour.stallsAfter;
		await get(model(server.address));
		await expect(get(model(server.address))).rejects.toThrow(/is there already/);
	});

	it('leaves what came where it broke off, and removing it takes that away', async () => {
		const server = await serve({ breaks: { after: 100_000, times: 9 } });
		const hopeless = { silence: 30_000, pauses: [] };
		await expect(get(model(server.address), { patience: hopeless })).rejects.toMatchObject({ code: 'download-failed' });
		expect(readdirSync(modelsFolder)).toEqual(['.part-tiny']);
		await removeModel('tiny', modelsFolder);
		expect(readdirSync(modelsFolder)).toEqual([]);
		await expect(removeModel('tiny', modelsFolder)).rejects.toMatchObject({ code: 'model-not-found' });
	});

	it('says what came and does not open by its name, for the folder that it lay in is gone', async () => {
		const server = await serve();
		const check = (path: string) =>
			Promise.reject(new UserFacingError('model-unreadable', `${join(path, 'config.json')} is wrong in ${path}.`));
		await expect(get(model(server.address), { check })).rejects.toThrow(
			'Tiny came whole and does not open, so it was not installed: config.json is wrong in Tiny.',
		);
	});

	it('goes on from what a process left that ended in the middle', async () => {
		const server = await serve({ stallsAfter: 100_000 });
		const cancel = new AbortController();
		const onProgress = ({ bytes }: DownloadProgress) => bytes >= 100_000 && cancel.abort();
		await expect(get(model(server.address), { signal: cancel.signal, onProgress })).rejects.toMatchObject({ code: 'cancelled' });
		writeFileSync(join(modelsFolder, '.part-tiny.lock'), '999999999 dead'); // no process has this id
		delete server.behaviour.stallsAfter;
		const asked = server.asked.length;
		const path = await get(model(server.address));
		const [first, ...others] = server.asked.slice(asked);
		expect([first?.url, others]).toEqual(['/tiny/model.safetensors', []]);
		expect(first?.range).toMatch(/^bytes=\d+-$/);
		expect(readFileSync(join(path, 'model.safetensors')).equals(WEIGHTS)).toBe(true);
	});

	it('is told apart from before by verifying', async () => {
		const server = await serve();
		const path = await get(model(server.address));
		const receipt = (await readReceipt(path))!;
		const states = async () => (await checkFiles(path, receipt)).map(({ state }) => state);
		expect(await states()).toEqual(['unchanged', 'unchanged']);
		writeFileSync(join(path, 'model.safetensors'), 'another');
		rmSync(join(path, 'config.json'));
		expect(await states()).toEqual(['missing', 'changed']);
	});
});

describe('adding a model of one’s own', () => {
	const put = (name: string, content: string | Buffer) => {
		mkdirSync(join(base, 'mine'), { recursive: true });
		writeFileSync(join(base, 'mine', name), content);
	};
	const add = (name: string, changes = {}) =>
		addModel(join(base, 'mine', name), {
			modelsFolder,
			check: () => Promise.resolve(),
			signal: new AbortController().signal,
			...changes,
		});

	it('copies a file and what lies beside it under its name', async () => {
		for (const name of ['best.pth', 'best.pth.card.json', 'best.names', 'best.pt', 'other.json']) put(name, name);
		const path = await add('best.pth');
		expect(path).toBe(join(modelsFolder, 'best', 'best.pth'));
		expect(readdirSync(join(modelsFolder, 'best')).filter((name) => !name.startsWith('.'))).toEqual([
			'best.names',
			'best.pth',
			'best.pth.card.json',
		]);
		const files = [{ name: 'best.pth', bytes: 8, sha256: sha256(Buffer.from('best.pth')) }, {}, {}];
		expect(await installed()).toMatchObject([{ id: 'best', path, receipt: { from: 'added', files } }]);
	});

	it('copies or links a folder', async () => {
		put('config.json', CONFIG);
		put('model.safetensors', WEIGHTS);
		const path = await add('', { link: true });
		expect(readFileSync(join(path, 'model.safetensors')).equals(WEIGHTS)).toBe(true);
		await removeModel('mine', modelsFolder);
		expect(readFileSync(join(base, 'mine', 'model.safetensors')).equals(WEIGHTS)).toBe(true);
	});

	it.each([
		['what does not open', 'best.pth', 'No'],
		['what is no model', 'notes.txt', 'a file of weights was expected'],
		['what is not there', 'none.pth', 'no such model'],
	])('refuses %s', async (_, name, message) => {
		put('best.pth', '');
		put('notes.txt', '');
		const check = () => Promise.reject(new UserFacingError('model-unreadable', 'No.'));
		await expect(add(name, { check })).rejects.toThrow(message);
		expect(visible()).toEqual([]);
	});

	it.each<[string, boolean, number]>([
		['before it is copied', false, 1],
		['before it is linked', true, 1],
		['once it is copied', false, 2],
	])('ends when told so %s, and leaves nothing', async (_, link, checks) => {
		put('best.pth', WEIGHTS);
		const cancel = new AbortController();
		const check = () => {
			if (--checks === 0) cancel.abort();
			return Promise.resolve();
		};
		await expect(add('best.pth', { check, link, signal: cancel.signal })).rejects.toMatchObject({ code: 'cancelled' });
		expect(existsSync(modelsFolder) ? readdirSync(modelsFolder) : []).toEqual([]);
	});

	it('ends when told so while it is copied, or when the disk is full, and leaves nothing', async () => {
		put('best.pth', WEIGHTS);
		const cancel = new AbortController();
		const endsBy = (write: () => Promise<void>): Disk => ({
			...REAL_DISK,
			open: async (path, flags) => ({ ...(await REAL_DISK.open(path, flags)), write }),
		});
		const cancels = endsBy(() => Promise.resolve(cancel.abort()));
		const fills = endsBy(() => Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' })));
		await expect(add('best.pth', { disk: fills })).rejects.toMatchObject({ code: 'disk-full' });
		await expect(add('best.pth', { disk: cancels, signal: cancel.signal })).rejects.toMatchObject({ code: 'cancelled' });
		expect(readdirSync(modelsFolder)).toEqual([]);
	});

	it('refuses a second one of the same name, and does so no more once the first is removed', async () => {
		put('best.pth', '1');
		await add('best.pth');
		await expect(add('best.pth')).rejects.toThrow(/is there already/);
		await removeModel('best', modelsFolder);
		expect(readdirSync(modelsFolder)).toEqual([]);
		await add('best.pth');
	});
});

it.each([
	['lookout', 'comes with Sparsight'],
	['none', 'must be one of'],
])('never removes %s', async (id, message) => {
	await expect(removeModel(id, modelsFolder)).rejects.toThrow(message);
});

async function until(condition: () => boolean): Promise<void> {
	while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

function sha256(content: Uint8Array): string {
	return createHash('sha256').update(content).digest('hex');
}
