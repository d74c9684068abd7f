import { afterAll, beforeAll, expect, it } from 'vitest';
import { NO_REDIS } from '../main/batch/redis-server.fixture.ts';
import { BatchKillBench } from './batch-kills.ts';

// A small part of `npm run torture`.

let bench: BatchKillBench;
beforeAll(async () => {
	const seed = Number(process.env['SPARSIGHT_SEED'] ?? 1);
	bench = await BatchKillBench.open(seed, { clips: 2, frames: 10, pause: 600, runs: ['token-cache'] });
});
afterAll(() => bench.close());

// By Redis where it is there: that batch lies in a folder, too.
const QUEUE = NO_REDIS === null ? 'redis' : 'folder';

it.skipIf(process.platform !== 'linux')(
	`a batch by its ${QUEUE}, with kill -9 twice: each job done once, as if undisturbed`,
	async () => {
		expect(await bench.kill(QUEUE, 2)).toMatchObject({ tried: 2, failures: [] });
	},
);
