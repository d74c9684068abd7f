import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { machineFingerprint } from './fingerprint.ts';

let root: string;
beforeEach(() => {
	root = mkdtempSync(join(tmpdir(), 'sparsight-machine-'));
	put('sys/class/drm/card0/device/vendor', '0x10de\n');
	put('sys/class/drm/card0/device/device', '0x2684\n');
	put('proc/driver/nvidia/version', 'NVRM version: 550.54\n');
	put('usr/share/vulkan/icd.d/nvidia_icd.json', '{}');
});
afterEach(() => rmSync(root, { recursive: true }));

function put(path: string, text: string): void {
	mkdirSync(dirname(join(root, path)), { recursive: true });
	writeFileSync(join(root, path), text);
}

const fingerprint = (environment: NodeJS.ProcessEnv = {}) =>
	machineFingerprint({ platform: 'linux', environment, root });

it('stays the same while nothing changes', () => {
	expect(fingerprint()).toBe(fingerprint());
});

it.each<[string, () => unknown]>([
	['another device', () => put('sys/class/drm/card0/device/device', '0x2704')],
	['a second card', () => put('sys/class/drm/card1/device/vendor', '0x8086')],
	['an updated driver', () => put('proc/driver/nvidia/version', 'NVRM version: 560.35')],
	['a new Vulkan driver', () => put('etc/vulkan/icd.d/lvp_icd.json', '{}')],
	[
		'a Vulkan driver that was installed anew',
		() => utimesSync(join(root, 'usr/share/vulkan/icd.d/nvidia_icd.json'), 1e9, 1e9),
	],
])('changes with %s', (_, change) => {
	const before = fingerprint();
	change();
	expect(fingerprint()).not.toBe(before);
});

it('changes with a driver that the environment names, and with its file', () => {
	const environment = { VK_DRIVER_FILES: join(root, 'own_icd.json') };
	const before = fingerprint(environment);
	expect(before).not.toBe(fingerprint());
	put('own_icd.json', '{}');
	expect(fingerprint(environment)).not.toBe(before);
});
