import { afterAll, beforeAll, expect, it } from 'vitest';
import { NO_REDIS } from '../main/batch/redis-server.fixture.ts';
import { BatchKillBench } from './batch-kills.ts';

// A small part of `npm run torture`.

let bench: BatchKillBench;
beforeAll(async () => {
	const seed = Number(process.env['SPARSIGHT_SEED'] ?? 1);
	bench = await BatchKillBench.open(seed, { clips: 2, frames: 15, pause: 800, runs: ['token-cache'] });
});
afterAll(() => bench.close());

it.skipIf(process.platform !== 'linux').each([
	['folder', 2],
	['redis', 2],
] as const)(
	'a batch by its %s, with kill -9 %i times: each job done once, as if undisturbed',
	async (queue, count) => {
		if (queue === 'redis' && NO_REDIS !== null) {
			process.stderr.write(`skipped: ${NO_REDIS}\n`);
			return;
		}
		expect(await bench.kill(queue, count)).toMatchObject({ tried: count, failures: [] });
	},
);
