import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** What looking for updates needs of the person. */
export type UpdateDialogs = {
	upToDate(version: string): Promise<void>;
	/** True to download it. */
	offer(version: string): Promise<boolean>;
	ready(version: string): Promise<void>;
	failed(error: unknown): Promise<void>;
};

/**
 * Whether this package says where updates lie: electron-builder writes the file when it is given a place to publish
 * to. Without it nothing is ever asked of the network.
 */
export function knowsUpdates(resourcesFolder: string): boolean {
	return existsSync(join(resourcesFolder, 'app-update.yml'));
}

/** Looks once, because a person asked for it; downloads and installs only what that person agrees to. */
export async function checkForUpdates(dialogs: UpdateDialogs): Promise<void> {
	try {
		// Loaded only now: it has no part in a session without updates.
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
