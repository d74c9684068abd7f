import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { basename, delimiter, join } from 'node:path';
import { runtimeLibraries, runtimeVersion } from '../runtime/runtime-version.ts';

/** Of the checks' tasks and of our graphs: with another one everything is found out anew. */
const EDITION = 2;
/** By which programs are told of other Vulkan drivers, or of other libraries for them. */
const DRIVER_VARIABLES = [
	'VK_ICD_FILENAMES',
	'VK_DRIVER_FILES',
	'VK_ADD_DRIVER_FILES',
	'LD_LIBRARY_PATH',
	'CUDA_VISIBLE_DEVICES',
];

/** Folders of Vulkan's manifests of drivers. */
const MANIFEST_FOLDERS = ['/etc', '/usr/local/etc', '/usr/local/share', '/usr/share'].map(
	(folder) => `${folder}/vulkan/icd.d`,
);

export type MachineFacts = { platform: NodeJS.Platform; environment: NodeJS.ProcessEnv; root: string };

/**
 * What the checks and the speeds of execution providers hold for, as a hash: machine, runtime, devices and their drivers, as far
 * as files tell that anyone may read. `facts` stand for this machine's in tests.
 */
export function machineFingerprint({
	platform = process.platform,
	environment = process.env,
	root = '/',
}: Partial<MachineFacts> = {}): string {
	const facts = [
		`edition ${EDITION}`,
		`${platform} ${process.arch} ${release()}`,
		cpus()[0]?.model.trim() ?? '',
		`onnxruntime ${runtimeVersion()}`,
		...stampsIn(runtimeLibraries()),
		...DRIVER_VARIABLES.map((name) => `${name}=${environment[name] ?? ''}`),
		...drivers(platform, environment, root),
	];
	return createHash('sha256').update(facts.join('\n')).digest('hex').slice(0, 16);
}

function drivers(platform: NodeJS.Platform, environment: NodeJS.ProcessEnv, root: string): string[] {
	switch (platform) {
		case 'linux': {
			const named = ['VK_ICD_FILENAMES', 'VK_DRIVER_FILES', 'VK_ADD_DRIVER_FILES'].flatMap((name) =>
				(environment[name] ?? '').split(delimiter).filter(Boolean),
			);
			return [
				...graphicsCards(join(root, 'sys/class/drm')),
				textOf(join(root, 'proc/driver/nvidia/version')),
				...MANIFEST_FOLDERS.flatMap((folder) => stampsIn(join(root, folder))),
				...named.map(stampOf),
			];
		}
		case 'win32':
			// Every driver that is installed or updated gets a folder there.
			return [
				stampOf(join(environment['SystemRoot'] ?? 'C:\\Windows', 'System32/DriverStore/FileRepository')),
			];
		default:
			return []; // drivers come with the system, whose release is known
	}
}

/** Vendor, device and driver of each card. */
function graphicsCards(folder: string): string[] {
	return namesIn(folder)
		.filter((name) => /^(card|renderD)\d+$/.test(name))
		.map((name) => {
			const device = join(folder, name, 'device');
			const driver = pathOf(join(device, 'driver'));
			const version = driver === null ? '' : textOf(join(driver, 'module', 'version'));
			const parts = [textOf(join(device, 'vendor')), textOf(join(device, 'device'))];
			return [name, ...parts, driver === null ? '' : basename(driver), version].join(' ');
		});
}

function stampsIn(folder: string): string[] {
	return namesIn(folder).map((name) => stampOf(join(folder, name)));
}

/** A file's path, size and time of change. */
function stampOf(path: string): string {
	const found = statSync(path, { throwIfNoEntry: false });
	return found ? `${path} ${found.size} ${found.mtimeMs}` : `${path} absent`;
}

function namesIn(folder: string): string[] {
	try {
		return readdirSync(folder).sort();
	} catch {
		return [];
	}
}

function textOf(path: string): string {
	try {
		return readFileSync(path, 'utf8').trim();
	} catch {
		return '';
	}
}

function pathOf(link: string): string | null {
	try {
		return realpathSync(link);
	} catch {
		return null;
	}
}
