import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** The first program of this name on PATH; null where there is none. */
export async function findOnPath(name: string): Promise<string | null> {
	for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
		const candidate = join(folder, executableName(name));
		if (folder !== '' && (await isExecutable(candidate))) return candidate;
	}
	return null;
}

/** The name of a program's file on this system. */
export function executableName(name: string): string {
	return process.platform === 'win32' ? `${name}.exe` : name;
}

export function isExecutable(path: string): Promise<boolean> {
	return access(path, constants.X_OK).then(
		() => true,
		() => false,
	);
}
