import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as ElectronUpdater from 'electron-updater';
import { ElectronHttpExecutor } from 'electron-updater/out/electronHttpExecutor.js';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { checkForUpdates } from './updater.ts';

// The updater itself against a feed on this machine. Only what is Electron's is stood in for, its network and its
// application, and what is Windows', the check of a signature.

const { NsisUpdater } = await vi.importActual<typeof ElectronUpdater>('electron-updater');
let updater: ElectronUpdater.NsisUpdater;
vi.mock('electron-updater', () => ({
	default: {
		get autoUpdater() {
			return updater;
		},
	},
}));

const OWNER = 'The Sparsight authors';
const folder = mkdtempSync(join(tmpdir(), 'sparsight-updates-'));
const feed = createServer((asked, response) => {
	const isInstaller = asked.url?.endsWith('.exe');
	if (isInstaller) response.end(served.bytes);
	else if (asked.url?.startsWith('/latest.yml')) response.end(served.description);
	else response.writeHead(404).end();
});
const served = { bytes: Buffer.alloc(0), description: '' };
/** What Windows would say of a file's signature; null if it is the owner's. */
let signature: string | null = null;
let checkedFor: string[] = [];
let said: string[] = [];

beforeAll(() => new Promise<void>((resolve) => feed.listen(0, '127.0.0.1', resolve)));
afterAll(() => {
	feed.close();
	rmSync(folder, { recursive: true });
});
beforeEach(() => {
	[signature, checkedFor, said] = [null, [], []];
	rmSync(join(folder, 'cache'), { recursive: true, force: true });
	updater = openUpdater();
});

class PlainHttp extends ElectronHttpExecutor {
	override createRequest(options: object, callback: (response: never) => void) {
		return request({ ...options, agent: false }, callback as never) as never;
	}
}

/** That of a package of version 1.0.0 whose owner is known, as electron-builder would describe it. */
function openUpdater(): ElectronUpdater.NsisUpdater {
	const { port } = feed.address() as AddressInfo;
	const config = join(folder, 'app-update.yml');
	writeFileSync(config, `updaterCacheDirName: pending\npublisherName: ${OWNER}\n`);
	const app = {
		version: '1.0.0',
		name: 'sparsight',
		isPackaged: true,
		appUpdateConfigPath: config,
		userDataPath: folder,
		baseCachePath: join(folder, 'cache'),
		whenReady: () => Promise.resolve(),
		relaunch: () => undefined,
		quit: () => undefined,
		onQuit: () => undefined,
	};
	const made = new NsisUpdater(null, app);
	const parts = { httpExecutor: new PlainHttp(), _testOnlyOptions: { platform: 'win32' } };
	Object.assign(made, parts, { logger: null });
	made.setFeedURL({ provider: 'generic', url: `http://127.0.0.1:${port}` });
	made.verifyUpdateCodeSignature = (publishers) => {
		checkedFor = publishers;
		return Promise.resolve(signature);
	};
	return made;
}

/** Serves an update whose description promises `promised`. */
function serve(version: string, bytes: string, promised = bytes): void {
	served.bytes = Buffer.from(bytes);
	const sha512 = createHash('sha512').update(promised).digest('base64');
	const file = `  - url: sparsight.exe\n    sha512: ${sha512}\n    size: ${bytes.length}\n`;
	served.description = `version: ${version}\nfiles:\n${file}path: sparsight.exe\nsha512: ${sha512}\nreleaseDate: '2026-01-01T00:00:00.000Z'\n`;
}

async function look(): Promise<void> {
	const say = (text: string) => Promise.resolve(void said.push(text));
	await checkForUpdates({
		upToDate: (version) => say(`up to date: ${version}`),
		offer: (version) => say(`offer: ${version}`).then(() => true),
		ready: (version) => say(`ready: ${version}`),
		failed: (error) => say(`failed: ${(error as Error & { code?: string }).code}`),
	});
}

function downloaded(): string[] {
	const cache = join(folder, 'cache');
	const names = existsSync(cache) ? readdirSync(cache, { recursive: true, encoding: 'utf8' }) : [];
	return names.filter((name) => name.endsWith('.exe'));
}

describe('an update from a feed', () => {
	it('that is whole and signed by the owner is downloaded', async () => {
		serve('2.0.0', 'the new version');
		await look();
		expect(said).toEqual(['offer: 2.0.0', 'ready: 2.0.0']);
		expect(checkedFor).toEqual([OWNER]);
		expect(downloaded()).toHaveLength(1);
	});

	it.each<[string, () => void, string[]]>([
		[
			'whose bytes are not those of its hash',
			() => serve('2.0.0', 'another one', 'the new version'),
			['offer: 2.0.0', 'failed: ERR_CHECKSUM_MISMATCH'],
		],
		[
			'that somebody else has signed',
			() => {
				serve('2.0.0', 'theirs');
				signature = 'CN=Somebody else';
			},
			['offer: 2.0.0', 'failed: ERR_UPDATER_INVALID_SIGNATURE'],
		],
		['that is older than this version', () => serve('0.9.0', 'with an old fault'), ['up to date: 1.0.0']],
		[
			'without a hash',
			() => {
				serve('2.0.0', 'unknown');
				served.description = served.description.replaceAll(/.*sha512.*\n/g, '');
			},
			['offer: 2.0.0', 'failed: ERR_UPDATER_NO_CHECKSUM'],
		],
		[
			'with a description that is none',
			() => (served.description = '- [1'),
			['failed: ERR_UPDATER_INVALID_UPDATE_INFO'],
		],
	])('%s is not installed', async (_, prepare, expected) => {
		prepare();
		await look();
		expect(said).toEqual(expected);
		expect(downloaded()).toEqual([]);
	});
});
