import { join } from 'node:path';
import type { AnalysisExchange } from '../analysis/protocol.ts';
import type { ProviderProbeExchange } from '../execution/provider-checks.ts';
import { choiceBy, type ExecutionChoice } from '../execution/choice.ts';
import { RememberedChecks } from '../execution/remembered-checks.ts';
import { Speeds } from '../execution/speeds.ts';
import { dataFolders } from '../process/data-folders.ts';
import { forkWorker, type WorkerProcess } from '../process/worker-process.ts';

// The built workers lie beside the built command line.

export function startAnalysisWorker(): WorkerProcess<AnalysisExchange> {
	return forkWorker(join(import.meta.dirname, 'worker.js'));
}

/** The checks of execution providers, as this person's cache knows them. */
export function rememberedChecks(): RememberedChecks {
	return new RememberedChecks(dataFolders().cache, () =>
		forkWorker<ProviderProbeExchange>(join(import.meta.dirname, 'provider-probe.js')),
	);
}

export function speeds(): Speeds {
	return new Speeds({ cacheFolder: dataFolders().cache, startWorker: startAnalysisWorker });
}

export function executionChoice(): ExecutionChoice {
	return choiceBy(dataFolders(), { checks: rememberedChecks(), speeds: speeds() });
}
