import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { physicalCores } from './physical-cores.ts';

/** A folder as Linux shows one, with what each processor says of its siblings; null of one that is switched off. */
function coresOf(siblings: readonly (string | null)[]): number {
	const folder = mkdtempSync(join(tmpdir(), 'sparsight-cores-'));
	try {
		mkdirSync(join(folder, 'cpufreq'));
		siblings.forEach((list, i) => {
			mkdirSync(join(folder, `cpu${i}`, 'topology'), { recursive: true });
			if (list !== null) writeFileSync(join(folder, `cpu${i}`, 'topology/thread_siblings_list'), `${list}\n`);
		});
		return physicalCores(folder);
	} finally {
		rmSync(folder, { recursive: true });
	}
}

const usable = availableParallelism();

it.each([
	['two threads of one core', ['0-1', '0-1'], 1],
	['two threads of one core, one switched off', ['0', null], 1],
	['cores of one thread each', Array.from({ length: 256 }, (_, i) => String(i)), usable],
	['nothing that is told', [], usable],
])('counts %s', (_, siblings, cores) => expect(coresOf(siblings)).toBe(cores));

it('counts threads where there is no such folder', () => expect(physicalCores('/nowhere')).toBe(usable));
