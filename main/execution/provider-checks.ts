import type { Attention } from '../domain/execution.ts';
import { followWorker, type WorkerProcess } from '../process/worker-process.ts';

/** What the process of `provider-probe.ts` is asked and answers. */
export type ProviderProbeExchange = {
	/** The provider to try; null to be told of all without trying one. */
	request: { type: 'start'; job: { provider: string | null } };
	news: never;
	outcome: ProbeOutcome;
};

export type ProbeOutcome = {
	/** The providers that the installed runtime knows. */
	supported: string[];
	/** Why the provider that was tried does not work; null where it does. */
	failure: string | null;
	/** Why its own attention can't be used, and attention has to be spelled out; null where it can. */
	fusedFailure: string | null;
	pace: Pace | null;
};

/** Milliseconds of one matrix product: on a provider, and on one thread of the processor. */
export type Pace = { own: number; processor: number };

/** What an execution provider of the inference runtime said when it was asked to compute something. */
export type ProviderCheck = {
	name: string;
	works: boolean;
	/** How attention is to be computed there. */
	attention: Attention;
	/** Why it does not work, or why attention has to be spelled out. */
	reason: string | null;
	/** Null where it does not work or was not tried. */
	pace: Pace | null;
};

/** A driver that hangs is as good as none; one that works may compile for half a minute. */
const PATIENCE_MILLISECONDS = 60_000;

/** The processor: what everything is held against. */
const TRUSTED: ProbeOutcome = { supported: ['cpu'], failure: null, fusedFailure: null, pace: null };

/**
 * Asks the runtime for its providers and lets each compute something. One at a time and in a process of its own, which
 * `startProbe` starts: a provider that cannot load fails the whole session, and some drivers take the process with them.
 * The processor is tried only where that is asked for. Rejects where the runtime itself can't be loaded.
 */
export async function checkProviders(
	startProbe: () => WorkerProcess<ProviderProbeExchange>,
	{ tryProcessor = false, patienceMilliseconds = PATIENCE_MILLISECONDS } = {},
): Promise<ProviderCheck[]> {
	const ask = (provider: string | null) => askProbe(startProbe(), provider, patienceMilliseconds);
	const { supported } = await ask(null);
	const checks: ProviderCheck[] = [];
	for (const name of supported) {
		const tried = name === 'cpu' && !tryProcessor ? Promise.resolve(TRUSTED) : ask(name);
		const { failure, fusedFailure, pace } = await tried.catch((error: unknown) => ({
			failure: error instanceof Error ? error.message : String(error),
			fusedFailure: null,
			pace: null,
		}));
		const reason = failure ?? fusedFailure;
		checks.push({
			name,
			works: failure === null,
			attention: fusedFailure === null ? 'fused' : 'plain',
			reason: reason === null ? null : lastSentence(reason),
			pace,
		});
	}
	return checks;
}

async function askProbe(
	worker: WorkerProcess<ProviderProbeExchange>,
	provider: string | null,
	patienceMilliseconds: number,
): Promise<ProbeOutcome> {
	let waitsTooLong = false;
	const timer = setTimeout(() => {
		waitsTooLong = true;
		worker.kill();
	}, patienceMilliseconds);
	const outcome = followWorker(worker, {
		onNews: () => undefined,
		ofDeath: ({ how }) =>
			new Error(
				waitsTooLong
					? `it did not answer within ${patienceMilliseconds / 1000} seconds`
					: `its process ended ${how}`,
			),
	});
	worker.post({ type: 'start', job: { provider } });
	try {
		return await outcome;
	} finally {
		clearTimeout(timer);
		worker.kill();
	}
}

/** The runtime puts its source file and condition, or the name of its function, first and what matters last. */
function lastSentence(text: string): string {
	const [line = text] = text.trim().split('\n');
	const reason = line.split(' was false. ').at(-1) ?? line;
	return reason.replace(/^OrtSessionOptionsAppendExecutionProvider_\w+: /, '');
}

/** Whether a device is made of software, or as slow: one thread of the processor is faster. */
export function isSlow({ pace }: ProviderCheck): boolean {
	return pace !== null && pace.own > pace.processor;
}
