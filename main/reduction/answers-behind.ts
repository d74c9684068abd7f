import type { Audit } from '../domain/drift.ts';
import type { NamedArrays } from '../domain/named-arrays.ts';
import type { SettingValues } from '../domain/settings-table.ts';
import type { FramePixels } from '../pixels/frame-pixels.ts';
import type { Behind, NetworkOutput, TokenAnswers } from './host.ts';
import type { ObservedFrame, Reduction } from './mode.ts';
import type { Computed, Selection } from './selection.ts';
import { restoreOutput, saveOutput } from './saved-output.ts';

const STATE = 'behind.';

/**
 * A mode at work on a transformer's tokens, with what stands behind the transformer after it. That part is computed whole
 * from what all tokens answer. On a frame for which the mode computes nothing these are the answers of the frame before,
 * and so is what they lead to.
 */
export class AnswersBehind<Output extends NetworkOutput> implements Reduction<Output> {
	readonly #tokens: Reduction<TokenAnswers>;
	readonly #behind: Behind<Output>;
	readonly #behindMacs: number;
	#last: Output | null = null;

	/** `behindMacs`: the most multiply-adds that `behind` takes for a frame. */
	constructor(tokens: Reduction<TokenAnswers>, behind: Behind<Output>, behindMacs: number) {
		this.#tokens = tokens;
		this.#behind = behind;
		this.#behindMacs = behindMacs;
	}

	get settings(): SettingValues {
		return this.#tokens.settings;
	}

	get budgetMacs(): number | null {
		const { budgetMacs } = this.#tokens;
		return budgetMacs === null ? null : budgetMacs + this.#behindMacs;
	}

	change(settings: SettingValues): void {
		this.#tokens.change(settings);
	}

	reset(): void {
		this.#tokens.reset();
		this.#last = null;
	}

	select(pixels: FramePixels): Selection {
		return this.#tokens.select(pixels);
	}

	async run(pixels: FramePixels, selection: Selection): Promise<Computed<Output>> {
		const { output: tokens, unaudited: reduced, ...computed } = await this.#tokens.run(pixels, selection);
		if (computed.selection.kind === 'skipped' && this.#last) return { ...computed, output: this.#last };
		const unaudited = reduced && (await this.#behind.run(reduced));
		const { output, macs } = await this.#behind.run(tokens);
		this.#last = output;
		return {
			...computed,
			output,
			macs: computed.macs + macs + (unaudited?.macs ?? 0),
			...(unaudited && { unaudited: unaudited.output }),
		};
	}

	observe(frame: ObservedFrame): void {
		this.#tokens.observe?.(frame);
	}

	judge(audit: Audit): void {
		this.#tokens.judge?.(audit);
	}

	async saveState(): Promise<NamedArrays> {
		return { ...(await this.#tokens.saveState()), ...(this.#last && saveOutput(STATE, this.#last)) };
	}

	restoreState(state: NamedArrays): void {
		this.#tokens.restoreState(state);
		this.#last = restoreOutput<Output>(STATE, state);
	}

	async release(): Promise<void> {
		await this.#tokens.release();
		await this.#behind.release();
	}
}
