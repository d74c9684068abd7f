import { assert } from '../../domain/errors.ts';
import type { NamedArrays } from '../../domain/named-arrays.ts';
import type { FramePixels, Reduction, RunOutcome, Selection } from '../../reduction/mode.ts';
import type { DetectionHeads, Predictions } from './heads.ts';

/** What a mode gave of the backbone, and what the heads made of it. */
export type DetectionOutcome = RunOutcome & { predictions: Predictions };

/**
 * A mode at work on the backbone with the heads behind it. The heads are computed whole from the tokens of every frame, as
 * published; on a frame for which the mode computes nothing, the tokens are the same, and so are the predictions.
 * Multiply-adds: what the mode counts, and what the heads' graphs count for the proposals of the frame.
 */
export class Detection implements Reduction<DetectionOutcome> {
	readonly #backbone: Reduction;
	readonly #heads: DetectionHeads;
	#last: Predictions | null = null;

	constructor(backbone: Reduction, heads: DetectionHeads) {
		this.#backbone = backbone;
		this.#heads = heads;
	}

	get settings() {
		return this.#backbone.settings;
	}

	get denseMacs(): number {
		return this.#backbone.denseMacs + this.#heads.largestMacs;
	}

	get budgetMacs(): number | null {
		const { budgetMacs } = this.#backbone;
		return budgetMacs === null ? null : budgetMacs + this.#heads.largestMacs;
	}

	get stateBytes(): number {
		const last = this.#last ? this.#last.boxes.byteLength + this.#last.probabilities.byteLength : 0;
		return this.#backbone.stateBytes + last;
	}

	change(settings: Reduction['settings']): void {
		this.#backbone.change(settings);
	}

	reset(): void {
		this.#backbone.reset();
		this.#last = null;
	}

	select(pixels: FramePixels): Selection {
		return this.#backbone.select(pixels);
	}

	async run(pixels: FramePixels, selection: Selection): Promise<DetectionOutcome> {
		const outcome = await this.#backbone.run(pixels, selection);
		if (selection.kind === 'skipped' && this.#last) {
			return { ...outcome, predictions: { ...this.#last, macs: 0 } };
		}
		assert(outcome.emitting === null, 'the heads read every token');
		const predictions = await this.#heads.run(outcome.head);
		this.#last = predictions;
		return { ...outcome, macs: outcome.macs + predictions.macs, predictions };
	}

	observe(milliseconds: number): void {
		this.#backbone.observe(milliseconds);
	}

	saveState(): NamedArrays {
		const state = this.#backbone.saveState();
		if (!this.#last) return state;
		const { boxes, probabilities } = this.#last;
		return { ...state, 'heads.boxes': boxes.slice(), 'heads.probabilities': probabilities.slice() };
	}

	restoreState(state: NamedArrays): void {
		this.#backbone.restoreState(state);
		const { 'heads.boxes': boxes, 'heads.probabilities': probabilities } = state;
		const isThere = boxes instanceof Float32Array && probabilities instanceof Float32Array;
		this.#last = isThere ? { boxes: boxes.slice(), probabilities: probabilities.slice(), macs: 0 } : null;
	}

	async release(): Promise<void> {
		await this.#backbone.release();
		await this.#heads.release();
	}
}
