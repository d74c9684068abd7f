import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { scriptedWorker } from '../process/scripted-worker.fixture.ts';
import type { ProviderProbeExchange } from './provider-checks.ts';
import { RememberedChecks } from './remembered-checks.ts';

const PACE = { own: 2, processor: 10 };

let folder: string;
let driver: string;
let probed: (string | null)[];
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'sparsight-checks-'));
	driver = 'driver 1';
	probed = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

/** As another start of the program sees them. */
function open(): RememberedChecks {
	const startProbe = () => {
		const { worker, said } = scriptedWorker<ProviderProbeExchange>();
		const post: typeof worker.post = ({ job: { provider } }) => {
			probed.push(provider);
			const failure = provider === 'webgpu' ? `no ${driver}` : null;
			const outcome = { supported: ['cpu', 'webgpu'], failure, fusedFailure: null, pace: PACE };
			queueMicrotask(() => said.report({ type: 'finished', outcome }));
		};
		return { ...worker, post };
	};
	return new RememberedChecks(folder, startProbe, () => driver);
}

it('checks once, without the processor, and remembers for the next start', async () => {
	const checks = await open().known();
	expect(checks).toEqual([
		{ name: 'cpu', works: true, attention: 'fused', reason: null, pace: null },
		{ name: 'webgpu', works: false, attention: 'fused', reason: 'no driver 1', pace: PACE },
	]);
	expect(await open().known()).toEqual(checks);
	expect(probed).toEqual([null, 'webgpu']);
});

it('checks again when a driver changed, and knows both then', async () => {
	await open().known();
	driver = 'driver 2';
	expect((await open().known())[1]!.reason).toBe('no driver 2');
	driver = 'driver 1';
	expect((await open().known())[1]!.reason).toBe('no driver 1');
	expect(probed).toEqual([null, 'webgpu', null, 'webgpu']);
});

it('checks again when asked to, once for all who ask meanwhile', async () => {
	const checks = open();
	await checks.known();
	await Promise.all([checks.anew({ tryProcessor: true }), checks.anew()]);
	expect(probed).toEqual([null, 'webgpu', null, 'cpu', 'webgpu']);
});

it('checks again where the file is damaged', async () => {
	await open().known();
	writeFileSync(join(folder, 'providers.json'), '{"driver 1": [{}]}');
	expect(await open().known()).toHaveLength(2);
});
