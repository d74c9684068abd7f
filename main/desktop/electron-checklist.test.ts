import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FAILSAFE_SCHEMA, load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { installationFolder } from '../process/installation.ts';

// What of Electron's security checklist concerns the whole shell; docs/security.md says where the other points are tested.

const root = installationFolder();
const sources = ['main/desktop', 'preload']
	.flatMap((folder) => readdirSync(join(root, folder)).map((name) => join(root, folder, name)))
	.filter((path) => /^(?!.*\.(test|fixture)\.ts$).*\.ts$/.test(path))
	.map((path) => readFileSync(path, 'utf8'))
	.join('\n');

describe('the shell', () => {
	it('uses these parts of Electron, and no others: a new one is weighed before it is listed', () => {
		const names = [...sources.matchAll(/^import \{([^}]+)\} from 'electron';/gm)]
			.flatMap(([, list]) => list!.split(',').map((name) => name.trim()))
			.filter((name) => !name.startsWith('type '));
		// No crashReporter: what crashes leaves a line in the log of this machine. No net, no webview.
		expect([...new Set(names)].toSorted()).toEqual([
			'BrowserWindow',
			'Menu',
			'app',
			'contextBridge',
			'dialog',
			'ipcMain',
			'ipcRenderer',
			'nativeTheme',
			'powerSaveBlocker',
			'protocol',
			'screen',
			'session',
			'shell',
			'utilityProcess',
			'webUtils',
		]);
		expect(sources).not.toMatch(/crashReporter|process\.crash|--disable-web-security|no-sandbox/);
	});

	it('asks the system to show a file in its folder, and to open nothing', () => {
		const calls = [...sources.matchAll(/\bshell\.(open\w*|show\w*|trash\w*|write\w*|read\w*)/g)];
		expect(new Set(calls.map(([, name]) => name))).toEqual(new Set(['showItemInFolder']));
	});
});

/** In the order in which they stand in a binary. */
const FUSES = [
	'runAsNode',
	'enableCookieEncryption',
	'enableNodeOptionsEnvironmentVariable',
	'enableNodeCliInspectArguments',
	'enableEmbeddedAsarIntegrityValidation',
	'onlyLoadAppFromAsar',
	'loadBrowserProcessSpecificV8Snapshot',
	'grantFileProtocolExtraPrivileges',
];
/** The fuses in a binary of Electron: this text, a version, their number, one character each. */
const FUSE_MARK = 'dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX';

const BINARIES = [
	'dist/linux-unpacked/sparsight',
	'dist/win-unpacked/Sparsight.exe',
	'dist/mac-arm64/Sparsight.app/Contents/Frameworks/Electron Framework.framework/Electron Framework',
];

describe('the fuses', () => {
	const text = readFileSync(join(root, 'electron-builder.yml'), 'utf8');
	const { electronFuses } = load(text, { schema: FAILSAFE_SCHEMA, json: false }) as {
		electronFuses: Record<string, string>;
	};
	it('leave no way past the archive and the sandbox', () => {
		expect(electronFuses).toEqual({
			runAsNode: 'false',
			enableCookieEncryption: 'true',
			enableNodeOptionsEnvironmentVariable: 'false',
			enableNodeCliInspectArguments: 'false',
			enableEmbeddedAsarIntegrityValidation: 'true',
			onlyLoadAppFromAsar: 'true',
			grantFileProtocolExtraPrivileges: 'false',
		});
	});

	const packaged = BINARIES.map((path) => join(root, path)).filter((path) => existsSync(path));
	it.skipIf(packaged.length === 0)(
		'stand so in every packaged binary (skipped where dist/ has none: "npm run package" makes one)',
		() => {
			for (const path of packaged) {
				const binary = readFileSync(path, 'latin1');
				const states = binary.slice(binary.indexOf(FUSE_MARK) + FUSE_MARK.length + 2);
				for (const [name, wanted] of Object.entries(electronFuses)) {
					expect(states[FUSES.indexOf(name)], `${path}: ${name}`).toBe(wanted === 'true' ? '1' : '0');
				}
			}
		},
	);
});
