import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Dialogs for checking for updates. */
export type UpdateDialogs = {
	upToDate(version: string): Promise<void>;
	/** True to download it. */
	offer(version: string): Promise<boolean>;
	ready(version: string): Promise<void>;
	failed(error: unknown): Promise<void>;
};

/**
 * Whether this package has an address of updates: electron-builder writes the file if it is told where to publish.
 * Without it the network is never used.
 */
export function knowsUpdates(resourcesFolder: string): boolean {
	return existsSync(join(resourcesFolder, 'app-update.yml'));
}

/** Checks once, on request of the user; downloads and installs only with their consent. */
export async function checkForUpdates(dialogs: UpdateDialogs): Promise<void> {
	try {
		// Loaded only now, because most sessions never need it.
		const { default: updater } = await import('electron-updater');
		const { autoUpdater } = updater;
		autoUpdater.autoDownload = false;
		autoUpdater.autoInstallOnAppQuit = true;
		const found = await autoUpdater.checkForUpdates();
		if (!found?.isUpdateAvailable) {
			const current = autoUpdater.currentVersion as { version: string };
			await dialogs.upToDate(current.version);
			return;
		}
		const { version } = found.updateInfo;
		if (!(await dialogs.offer(version))) return;
		await autoUpdater.downloadUpdate();
		await dialogs.ready(version);
	} catch (error) {
		await dialogs.failed(error);
	}
}
