import { resolve } from 'node:path';
import type { App } from 'electron';

/** What a second start hands to the first one. */
type HandedOver = { video: string | null };

/**
 * The video that a command line names, as an absolute path; null where it names none. A packaged program is its own
 * first word; otherwise the program's folder comes second. Switches, ours or Chromium's, are passed over.
 */
export function videoOfCommandLine(
	argv: readonly string[],
	isPackaged: boolean,
	workingFolder: string,
): string | null {
	const words = argv.slice(1).filter((word) => !word.startsWith('-'));
	const video = words[isPackaged ? 0 : 1];
	return video === undefined || video === '' ? null : resolve(workingFolder, video);
}

/**
 * True in the first process of the application. Later ones hand their video to it and are told false: they should
 * end. `onSecondStart` hears of each of them, with its video.
 */
export function claimSingleInstance(
	app: Pick<App, 'requestSingleInstanceLock' | 'on'>,
	video: string | null,
	onSecondStart: (video: string | null) => void,
): boolean {
	if (!app.requestSingleInstanceLock({ video } satisfies HandedOver)) return false;
	// The words of the other command line may come reordered; what it understood of them does not.
	app.on('second-instance', (_event, _argv, _folder, data) => {
		const handed = (data as Partial<HandedOver> | null)?.video;
		onSecondStart(typeof handed === 'string' ? handed : null);
	});
	return true;
}
