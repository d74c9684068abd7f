import { type Attention, ON_CPU } from '../domain/execution.ts';
import { endWith, openWorkerPort } from '../process/worker-port.ts';
import { attentionTasks, firstWrong, otherTasks, type Task } from '../runtime/known-answers.ts';
import { createRuntime, supportedProviders } from '../runtime/onnx-runtime.ts';
import type { ProbeOutcome, ProviderProbeExchange } from './provider-checks.ts';

// The entry of a process that tries an execution provider: some drivers take the process with them.

const port = openWorkerPort<ProviderProbeExchange>();
port.onHostGone(() => process.exit(1));
port.onRequest(({ job }) => void endWith(port, probe(job.provider)));

async function probe(provider: string | null): Promise<ProbeOutcome> {
	const supported = supportedProviders();
	if (provider === null) return { supported, failure: null, fusedFailure: null };
	try {
		return { supported, ...(await tryOut(provider)) };
	} catch (error) {
		const reason = error instanceof Error ? (error.cause ?? error) : error;
		const failure = reason instanceof Error ? reason.message : String(reason);
		return { supported, failure, fusedFailure: null };
	}
}

/** What a provider computes otherwise than the processor does; attention in two spellings. */
async function tryOut(provider: string): Promise<Pick<ProbeOutcome, 'failure' | 'fusedFailure'>> {
	const solve = (tasks: readonly Task[], attention: Attention) =>
		firstWrong(tasks, createRuntime(1, { execution: { ...ON_CPU, provider, attention } }), createRuntime(1));
	const wrong = await solve(otherTasks(), 'fused');
	const fused = await solve(attentionTasks(), 'fused');
	const plain = fused === null ? null : await solve(attentionTasks(), 'plain');
	return { failure: wronglyComputed(wrong ?? plain), fusedFailure: wronglyComputed(fused) };
}

function wronglyComputed(name: string | null): string | null {
	return name === null ? null : `it computes wrongly: ${name}`;
}
