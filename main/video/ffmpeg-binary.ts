import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { UserFacingError } from '../domain/errors.ts';
import { executableName, findOnPath, isExecutable } from './find-program.ts';
import { captureOutput } from './run-program.ts';

export type FfmpegBinaries = {
	ffmpeg: string;
	/** Null where only ffmpeg itself is there. */
	ffprobe: string | null;
	/** In ffmpeg's own words, such as `5.1.9-0+deb12u1`. */
	version: string;
	source: 'environment' | 'ffmpeg-static' | 'path';
};

/** The first version that knows `-fps_mode`. */
const OLDEST_VERSION = [5, 1] as const;

const found = new Map<string, Promise<FfmpegBinaries>>();

/**
 * Looks in this order: the environment (`SPARSIGHT_FFMPEG`, and `SPARSIGHT_FFPROBE`), which every process of ours
 * inherits; the optional package ffmpeg-static where its binary was downloaded; PATH. ffprobe is looked for beside
 * ffmpeg, then on PATH. Throws `ffmpeg-missing`. What was found is kept for the life of the process.
 */
export function findFfmpeg(): Promise<FfmpegBinaries> {
	const key = JSON.stringify([process.env['SPARSIGHT_FFMPEG'], process.env['SPARSIGHT_FFPROBE']]);
	let search = found.get(key);
	if (!search) {
		search = searchFfmpeg();
		found.set(key, search);
		search.catch(() => found.delete(key)); // it may be installed in the meantime
	}
	return search;
}

async function searchFfmpeg(): Promise<FfmpegBinaries> {
	const environment = process.env['SPARSIGHT_FFMPEG'];
	// If a path was given, it must work: silently using another ffmpeg would be a surprise.
	if (environment) return check(environment, 'environment', 'SPARSIGHT_FFMPEG');
	const packaged = await packagedFfmpeg();
	if (packaged !== null) return check(packaged, 'ffmpeg-static', 'The package ffmpeg-static');
	const onPath = await findOnPath('ffmpeg');
	if (onPath !== null) return check(onPath, 'path', 'PATH');
	throw new UserFacingError(
		'ffmpeg-missing',
		'ffmpeg was expected on PATH or in SPARSIGHT_FFMPEG, and is in neither.',
		{
			remedy: installRemedy(process.platform),
		},
	);
}

/** How to install ffmpeg on `platform`, in one line. */
export function installRemedy(platform: NodeJS.Platform): string {
	switch (platform) {
		case 'darwin':
			return 'Install it with "brew install ffmpeg", or set SPARSIGHT_FFMPEG to its path.';
		case 'win32':
			return 'Install it with "winget install Gyan.FFmpeg", or set SPARSIGHT_FFMPEG to the path of ffmpeg.exe.';
		default:
			return 'Install your distribution\'s package ("sudo apt install ffmpeg"), or set SPARSIGHT_FFMPEG to its path.';
	}
}

async function check(
	ffmpeg: string,
	source: FfmpegBinaries['source'],
	place: string,
): Promise<FfmpegBinaries> {
	const remedy = installRemedy(process.platform);
	let printed: string;
	try {
		printed = (await captureOutput(ffmpeg, ['-version'])).stdout;
	} catch (cause) {
		throw new UserFacingError('ffmpeg-missing', `${place} names ${ffmpeg}, which cannot be started.`, {
			remedy,
			cause,
		});
	}
	const version = parseVersion(printed);
	if (version === null) {
		throw new UserFacingError('ffmpeg-missing', `${place} names ${ffmpeg}, which is not ffmpeg.`, { remedy });
	}
	if (isTooOld(version)) {
		const message = `${place} names ${ffmpeg}: ffmpeg ${OLDEST_VERSION.join('.')} or newer was expected (got ${version}).`;
		throw new UserFacingError('ffmpeg-missing', message, { remedy });
	}
	return { ffmpeg, ffprobe: await findFfprobe(ffmpeg), version, source };
}

/** The version in what `ffmpeg -version` prints, or null where ffmpeg did not print it. */
export function parseVersion(printed: string): string | null {
	return /^ffmpeg version (\S+)/.exec(printed)?.[1] ?? null;
}

/** True for releases below 5.1; builds that name a commit instead of a release pass. */
export function isTooOld(version: string): boolean {
	const release = /^n?(\d+)\.(\d+)/.exec(version);
	if (!release) return false;
	const [major, minor] = [Number(release[1]), Number(release[2])];
	return major < OLDEST_VERSION[0] || (major === OLDEST_VERSION[0] && minor < OLDEST_VERSION[1]);
}

async function findFfprobe(ffmpeg: string): Promise<string | null> {
	const named = process.env['SPARSIGHT_FFPROBE'];
	if (named) {
		if (await isExecutable(named)) return named;
		throw new UserFacingError(
			'ffmpeg-missing',
			`SPARSIGHT_FFPROBE names ${named}, which cannot be started.`,
			{
				remedy: 'Correct it, or unset it: ffmpeg alone is enough.',
			},
		);
	}
	const beside = join(dirname(ffmpeg), executableName('ffprobe'));
	if (dirname(ffmpeg) !== '.' && (await isExecutable(beside))) return beside;
	return findOnPath('ffprobe');
}

/** ffmpeg-static's binary, or null: the package is optional, and so is the download that it makes when installed. */
async function packagedFfmpeg(): Promise<string | null> {
	try {
		const path: unknown = createRequire(import.meta.url)('ffmpeg-static');
		if (typeof path !== 'string') return null;
		const unpacked = path.replace('app.asar', 'app.asar.unpacked'); // nothing inside an archive can be started
		return (await isExecutable(unpacked)) ? unpacked : null;
	} catch {
		return null;
	}
}
