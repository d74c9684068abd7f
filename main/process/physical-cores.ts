import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

/**
 * Cores that this process may use, each counted once however many threads it runs at a time: two threads of a core share its
 * arithmetic, so matrix products gain nothing from the second. Where only Linux's `folder` tells, others count threads.
 */
export function physicalCores(folder = '/sys/devices/system/cpu'): number {
	const usable = availableParallelism();
	try {
		const siblings = readdirSync(folder)
			.filter((name) => /^cpu\d+$/.test(name))
			.map((name) => siblingsOf(join(folder, name)))
			.filter((list) => list !== null);
		const cores = new Set(siblings).size;
		return cores > 0 ? Math.min(cores, usable) : usable;
	} catch {
		return usable;
	}
}

/** Such as `0,4`, the same for both; null of a processor that is switched off. */
function siblingsOf(folder: string): string | null {
	try {
		return readFileSync(join(folder, 'topology/thread_siblings_list'), 'utf8').trim();
	} catch {
		return null;
	}
}
