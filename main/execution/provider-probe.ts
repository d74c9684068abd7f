import { type Attention, ON_CPU } from '../domain/execution.ts';
import { endWith, openWorkerPort } from '../process/worker-port.ts';
import { attentionTasks, firstWrong, otherTasks, paceTask, type Task } from '../runtime/known-answers.ts';
import { LoadedGraph } from '../runtime/loaded-graph.ts';
import { createRuntime, supportedProviders } from '../runtime/onnx-runtime.ts';
import type { GraphRuntime } from '../runtime/runtime.ts';
import type { ProbeOutcome, ProviderProbeExchange } from './provider-checks.ts';

// The entry of a process that tries an execution provider: some drivers take the process with them.

const PACE_RUNS = 3;
/** Devices made of software take seconds. */
const HOPELESS_MILLISECONDS = 500;

const port = openWorkerPort<ProviderProbeExchange>();
port.onHostGone(() => process.exit(1));
port.onRequest(({ job }) => void endWith(port, probe(job.provider)));

async function probe(provider: string | null): Promise<ProbeOutcome> {
	const supported = supportedProviders();
	if (provider === null) return { supported, failure: null, fusedFailure: null, pace: null };
	try {
		return { supported, ...(await tryOut(provider)) };
	} catch (error) {
		const reason = error instanceof Error ? (error.cause ?? error) : error;
		const failure = reason instanceof Error ? reason.message : String(reason);
		return { supported, failure, fusedFailure: null, pace: null };
	}
}

/** What a provider computes otherwise than the processor does; attention in two spellings. */
async function tryOut(provider: string): Promise<Omit<ProbeOutcome, 'supported'>> {
	const solve = (tasks: readonly Task[], attention: Attention) =>
		firstWrong(tasks, createRuntime(1, { execution: { ...ON_CPU, provider, attention } }), createRuntime(1));
	const wrong = await solve(otherTasks(), 'fused');
	const fused = await solve(attentionTasks(), 'fused');
	const plain = fused === null ? null : await solve(attentionTasks(), 'plain');
	const pace = {
		own: await millisecondsOf(paceTask(), createRuntime(1, { execution: { ...ON_CPU, provider } })),
		processor: await millisecondsOf(paceTask(), createRuntime(1)),
	};
	return { failure: wronglyComputed(wrong ?? plain), fusedFailure: wronglyComputed(fused), pace };
}

/** Of the fastest of some runs after the first, for which a device compiles. */
async function millisecondsOf({ graph, feeds }: Task, runtime: GraphRuntime): Promise<number> {
	const loaded = await LoadedGraph.load(runtime, graph);
	const outputs = graph.outputs.map(({ name }) => name);
	let fastest = Infinity;
	for (let i = 0; i <= PACE_RUNS; i++) {
		const started = performance.now();
		await loaded.run(feeds, outputs);
		const elapsed = performance.now() - started;
		if (i > 0) fastest = Math.min(fastest, elapsed);
		if (i > 0 && elapsed > HOPELESS_MILLISECONDS) break;
	}
	await loaded.release();
	return fastest;
}

function wronglyComputed(name: string | null): string | null {
	return name === null ? null : `it computes wrongly: ${name}`;
}
