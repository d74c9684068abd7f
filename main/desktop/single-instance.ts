import { resolve } from 'node:path';
import type { App } from 'electron';

/** What a second start passes to the first one. */
type HandedOver = { video: string | null };

/**
 * The video that a command line names, as an absolute path; null if it names none. In a packaged program the first word
 * is the program; otherwise the second one is the program's folder. Switches are skipped.
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
 * True in the first process of the application. Later processes pass their video to it and get false: they should end.
 * `onSecondStart` is called for each of them, with its video.
 */
export function claimSingleInstance(
	app: Pick<App, 'requestSingleInstanceLock' | 'on'>,
	video: string | null,
	onSecondStart: (video: string | null) => void,
): boolean {
	if (!app.requestSingleInstanceLock({ video } satisfies HandedOver)) return false;
	// Chromium may reorder the other command line's words, so the video it understood is passed separately.
	app.on('second-instance', (_event, _argv, _folder, data) => {
		const handed = (data as Partial<HandedOver> | null)?.video;
		onSecondStart(typeof handed === 'string' ? handed : null);
	});
	return true;
}
