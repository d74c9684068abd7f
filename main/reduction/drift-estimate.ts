import { assert } from '../domain/errors.ts';
import { type Audit, type Drift, DRIFT_WINDOW_FRAMES } from '../domain/drift.ts';

/** How much is known before any audit, in disagreements seen: a prior as good as this many. */
const PRIOR_ERRORS = 2;
/** Disagreements come in groups (a box that flickers does so in many frames): so many of them tell as much as one. */
const OVERDISPERSION = 3;
/** What earlier audits still count when a new one comes; scenes change. */
const MEMORY = 0.95;
/** Relative standard deviation of the loss of a window about what is predicted for it. */
const SPREAD = 0.9;
/** Detections per frame before the first was seen. */
const USUAL_SHOWN = 5;
/** Standard deviations of a normal distribution that hold 95 %. */
const Z95 = 1.96;
/** Of a Poisson count of this mean or less, none at all is not unlikely: e⁻³ = 0.05. */
const PERHAPS_NONE = 3;

/**
 * Estimates the agreement of a reduced run with a dense one. The mode predicts each frame's loss (1 − F1) from what it knows to be
 * stale; audits tell by which factor such predictions are wrong: disagreements are taken as Poisson counts of mean
 * factor × prediction, and the factor as gamma distributed (the conjugate prior).
 */
export class DriftEstimate {
	/** Shape and rate of the factor's gamma distribution. */
	#shape = PRIOR_ERRORS;
	#rate = PRIOR_ERRORS;
	/** Of the last frames: predicted losses. */
	readonly #losses = new Float64Array(DRIFT_WINDOW_FRAMES);
	#frames = 0;
	#shown = USUAL_SHOWN;

	/** By which losses are larger than predicted. */
	get factor(): number {
		return this.#shape / this.#rate;
	}

	/** Forgets the frames, not what audits taught: what follows is another scene of the same kind. */
	restart(): void {
		this.#frames = 0;
	}

	/** Takes the predicted loss of the next frame, 0 to 1. */
	add(loss: number): void {
		this.#losses[this.#frames++ % DRIFT_WINDOW_FRAMES] = loss;
	}

	/** Told how many detections a frame shows. */
	showed(detections: number): void {
		this.#shown += 0.05 * (detections - this.#shown);
	}

	/** Takes an audit of the frame that was added last. */
	learn({ matched, lost, gained }: Audit): void {
		const loss = this.#losses[(this.#frames - 1) % DRIFT_WINDOW_FRAMES]!;
		const remembered = (value: number) => PRIOR_ERRORS + MEMORY * (value - PRIOR_ERRORS);
		this.#shape = remembered(this.#shape) + (lost + gained) / OVERDISPERSION;
		this.#rate = remembered(this.#rate) + (loss * (2 * matched + lost + gained)) / OVERDISPERSION;
	}

	/** Over the last frames, with the bounds that hold 95 %. */
	bounds(): Pick<Drift, 'agreement' | 'lower' | 'upper'> {
		const frames = Math.min(this.#frames, DRIFT_WINDOW_FRAMES);
		if (frames === 0) return { agreement: 1, lower: 1, upper: 1 };
		let sum = 0;
		for (let i = 0; i < frames; i++) sum += this.#losses[i]!;
		const mean = this.factor * (sum / frames);
		if (mean <= 0) return { agreement: 1, lower: 1, upper: 1 };
		// Of the factor, of the window about its prediction, and of counting few detections; as a log-normal distribution.
		const decisions = Math.max(1, 2 * frames * this.#shown);
		const variance = 1 / this.#shape + SPREAD ** 2 + OVERDISPERSION / (mean * decisions);
		const sigma = Math.sqrt(Math.log(1 + variance));
		const median = mean * Math.exp(-(sigma ** 2) / 2);
		const agreement = (loss: number) => Math.max(0, 1 - loss);
		const least = median * Math.exp(-Z95 * sigma);
		return {
			agreement: agreement(mean),
			lower: agreement(median * Math.exp(Z95 * sigma)),
			upper: (least * decisions) / OVERDISPERSION < PERHAPS_NONE ? 1 : agreement(least),
		};
	}

	get state(): Float64Array {
		return Float64Array.of(this.#shape, this.#rate, this.#shown, this.#frames, ...this.#losses);
	}

	set state(state: Float64Array) {
		const [shape, rate, shown, frames] = state;
		assert(state.length === 4 + DRIFT_WINDOW_FRAMES, 'a snapshot holds the estimate of drift');
		[this.#shape, this.#rate, this.#shown, this.#frames] = [shape!, rate!, shown!, frames!];
		this.#losses.set(state.subarray(4));
	}
}
