import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { AnalysisJob } from '../analysis/protocol.ts';
import { UserFacingError } from '../domain/errors.ts';
import {
	type Execution,
	executionOf,
	lastExecution,
	ON_CPU,
	onCpu,
	type Precision,
} from '../domain/execution.ts';
import { type ExecutionRemark, providerName, type Timed } from '../domain/execution-words.ts';
import type { MeasuredSpeed } from '../domain/speed.ts';
import type { Size } from '../domain/video.ts';
import { readCard } from '../models/card.ts';
import type { DataFolders } from '../process/data-folders.ts';
import { findMode } from '../reduction/index.ts';
import { readHeader, readStatus } from '../results/header.ts';
import { onAbort } from '../video/cancellation.ts';
import { probeVideo } from '../video/probe.ts';
import { RUN_FILES } from '../results/run-folder.ts';
import { devicesFor, isWorthwhile, refusalOn } from './offer.ts';
import { OnceMeasured } from './once-measured.ts';
import type { ProviderCheck } from './provider-checks.ts';
import type { RememberedChecks } from './remembered-checks.ts';
import type { Speeds } from './speeds.ts';

/** The wish for whatever is fastest. */
export const AUTO = 'auto';

/** Trying providers out is told where it takes longer. */
const QUICK_MILLISECONDS = 3000;

export type Wanted = Pick<
	AnalysisJob,
	'videoPath' | 'modelPath' | 'mode' | 'maxSide' | 'threads' | 'start' | 'runFolder'
> & {
	/** `auto`, or an execution provider. */
	provider: string;
	/** Null: as the run that is continued, else float32. */
	precision: Precision | null;
};

/** What a run that begins is to run on. */
type Wish = Wanted & { precision: Precision };

/** The part of a job that is chosen. */
export type Chosen = Required<Pick<AnalysisJob, 'execution' | 'afterLoss'>>;

type ChoiceDependencies = {
	checks: Pick<RememberedChecks, 'known'>;
	speeds: Pick<Speeds, 'find' | 'measure' | 'noteFailure'>;
	/** Hash of a model's weights. */
	weightsOf: (modelPath: string) => Promise<string>;
	/** A video's size as displayed. */
	sizeOf: (videoPath: string) => Promise<Size>;
};

/** The choice by what this machine's files say of models and videos. */
export function choiceBy(
	folders: DataFolders,
	measured: Pick<ChoiceDependencies, 'checks' | 'speeds'>,
): ExecutionChoice {
	return new ExecutionChoice({
		...measured,
		weightsOf: async (modelPath) => (await readCard(modelPath, folders)).sha256,
		sizeOf: async (videoPath) => (await probeVideo(videoPath)).displaySize,
	});
}

/** Chooses what a job's graphs run on: what is wished for, or the fastest that was measured on this machine. */
export class ExecutionChoice {
	readonly #deps: ChoiceDependencies;

	constructor(dependencies: ChoiceDependencies) {
		this.#deps = dependencies;
	}

	/**
	 * A run that goes on keeps its provider. Where only the CPU works, that is all that has to be found out, once; otherwise speeds
	 * are measured that are not known yet, unless `signal` is aborted. What can't be measured fails in the run, which says why.
	 * Throws `provider-unusable`, with the reason, where a provider is wished for that can't be used, and `cancelled` where `signal` is
	 * aborted before that is known.
	 */
	async choose(
		wanted: Wanted,
		tell: (remark: ExecutionRemark) => void,
		signal?: AbortSignal,
	): Promise<Chosen> {
		const begun = await executionBegun(wanted);
		if (begun && goesOn(wanted, begun)) return this.#goOn(begun, tell, signal);
		const wish = { ...wanted, precision: wanted.precision ?? ON_CPU.precision };
		if (wanted.provider !== AUTO && wanted.provider !== ON_CPU.provider) {
			return { execution: await this.#demanded(wish, tell, signal), afterLoss: false };
		}
		const isOpen = wanted.provider === AUTO && !signal?.aborted;
		const fastest = isOpen ? await this.#fastest(wish, tell, signal) : null;
		return { execution: fastest ?? onCpu(wish), afterLoss: false };
	}

	async #goOn(
		begun: Execution,
		tell: (remark: ExecutionRemark) => void,
		signal?: AbortSignal,
	): Promise<Chosen> {
		if (begun.provider === ON_CPU.provider) return { execution: begun, afterLoss: false };
		const checks = await this.#known(tell, signal);
		if (signal?.aborted) throw cancelled();
		const check = checks.find(({ name }) => name === begun.provider);
		const attends = begun.attention === 'plain' || check?.attention === 'fused';
		if (check?.works && attends) return { execution: begun, afterLoss: false };
		const { provider } = begun;
		tell({ type: 'device-gone', provider, reason: check?.reason ?? 'this runtime does not know it' });
		return { execution: onCpu(begun), afterLoss: true };
	}

