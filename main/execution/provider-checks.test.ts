import { expect, it } from 'vitest';
import { scriptedWorker } from '../process/scripted-worker.fixture.ts';
import { checkProviders, type ProbeOutcome, type ProviderProbeExchange } from './provider-checks.ts';

const SUPPORTED = ['cpu', 'webgpu'];

/** What the process does that is asked to try a provider. */
type Ending = ProbeOutcome['failure'] | { signal: string } | { fusedFailure: string } | 'hangs';

/** Checks with processes that end as `endings` says, by provider. */
async function check(endings: Record<string, Ending>) {
	const killed: (string | null)[] = [];
	const checks = await checkProviders(
		() => {
			const { worker, said } = scriptedWorker<ProviderProbeExchange>();
			const { kill } = worker;
			let tried: string | null = null;
			return {
				...worker,
				post({ job: { provider } }) {
					tried = provider;
					const ending = provider === null ? null : endings[provider]!;
					queueMicrotask(() => {
						if (ending === 'hangs') return;
						const outcome = { supported: SUPPORTED, failure: null, fusedFailure: null, pace: null };
						if (ending === null || typeof ending === 'string') {
							said.report({ type: 'finished', outcome: { ...outcome, failure: ending } });
						} else if ('signal' in ending) said.exit(null, ending.signal);
						else said.report({ type: 'finished', outcome: { ...outcome, ...ending } });
					});
				},
				kill() {
					killed.push(tried);
					kill();
				},
			};
		},
		{ tryProcessor: true, patienceMilliseconds: 50 },
	);
	return { checks, killed };
}

it.each<[string, Ending, string | null]>([
	['works', null, null],
	['says why it fails', 'x.cc:7 Load device != null was false. No device.\nat f', 'No device.'],
	['lacks its library', 'OrtSessionOptionsAppendExecutionProvider_Cuda: Not there', 'Not there'],
	['takes its process with it', { signal: 'SIGSEGV' }, 'its process ended by signal SIGSEGV'],
	['hangs', 'hangs', 'it did not answer within 0.05 seconds'],
])('tells of a provider that %s', async (_, ending, reason) => {
	const { checks, killed } = await check({ cpu: null, webgpu: ending });
	expect(checks).toEqual([
		{ name: 'cpu', works: true, attention: 'fused', reason: null, pace: null },
		{ name: 'webgpu', works: reason === null, attention: 'fused', reason, pace: null },
	]);
	expect(killed).toEqual(expect.arrayContaining([null, 'cpu', 'webgpu']));
});

it('tells of a provider whose own attention is wrong', async () => {
	const reason = 'it computes wrongly: attention with heads of 16';
	const { checks } = await check({ cpu: null, webgpu: { fusedFailure: reason } });
	expect(checks[1]).toEqual({ name: 'webgpu', works: true, attention: 'plain', reason, pace: null });
});

it('fails where the runtime itself can’t be loaded', async () => {
	const failing = checkProviders(() => {
		const { worker, said } = scriptedWorker<ProviderProbeExchange>();
		return { ...worker, post: () => queueMicrotask(() => said.exit(1, null)) };
	});
	await expect(failing).rejects.toThrow('its process ended with exit code 1');
});
