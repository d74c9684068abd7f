import { existsSync } from 'node:fs';
import { dirname } from 'node:path';

/** The software device that Debian's Chromium brings. */
const DRIVER = '/usr/lib/chromium/vk_swiftshader_icd.json';

/** The environment in which WebGPU finds a device made of software; null where there is none, and tests that need it are skipped. */
export const SOFTWARE_VULKAN: NodeJS.ProcessEnv | null = existsSync(DRIVER)
	? { VK_ICD_FILENAMES: DRIVER, LD_LIBRARY_PATH: dirname(DRIVER) }
	: null;
