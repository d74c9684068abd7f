import { isDeepStrictEqual } from 'node:util';
import type { Detector, DetectorOptions, Model } from '../detector/detector.ts';
import type { NamedArrays } from '../domain/named-arrays.ts';
import type { GraphRuntime } from '../runtime/runtime.ts';

/** A detector, and what computes its frames. */
export type OpenDetector = { detector: Detector; runtime: GraphRuntime };

type Kept = OpenDetector & {
	/** What it was opened for. */
	wanted: unknown;
	settings: Detector['settings'];
	/** Its state before its first frame: a run must not depend on the one before. */
	blank: NamedArrays;
};

/**
 * The detector of the last run, for a next one that wants the same of the same model: its graphs are loaded once. A run takes it,
 * and gives it back when all went well.
 */
export class KeptDetector {
	#kept: Kept | null = null;
	#lent: Kept | null = null;

	/** As `model.open`, or the kept detector with its own runtime, as if it had just been opened. */
	async open(model: Model, options: DetectorOptions, runtime: GraphRuntime): Promise<OpenDetector> {
		const { onLetterbox, ...rest } = options;
		const wanted = { ...rest, ...modelFacts(model), execution: runtime.execution, threads: runtime.threads };
		const kept = this.#kept;
		this.#kept = null;
		if (kept && isDeepStrictEqual(kept.wanted, wanted)) {
			onLetterbox?.(kept.detector.letterbox);
			kept.detector.reset();
			kept.detector.restoreState(kept.blank);
			this.#lent = kept;
			return kept;
		}
		await kept?.detector.release();
		const detector = await model.open(options, runtime);
		detector.reset();
		const blank = await detector.saveState();
		this.#lent = { detector, runtime, wanted, settings: { ...detector.settings }, blank };
		return this.#lent;
	}

	/** Takes a detector back that was opened here; one whose settings were changed is released. */
	async takeBack({ detector }: OpenDetector): Promise<void> {
		const lent = this.#lent;
		this.#lent = null;
		if (lent?.detector === detector && isDeepStrictEqual(lent.settings, detector.settings)) this.#kept = lent;
		else await detector.release();
	}
}

/** What of a model its graphs depend on. */
function modelFacts({ id, path, sha256, reading, family }: Model) {
	return { id, path, sha256, reading, family };
}
