import { CACHE_WRITERS } from './caches.ts';
import { COMMAND_WRITERS } from './commands.ts';
import { DESKTOP_WRITERS } from './desktop.ts';
import { EXPORT_WRITERS } from './exports.ts';
import { MODEL_WRITERS } from './models.ts';
import { REQUEST_WRITERS } from './requests.ts';
import { RUN_WRITERS } from './runs.ts';
import type { Writer } from './writer.ts';

/** Whatever writes files, to meet every fault at each of them. */
export const WRITERS: readonly Writer[] = [
	...RUN_WRITERS,
	...REQUEST_WRITERS,
	...MODEL_WRITERS,
	...CACHE_WRITERS,
	...DESKTOP_WRITERS,
	...EXPORT_WRITERS,
	...COMMAND_WRITERS,
];
