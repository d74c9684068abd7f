import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { RUN_FILES } from '../results/run-folder.ts';

/** Changes whenever something was added to a run. */
export function stateOfRun(folder: string): Promise<string> {
	return stateOf([RUN_FILES.commits, RUN_FILES.status, RUN_FILES.events].map((name) => join(folder, name)));
}

/** Changes whenever one of the files does. */
export async function stateOf(paths: readonly string[]): Promise<string> {
	const states = await Promise.all(
		paths.map((path) =>
			stat(path).then(
				({ size, mtimeMs }) => `${size} ${mtimeMs}`,
				() => '-',
			),
		),
	);
	return states.join(', ');
}
