import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { checkForUpdates, knowsUpdates } from './updater.ts';

const updater = {
	autoDownload: true,
	autoInstallOnAppQuit: false,
	currentVersion: { version: '1.0.0' },
	found: null as { isUpdateAvailable: boolean; updateInfo: { version: string } } | null,
	downloaded: 0,
	checkForUpdates: () =>
		updater.found === null ? Promise.reject(new Error('offline')) : Promise.resolve(updater.found),
	downloadUpdate: () => Promise.resolve(++updater.downloaded),
};
vi.mock('electron-updater', () => ({ default: { autoUpdater: updater } }));

let said: string[] = [];
beforeEach(() => {
	said = [];
	updater.downloaded = 0;
});

function check(agree: boolean): Promise<void> {
	const say = (text: string) => Promise.resolve(void said.push(text));
	return checkForUpdates({
		upToDate: (version) => say(`up to date: ${version}`),
		offer: (version) => say(`offer: ${version}`).then(() => agree),
		ready: (version) => say(`ready: ${version}`),
		failed: (error) => say(`failed: ${String(error)}`),
	});
}

describe('looking for updates', () => {
	it.each([
		['finds none', '1.0.0', false, true, ['up to date: 1.0.0'], 0],
		['finds one that the person wants', '2.0.0', true, true, ['offer: 2.0.0', 'ready: 2.0.0'], 1],
		['finds one that the person does not want', '2.0.0', true, false, ['offer: 2.0.0'], 0],
	])('%s', async (_, version, isUpdateAvailable, agree, expected, downloads) => {
		updater.found = { isUpdateAvailable, updateInfo: { version } };
		await check(agree);
		expect(said).toEqual(expected);
		expect(updater.downloaded).toBe(downloads);
		// By itself it would download whatever it finds.
		expect(updater.autoDownload).toBe(false);
	});

	it('says why it failed', async () => {
		updater.found = null;
		await check(true);
		expect(said).toEqual(['failed: Error: offline']);
	});

	it('is possible only in packages that say where updates lie', () => {
		const resources = mkdtempSync(join(tmpdir(), 'sparsight-resources-'));
		expect(knowsUpdates(resources)).toBe(false);
		writeFileSync(join(resources, 'app-update.yml'), 'provider: generic');
		expect(knowsUpdates(resources)).toBe(true);
		rmSync(resources, { recursive: true });
	});
});
