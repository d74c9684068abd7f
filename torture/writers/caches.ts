import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProviderProbeExchange } from '../../main/execution/provider-checks.ts';
import { RememberedChecks } from '../../main/execution/remembered-checks.ts';
import { scriptedWorker } from '../../main/process/scripted-worker.fixture.ts';
import { TensorStore } from '../../main/runtime/tensor-store.ts';
import { FileBytes } from '../../main/weights/byte-source.ts';
import { FileHashes } from '../../main/weights/file-hashes.ts';
import { nothing, type Writer } from './writer.ts';

const NUMBERS = Float32Array.from({ length: 2 ** 15 }, (_, i) => i / 7);

/** What would be found again, or computed and measured anew. */
export const CACHE_WRITERS: readonly Writer[] = [
	{
		title: 'Tensors of graphs (a cache)',
		prepare: nothing,
		open: (place) => Promise.resolve({ act: () => storedNumbers(place), close: nothing }),
		find: async (place) => {
			const numbers = await storedNumbers(place);
			return { isRight: numbers === null || Buffer.from(NUMBERS.buffer).equals(numbers) };
		},
		isCache: true,
	},
	{
		title: 'Checks of execution providers',
		prepare: async (place) => void (await checksOf(place, 'another driver', 'before').anew()),
		open: (place) => Promise.resolve({ act: () => checksOf(place, 'driver', 'now').anew(), close: nothing }),
		find: async (place) => {
			const known = ['another driver', 'driver'].map(async (driver) => {
				const [check] = await checksOf(place, driver, 'at the next start').known();
				return [driver, check!.reason] as const;
			});
			return Object.fromEntries(await Promise.all(known));
		},
		mayForget: true,
	},
	{
		title: 'Hashes of files (a cache)',
		prepare: (place) => {
			writeFileSync(join(place, 'weights.bin'), 'weights');
			return nothing();
		},
		open: (place) => Promise.resolve({ act: () => hashOf(place), close: nothing }),
		find: async (place) => ({ sha256: await hashOf(place) }),
		isCache: true,
	},
];

/** As the runtime would map them into memory; null where they travel inside of their graph. */
async function storedNumbers(place: string): Promise<Uint8Array | null> {
	const tensor = { data: NUMBERS, shape: [NUMBERS.length], origin: 'made' };
	const folder = join(place, 'cache', 'weights');
	const file = (await new TensorStore(folder).filesOf(new Map([['w', tensor]]))).get('w');
	return file === undefined ? null : readFileSync(join(folder, file)).subarray(0, NUMBERS.byteLength);
}

function hashOf(place: string): Promise<string> {
	return new FileHashes(join(place, 'cache')).sha256(new FileBytes(join(place, 'weights.bin')));
}

/** Checks under a driver; what works nowhere says when it was tried. */
function checksOf(place: string, driver: string, when: string): RememberedChecks {
	const startProbe = () => {
		const { worker, said } = scriptedWorker<ProviderProbeExchange>();
		const outcome = { supported: ['webgpu'], failure: `tried ${when}`, fusedFailure: null, pace: null };
		return { ...worker, post: () => queueMicrotask(() => said.report({ type: 'finished', outcome })) };
	};
	return new RememberedChecks(join(place, 'cache'), startProbe, () => driver);
}