	async #demanded(
		{ provider, mode, precision }: Wish,
		tell: (remark: ExecutionRemark) => void,
		signal?: AbortSignal,
	): Promise<Execution> {
		const checks = await this.#known(tell, signal);
		if (signal?.aborted) throw cancelled();
		const check = checks.find(({ name }) => name === provider);
		const name = providerName(provider, 'en');
		const remedy = `Take "${AUTO}" or "${ON_CPU.provider}"; "sparsight doctor" tries all providers anew.`;
		if (!check) {
			const known = [AUTO, ...checks.map((one) => one.name)].join(', ');
			throw new UserFacingError(
				'provider-unusable',
				`The runtime installed here has no execution provider "${provider}" (it has ${known}).`,
			);
		}
		if (!check.works) {
			const reason = (check.reason ?? 'it does not say why').replace(/\.$/, '');
			throw new UserFacingError('provider-unusable', `${name} does not work here: ${reason}.`, { remedy });
		}
		const refusal = refusalOn(provider, mode, precision);
		if (refusal === null) return { provider, attention: check.attention, precision };
		throw new UserFacingError('provider-unusable', `${name} can't be used: ${refusal}.`);
	}

	/** Null for the CPU. */
	async #fastest(
		wish: Wish,
		tell: (remark: ExecutionRemark) => void,
		signal?: AbortSignal,
	): Promise<Execution | null> {
		const { mode, precision } = wish;
		const checks = await this.#known(tell, signal);
		const device = checks.find(isWorthwhile)?.name;
		if (device === undefined) return null;
		const offered = devicesFor(checks, mode, precision);
		if (offered.length === 0) {
			tell({ type: 'stays-on-cpu', provider: device, reason: refusalOn(device, mode, precision)! });
		}
		const measuring = await this.#measuring(wish, tell, signal);
		const cpu = (await measuring?.speedOf(onCpu(wish), mode)) ?? null;
		if (!measuring || !cpu) return null;
		const timed = [cpu, ...(await measuring.speedsOf(offered, mode, cpu))];
		const best = fastestOf(timed);
		if (measuring.isNew && timed.length > 1) {
			tell({ type: 'chosen', ...timedOf(best), others: timed.filter((one) => one !== best).map(timedOf) });
		}
		const dense = isComparable(mode)
			? await measuring.speedsOf(devicesFor(checks, 'dense'), 'dense', cpu)
			: [];
		if (dense.length > 0 && fastestOf(dense).milliseconds < best.milliseconds) {
			tell({ type: 'dense-faster', mode, best: timedOf(best), dense: timedOf(fastestOf(dense)) });
		}
		return executionOf(best);
	}

	/** Null where video or model can't be read: the run says why. */
	async #measuring(
		wish: Wish,
		tell: (remark: ExecutionRemark) => void,
		signal?: AbortSignal,
	): Promise<OnceMeasured | null> {
		const { speeds, weightsOf, sizeOf } = this.#deps;
		try {
			const [weights, size] = await Promise.all([weightsOf(wish.modelPath), sizeOf(wish.videoPath)]);
			return new OnceMeasured(speeds, { ...wish, weights, size }, tell, signal);
		} catch {
			return null;
		}
	}

	/** None where the runtime can't be loaded, which the run says, or nobody waits any more: a driver may hang. */
	#known(tell: (remark: ExecutionRemark) => void, signal?: AbortSignal): Promise<ProviderCheck[]> {
		const timer = setTimeout(() => tell({ type: 'trying' }), QUICK_MILLISECONDS);
		const known = this.#deps.checks
			.known()
			.catch(() => [])
			.finally(() => clearTimeout(timer));
		if (!signal) return known;
		return new Promise((resolve) => {
			const stopListening = onAbort(signal, () => resolve([]));
			void known.then(resolve).finally(stopListening);
		});
	}
}

function cancelled(): UserFacingError {
	return new UserFacingError('cancelled', 'The run was cancelled before it was known what it can run on.');
}

/** What computed the last frames of the run that the job goes on with; null where it begins one. */
async function executionBegun({ start, runFolder }: Wanted): Promise<Execution | null> {
	if (start === 'create' || !existsSync(join(runFolder, RUN_FILES.header))) return null;
	// One that can't be read is the worker's to refuse.
	const header = await readHeader(runFolder).catch(() => null);
	return header && lastExecution(header, (await readStatus(runFolder))?.executionChanges ?? []);
}

function goesOn({ provider, precision }: Wanted, begun: Execution): boolean {
	return [AUTO, begun.provider].includes(provider) && [null, begun.precision].includes(precision);
}

function timedOf({ provider, milliseconds }: MeasuredSpeed): Timed {
	return { provider, milliseconds };
}

function fastestOf(speeds: readonly MeasuredSpeed[]): MeasuredSpeed {
	return speeds.reduce((best, one) => (one.milliseconds < best.milliseconds ? one : best));
}

/** Whether a mode sees what dense sees: tiles see a larger picture. */
function isComparable(mode: string): boolean {
	return mode !== 'dense' && !findMode(mode).tiling;
}
