import { assert } from '../../domain/errors.ts';
import { GIGA } from '../../domain/cost.ts';
import type { NamedArrays } from '../../domain/named-arrays.ts';
import { changeSettings, resolveSettings, type SettingValues } from '../../domain/settings-table.ts';
import { tokenCount } from '../../domain/tokens.ts';
import { TimeController, tokensWithinMacs } from './budget.ts';
import { countAbove, dilate } from './change.ts';
import type { VitPlan } from '../../vit/plan.ts';
import type { FramePixels } from '../../pixels/frame-pixels.ts';
import { AnswersBehind } from '../answers-behind.ts';
import type { TokenAnswers } from '../host.ts';
import type { Reduction, ReductionMode } from '../mode.ts';
import { pickAbove, pickBest, type TokenState } from './policies.ts';
import { markDue } from './refresh.ts';
import { relevanceMap } from '../relevance.ts';
import { allTokens, type Computed, type Selection } from '../selection.ts';
import { StoreInPlace } from './store-in-place.ts';
import type { TokenStore } from './token-store.ts';
import { TOKEN_CACHE_SETTINGS, type TokenCacheSettings } from './token-cache-settings.ts';

const PLACE = 'mode token-cache';

/** Change of a token, in grey levels, that only another picture causes; see the setting `sceneCut`. */
const SCENE_CUT_LEVEL = 24;
/** Above this share of the tokens the full graph is quicker than the partial one (measured: 0.8). */
const FULL_GRAPH_SHARE = 0.8;
/** Tokens around one that answers are as relevant as it is: what moves comes to them, and they don't know of it yet. */
const RELEVANCE_REACH = 1;
/** What every token is relevant by, whatever it answered: what is new must be seen too. */
const LEAST_RELEVANCE = 0.1;
/** Frames that a token can be counted to wait for: what its column holds. */
const MOST_WAITED = 0xffff;

/**
 * Reduction in time, Sparsight's own: one gate at the input. A token whose pixels changed enough since it was
 * last computed goes through all blocks; its fresh keys and values are written over the remembered ones, and
 * it attends to all tokens' keys. Everything else is reused.
 */
export const tokenCache: ReductionMode = {
	id: 'token-cache',
	title: 'Token cache',
	description:
		'Recomputes only tokens whose pixels changed since they were last computed; keys, values and outputs of all others are remembered.',
	settings: TOKEN_CACHE_SETTINGS,
	everything: { fraction: 1, floor: 0, sceneCut: 1 },
	needs: 'vit',
	refuses: ({ vit }) => vit && refusal(vit.plan),
	async open({ vit }, runtime, given) {
		assert(vit, 'a network without a vision transformer was refused');
		const settings = resolveSettings(TOKEN_CACHE_SETTINGS, given, PLACE); // before anything is loaded
		const { plan, weights, behind } = vit;
		const tokens = new TokenCache(plan, await StoreInPlace.load(plan, weights, runtime), settings);
		return new AnswersBehind(tokens, await behind.load(runtime), behind.macs());
	},
};

function refusal({ blocks, name }: VitPlan): string | null {
	return blocks.some(({ pool }) => pool) ? `${name} pools keys and values of several tokens into one` : null;
}

/** Policy and gate: which tokens are computed when. What is remembered of them is the store's affair. */
class TokenCache implements Reduction<TokenAnswers> {
	settings: TokenCacheSettings;
	readonly #plan: VitPlan;
	readonly #store: TokenStore;
	readonly #time = new TimeController();
	readonly #all: Int32Array;
	readonly #picked: Int32Array;
	readonly #scratch: Float32Array;
	readonly #dilated: Float32Array;
	/** Room for what each token is relevant by itself, and for the largest of it around each token. */
	readonly #answered: Float32Array;
	readonly #relevance: Float32Array;
	readonly #due: Uint8Array;
	readonly #waited: Uint16Array;
	/** Frame, counted from the last reset, at which each token was last computed. */
	readonly #lastComputed: Int32Array;
	#frame = 0;
	#lastCount = 0;

	constructor(plan: VitPlan, store: TokenStore, settings: TokenCacheSettings) {
		const tokens = tokenCount(plan.grid);
		this.settings = settings;
		this.#plan = plan;
		this.#store = store;
		this.#all = allTokens(plan.grid);
		this.#picked = new Int32Array(tokens);
		this.#scratch = new Float32Array(tokens);
		this.#dilated = new Float32Array(tokens);
		this.#answered = new Float32Array(tokens);
		this.#relevance = new Float32Array(tokens);
		this.#due = new Uint8Array(tokens);
		this.#waited = new Uint16Array(tokens);
		this.#lastComputed = new Int32Array(tokens);
	}

	get budgetMacs(): number | null {
		const limit = this.#limit();
		return limit === null ? null : this.#store.macs(Math.min(limit, this.#all.length));
	}

	change(settings: SettingValues): void {
		this.settings = changeSettings(TOKEN_CACHE_SETTINGS, this.settings, settings, PLACE);
	}

	reset(): void {
		this.#frame = 0;
		this.#lastCount = 0;
		this.#time.state = 0;
	}

