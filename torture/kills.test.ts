import { afterAll, beforeAll, expect, it } from 'vitest';
import { KillBench } from './kills.ts';

// A small part of `npm run torture`. The recorder, the command line and its worker are killed in main/results/kill.test.ts and
// main/cli/interruption.test.ts.

let bench: KillBench;
beforeAll(async () => {
	bench = await KillBench.open(Number(process.env['SPARSIGHT_SEED'] ?? 1));
});
afterAll(() => bench.close());

it.skipIf(process.platform !== 'linux').each([
	['exporter', 2],
	['web host', 1],
] as const)(
	'kill -9 of the %s, %i times at moments of chance: nothing lost, nothing half',
	async (program, count) => {
		expect(await bench.kill(program, count)).toMatchObject({ tried: count, failures: [] });
	},
);
