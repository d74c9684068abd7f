import { GraphBuilder } from '../graph/graph-builder.ts';
import { endWith, openWorkerPort } from '../process/worker-port.ts';
import { runOnce } from './loaded-graph.ts';
import { createRuntime, supportedProviders } from './onnx-runtime.ts';
import type { ProbeExchange, ProbeOutcome } from './providers.ts';
import { float32, floats } from './tensors.ts';

// The entry of a process that tries an execution provider: some drivers take the process with them.

const port = openWorkerPort<ProbeExchange>();
port.onHostGone(() => process.exit(1));
port.onRequest(({ job }) => void endWith(port, probe(job.provider)));

async function probe(provider: string | null): Promise<ProbeOutcome> {
	return { supported: supportedProviders(), failure: provider === null ? null : await tryOut(provider) };
}

/** Why −x can't be computed by a provider; null where it can. */
async function tryOut(provider: string): Promise<string | null> {
	const graph = new GraphBuilder();
	const x = graph.input('x', 'float32', [1]);
	graph.output('y', graph.op('Neg', [x], { shape: [1] }));
	const feeds = { x: float32(Float32Array.of(2), [1]) };
	try {
		const outputs = await runOnce(createRuntime(1, { provider }), graph.compile('probe'), feeds, ['y']);
		return floats(outputs, 'y')[0] === -2 ? null : 'it computes wrongly';
	} catch (error) {
		const reason = error instanceof Error ? (error.cause ?? error) : error;
		return reason instanceof Error ? reason.message : String(reason);
	}
}