	select(pixels: FramePixels): Selection {
		const selection = this.#frame === 0 ? this.#flush() : this.#choose(pixels);
		for (let i = 0; i < selection.count; i++) {
			const token = selection.tokens[i]!;
			this.#lastComputed[token] = this.#frame;
			this.#waited[token] = 0;
		}
		pixels.remember(selection.tokens, selection.count);
		this.#lastCount = selection.count;
		this.#frame++;
		return selection;
	}

	async run(pixels: FramePixels, selection: Selection): Promise<Computed<TokenAnswers>> {
		const macs = await this.#compute(pixels, selection);
		const { answers, scores } = this.#store;
		return {
			output: { ...answers, emitting: null },
			macs,
			selection,
			...(scores && { maps: [relevanceMap(scores)] }),
		};
	}

	observe(milliseconds: number): void {
		this.#time.observe(this.#lastCount, milliseconds);
	}

	async saveState(): Promise<NamedArrays> {
		return {
			...(await this.#store.saveState()),
			'cache.waited': Int32Array.from(this.#waited),
			'cache.lastComputed': this.#lastComputed.slice(),
			'cache.counters': Float64Array.of(this.#frame, this.#lastCount, this.#time.state),
		};
	}

	restoreState(state: NamedArrays): void {
		const { 'cache.waited': waited, 'cache.lastComputed': lastComputed, 'cache.counters': counters } = state;
		assert(waited && lastComputed && counters?.length === 3, 'a snapshot holds the token cache’s columns');
		this.#store.restoreState(state);
		this.#waited.set(waited);
		this.#lastComputed.set(lastComputed);
		[this.#frame, this.#lastCount, this.#time.state] = counters as unknown as [number, number, number];
	}

	release(): Promise<void> {
		return this.#store.release();
	}

	#choose(pixels: FramePixels): Selection {
		const raw = pixels.changeSince();
		if (countAbove(raw, SCENE_CUT_LEVEL) > this.settings.sceneCut * this.#all.length) return this.#flush();
		const state = this.#tokenState(raw);
		const limit = this.#limit();
		const count =
			limit === null
				? pickAbove(state, Math.max(this.settings.threshold, this.settings.floor), this.#picked)
				: pickBest(
						state,
						limit,
						{ floor: this.settings.floor, fairness: this.settings.fairness },
						this.#picked,
					);
		if (count === 0) {
			this.#countWaiting(state);
			return { kind: 'skipped', tokens: this.#picked, count };
		}
		// A limit is kept even where the whole frame would be quicker: it was promised.
		if (count === this.#all.length || (limit === null && count > FULL_GRAPH_SHARE * this.#all.length)) {
			return this.#flush();
		}
		this.#countWaiting(state);
		return { kind: 'partial', tokens: this.#picked, count };
	}

	#flush(): Selection {
		return { kind: 'flush', tokens: this.#all, count: this.#all.length };
	}

	#tokenState(raw: Float32Array): TokenState {
		const { rows, cols } = this.#plan.grid;
		const radius = this.settings.dilation;
		if (radius > 0) dilate(raw, rows, cols, radius, this.#scratch, this.#dilated);
		markDue(this.#lastComputed, this.#frame, this.settings.refresh, this.#due);
		const bestScore = this.settings.policy === 'relevance' ? this.#plan.bestScore : null;
		if (bestScore) {
			const { grid } = this.#store.answers;
			for (const token of this.#all) this.#answered[token] = LEAST_RELEVANCE + bestScore(grid, token);
			dilate(this.#answered, rows, cols, RELEVANCE_REACH, this.#scratch, this.#relevance);
		}
		return {
			change: radius > 0 ? this.#dilated : raw,
			due: this.#due,
			waited: this.#waited,
			relevance: bestScore && this.#relevance,
		};
	}

	/** Every token that changed waits one frame longer; the ones that were picked are set back by `select`. */
	#countWaiting(state: TokenState): void {
		const floor = this.settings.floor;
		for (let token = 0; token < this.#waited.length; token++) {
			const waits = state.change[token]! > floor;
			this.#waited[token] = waits ? Math.min(MOST_WAITED, this.#waited[token]! + 1) : 0;
		}
	}

	/** Most tokens that the policy allows for a frame; null where it has no limit. */
	#limit(): number | null {
		const tokens = this.#all.length;
		switch (this.settings.policy) {
			case 'top-k':
				return Math.min(this.settings.k, tokens);
			case 'fraction':
			case 'relevance':
				return Math.max(1, Math.round(this.settings.fraction * tokens));
			case 'budget-gmac': {
				const fixed = this.#store.macs(0);
				return tokensWithinMacs(this.settings.gmac * GIGA, fixed, this.#store.macs(1) - fixed);
			}
			case 'budget-ms':
				return this.#time.limit(this.settings.ms);
			default:
				return null;
		}
	}

	/** Brings the store up to date; gives the multiply-adds that it took. */
	async #compute(pixels: FramePixels, { kind, tokens, count }: Selection): Promise<number> {
		switch (kind) {
			case 'skipped':
				return 0;
			case 'flush':
				await this.#store.flush(pixels.planar());
				return this.#store.flushMacs;
			case 'partial':
				await this.#store.update(tokens, count, pixels.windows(tokens, count));
				return this.#store.macs(count);
		}
	}
}
