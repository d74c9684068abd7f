import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where this person's things lie; the folders need not exist yet. */
export type DataFolders = {
	/** Preferences, the recent list. */
	settings: string;
	/** Cards of ONNX files, by the hash of the file. */
	cards: string;
	/** Stored runs, unless a preference says otherwise. */
	runs: string;
	/** What the web host's exports are written to. */
	exports: string;
	/** Models that were downloaded or added. */
	models: string;
	/** Playable copies, frame times, tensors of models: may be deleted at any time. */
	cache: string;
};

/**
 * `SPARSIGHT_HOME` holds everything where it is set; else the places of the platform: XDG base directories on Linux,
 * Application Support and Caches on macOS, AppData on Windows.
 */
export function dataFolders(
	platform: NodeJS.Platform = process.platform,
	environment: Readonly<Record<string, string | undefined>> = process.env,
	home: string = homedir(),
): DataFolders {
	const own = environment['SPARSIGHT_HOME'];
	if (own) return foldersIn(own, own, join(own, 'cache'));
	switch (platform) {
		case 'darwin': {
			const support = join(home, 'Library', 'Application Support', 'Sparsight');
			return foldersIn(support, support, join(home, 'Library', 'Caches', 'Sparsight'));
		}
		case 'win32': {
			const local = join(environment['LOCALAPPDATA'] || join(home, 'AppData', 'Local'), 'Sparsight');
			const roaming = join(environment['APPDATA'] || join(home, 'AppData', 'Roaming'), 'Sparsight');
			return foldersIn(roaming, local, join(local, 'cache'));
		}
		default: {
			const under = (variable: string, ...otherwise: string[]) =>
				join(environment[variable] || join(home, ...otherwise), 'sparsight');
			return foldersIn(
				under('XDG_CONFIG_HOME', '.config'),
				under('XDG_DATA_HOME', '.local', 'share'),
				under('XDG_CACHE_HOME', '.cache'),
			);
		}
	}
}

function foldersIn(settings: string, data: string, cache: string): DataFolders {
	return {
		settings,
		cards: join(settings, 'cards'),
		runs: join(data, 'runs'),
		exports: join(data, 'exports'),
		models: join(data, 'models'),
		cache,
	};
}
