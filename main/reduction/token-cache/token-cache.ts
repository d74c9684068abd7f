import type { Audit, Drift } from '../../domain/drift.ts';
import { assert, UserFacingError } from '../../domain/errors.ts';
import { GIGA } from '../../domain/cost.ts';
import type { NamedArrays } from '../../domain/named-arrays.ts';
import { changeSettings, resolveSettings, type SettingValues } from '../../domain/settings-table.ts';
import { rollGrid } from '../../domain/roll-grid.ts';
import { tokenCount } from '../../domain/tokens.ts';
import { asksForQuality } from '../quality-settings.ts';
import { REAL_TIME_SHARE, tokensWithinMacs } from '../reuse/budget.ts';
import { countAbove, dilate, SCENE_CUT_LEVEL } from '../reuse/change.ts';
import type { VitPlan } from '../../vit/plan.ts';
import type { FramePixels } from '../../pixels/frame-pixels.ts';
import { SceneCamera } from '../../camera/scene-camera.ts';
import { AnswersBehind } from '../answers-behind.ts';
import type { TokenAnswers } from '../host.ts';
import type { ObservedFrame, Reduction, ReductionMode } from '../mode.ts';
import { staysInPlace } from './moving-tokens.ts';
import { pickAbove, pickBest, pickStale, type TokenState } from '../reuse/policies.ts';
import { relevanceMap } from '../relevance.ts';
import { allTokens, type Computed, type Selection } from '../selection.ts';
import { floorFor, Staleness } from '../reuse/staleness.ts';
import { Experience } from '../reuse/experience.ts';
import { TokenColumns, type Waiting } from '../reuse/token-columns.ts';
import { loadStore } from './load-store.ts';
import type { TokenStore } from './token-store.ts';
import { TOKEN_CACHE_SETTINGS, type TokenCacheSettings } from './token-cache-settings.ts';

const PLACE = 'mode token-cache';

/** Tokens around one that answers are as relevant as it is: what moves comes to them, and they don't know of it yet. */
const RELEVANCE_REACH = 1;
/** What every token is relevant by, whatever it answered: what is new must be seen too. */
const LEAST_RELEVANCE = 0.1;
/**
 * What even dense loses, 1 − F1, where its grid of tokens lies still in the scene rather than in the picture: 0.04 to 0.09 on
 * four motions over PETS09-S2L1, moved by whole pixels as much as resampled. No number of tokens makes up for it.
 */
const MOVED_GRID_LOSS = 0.045;
/** Share of the tokens that a real-time run computes before it knows how long that takes. */
const FIRST_SHARE = 0.1;

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
	everything: { fraction: 1, floor: 0, sceneCut: 1, audits: 0 },
	needs: 'vit',
	refuses: ({ vit }) => vit && refusal(vit.plan),
	followsCamera: ({ vit }) => vit !== null && staysInPlace(vit.plan) === null,
	async open({ vit }, runtime, given) {
		assert(vit, 'a network without a vision transformer was refused');
		const settings = resolveSettings(TOKEN_CACHE_SETTINGS, given, PLACE); // before anything is loaded
		const { plan, weights, behind } = vit;
		checkCamera(settings, plan);
		const store = await loadStore(plan, weights, runtime);
		const tokens = new TokenCache(plan, store, settings);
		if (tokens.spreads) await store.flush(blankPicture(plan)); // so that there is something for first tokens to attend to
		return new AnswersBehind(tokens, await behind.load(runtime), behind.macs());
	},
};

function refusal({ blocks, name }: VitPlan): string | null {
	return blocks.some(({ pool }) => pool) ? `${name} pools keys and values of several tokens into one` : null;
}

/** Throws `setting-out-of-range` where a camera is to be followed and the tokens of a plan can't move. */
function checkCamera({ camera }: TokenCacheSettings, plan: VitPlan): void {
	const reason = camera === 'moving' ? staysInPlace(plan) : null;
	if (reason === null) return;
	throw new UserFacingError(
		'setting-out-of-range',
		`${PLACE}: camera can't be moving with this model (${reason}); with auto it counts as fixed.`,
	);
}

function blankPicture({ grid }: VitPlan): Float32Array {
	return new Float32Array(3 * tokenCount(grid) * grid.stride ** 2);
}

/** Policy and gate: which tokens are computed when. What is remembered of them is the store's affair. */
class TokenCache implements Reduction<TokenAnswers> {
	settings: TokenCacheSettings;
	readonly #plan: VitPlan;
	readonly #store: TokenStore;
	readonly #camera: SceneCamera;
	readonly #learned = new Experience();
	readonly #all: Int32Array;
	readonly #picked: Int32Array;
	readonly #scratch: Float32Array;
	readonly #dilated: Float32Array;
	/** Best score of each token by what it answered last, and the largest of it around each token; unused without scores. */
	readonly #scores: Float32Array;
	readonly #relevance: Float32Array;
	readonly #staleness: Staleness;
	readonly #columns: TokenColumns;
	#frame = 0;
	#lastCount = 0;
	#lastSeconds = 0;
	/** Whether the frame at hand is computed dense as well. */
	#auditing = false;
	#drift: Omit<Drift, 'audit'> | null = null;

	constructor(plan: VitPlan, store: TokenStore, settings: TokenCacheSettings) {
		const tokens = tokenCount(plan.grid);
		this.settings = settings;
		this.#plan = plan;
		this.#store = store;
		this.#camera = new SceneCamera(plan.grid, settings.camera);
		this.#all = allTokens(plan.grid);
		this.#picked = new Int32Array(tokens);
		this.#scratch = new Float32Array(tokens);
		this.#dilated = new Float32Array(tokens);
		this.#scores = new Float32Array(tokens);
		this.#relevance = new Float32Array(tokens);
		this.#staleness = new Staleness(tokens);
		this.#columns = new TokenColumns(plan.grid);
		if (this.spreads) this.#columns.unseen.fill(1);
	}

	get budgetMacs(): number | null {
		const limit = this.#limit();
		return limit === null ? null : this.#store.macs(Math.min(limit, this.#all.length));
	}

	/** Whether scene cuts are computed over several frames. */
	get spreads(): boolean {
		return this.settings.policy === 'real-time' && this.settings.spread;
	}

	change(settings: SettingValues): void {
		const changed = changeSettings(TOKEN_CACHE_SETTINGS, this.settings, settings, PLACE);
		checkCamera(changed, this.#plan);
		this.settings = changed;
		this.#camera.setting = changed.camera;
	}

	reset(): void {
		this.#frame = 0;
		this.#lastCount = 0;
		this.#learned.time.state = 0;
		this.#learned.estimate.restart();
		this.#camera.reset();
		if (this.spreads) this.#columns.unseen.fill(1);
	}

	select(pixels: FramePixels): Selection {
		const selection = this.#frame === 0 && !this.spreads ? this.#flush(pixels) : this.#choose(pixels);
		if (selection.kind === 'flush') this.#noteFlush();
		this.#auditing = selection.kind !== 'flush' && this.#wantsAudit(pixels, selection.count);
		const computed = this.#auditing ? this.#whole : selection;
		this.#columns.computed(computed.tokens, computed.count, this.#frame);
		if (!this.#auditing) this.#remember(pixels, selection);
		this.#lastCount = computed.count;
		this.#lastSeconds = pixels.timeSeconds;
		this.#frame++;
		return selection;
	}

	async run(pixels: FramePixels, selection: Selection): Promise<Computed<TokenAnswers>> {
		const { audits } = this.#learned;
		let macs = await this.#compute(pixels, selection);
		audits.earn(macs, this.settings.audits);
		let unaudited: TokenAnswers | null = null;
		if (this.#auditing) {
			const { grid, extra } = this.#store.answers;
			unaudited = { grid: grid.slice(), extra: extra.slice(), emitting: null };
			const whole = this.#flush(pixels);
			this.#remember(pixels, whole);
			macs += await this.#compute(pixels, whole);
			audits.spend(this.#store.flushMacs);
		}
		const { answers, scores } = this.#store;
		const camera = this.#camera.path;
		return {
			output: { ...answers, emitting: null },
			macs,
			selection: this.#auditing ? this.#whole : selection,
			...(scores && { maps: [relevanceMap(scores)] }),
			...(this.#drift && { drift: this.#drift, stale: this.#columns.stale }),
			...(unaudited && { unaudited }),
			...(camera && { camera }),
		};
	}

	observe({ milliseconds, shown }: ObservedFrame): void {
		const { time, breakEven, estimate } = this.#learned;
		estimate.showed(shown);
		if (this.#auditing) return; // computed twice: tells of no kind of frame what it takes
		const whole = this.#lastCount === this.#all.length;
		if (!whole || time.state === 0) time.observe(this.#lastCount, milliseconds); // of whole frames only the first tells
		breakEven.observe(this.#lastCount / this.#all.length, milliseconds);
	}

	judge(audit: Audit): void {
		this.#learned.estimate.learn(audit);
	}

	async saveState(): Promise<NamedArrays> {
		return {
			...(await this.#store.saveState()),
			...this.#learned.saveState(),
			...this.#camera.saveState(),
			...this.#columns.saveState(),
			'cache.counters': Float64Array.of(this.#frame, this.#lastCount, this.#lastSeconds),
		};
	}

	restoreState(state: NamedArrays): void {
		const { 'cache.counters': counters } = state;
		assert(counters?.length === 3, 'a snapshot holds cache.counters');
		this.#store.restoreState(state);
		this.#learned.restoreState(state);
		this.#camera.restoreState(state);
		this.#columns.restoreState(state);
		[this.#frame, this.#lastCount, this.#lastSeconds] = counters as unknown as [number, number, number];
		this.#readScores(this.#all, this.#all.length);
	}

	release(): Promise<void> {
		return this.#store.release();
	}

	/** Picks the tokens of a frame that is not the first, and notes which ones wait. */
	#choose(pixels: FramePixels): Selection {
		const { settings } = this;
		const { rolled, lost } = this.#camera.follow(pixels);
		if (rolled) this.#roll(rolled.rows, rolled.cols);
		if (lost && (this.spreads || settings.sceneCut === 1)) this.#camera.anchor(pixels);
		const raw = pixels.changeSince();
		if (this.spreads) {
			const { unseen } = this.#columns;
			for (const token of this.#all) if (lost || raw[token]! > SCENE_CUT_LEVEL) unseen[token] = 1;
		} else if (
			(lost && settings.sceneCut < 1) ||
			countAbove(raw, SCENE_CUT_LEVEL) > settings.sceneCut * this.#all.length
		) {
			this.#learned.estimate.restart();
			return this.#flush(pixels);
		}
		const state = this.#tokenState(pixels, raw);
		const loss = (1 - settings.agreement) / this.#learned.estimate.factor;
		const floor = asksForQuality(settings.policy) ? floorFor(loss, settings.floor) : settings.floor;
		const scored = this.#plan.bestScore && {
			relevance: this.#relevance,
			scores: this.#scores.reduce((sum, score) => sum + score, 0),
		};
		this.#staleness.measure(state.change, floor, scored);
		const sufficient = this.#pickSufficient(this.#staleness.cutoff(loss));
		const count = this.#count(pixels, state, sufficient);
		if (this.#isFlush(count)) return this.#flush(pixels);
		const { values: staleness } = this.#staleness;
		this.#noteDrift(
			pixels,
			this.#columns.wait(this.#picked, count, { change: state.change, floor, staleness }),
			sufficient,
		);
		return { kind: count === 0 ? 'skipped' : 'partial', tokens: this.#picked, count };
	}

	/** Picks what is due, or at least as stale as `cutoff`; gives how many. Where anything is, tokens that answer take their turns too. */
	#pickSufficient(cutoff: number): number {
		const { values } = this.#staleness;
		const { due } = this.#columns;
		const count = pickStale(values, due, cutoff, this.#picked);
		if (count === 0 || this.settings.policy !== 'quality') return count;
		this.#columns.markAnsweringDue(this.#frame, this.#scores);
		return pickStale(values, due, cutoff, this.#picked);
	}

	/** Puts the tokens that the policy picks into `#picked`, where those that would be `sufficient` are; gives how many. */
	#count(pixels: FramePixels, state: TokenState, sufficient: number): number {
		const { settings } = this;
		const { floor, fairness, policy } = settings;
		if (policy === 'threshold') return pickAbove(state, Math.max(settings.threshold, floor), this.#picked);
		const limit = policy === 'real-time' ? this.#affordable(pixels) : this.#limit();
		if (limit === null || (policy === 'real-time' && sufficient <= limit)) return sufficient;
		const relevance = policy === 'relevance' || policy === 'real-time' ? state.relevance : null;
		return pickBest({ ...state, relevance }, limit, { floor, fairness }, this.#picked);
	}

	/** Tokens that can be computed before the next frame is due. */
	#affordable(pixels: FramePixels): number {
		const milliseconds = REAL_TIME_SHARE * 1000 * Math.max(0, pixels.timeSeconds - this.#lastSeconds);
		const { time } = this.#learned;
		return time.state === 0
			? Math.ceil(FIRST_SHARE * this.#all.length)
			: Math.max(1, time.limit(milliseconds));
	}

	/** Whether the whole frame is computed sooner than this many of its tokens. A limit of operations was promised, and is kept. */
	#isFlush(count: number): boolean {
		if (count === this.#all.length) return true;
		const share = this.settings.policy === 'budget-gmac' ? 1 : this.#learned.breakEven.share;
		return !this.spreads && count > share * this.#all.length;
	}

	#wantsAudit(pixels: FramePixels, count: number): boolean {
		const { policy, audits: share } = this.settings;
		const { audits, breakEven, time } = this.#learned;
		if (share === 0 || policy === 'budget-gmac' || policy === 'budget-ms') return false;
		if (policy === 'real-time') {
			const idle = this.#affordable(pixels) - count; // in tokens
			const whole = breakEven.flushMilliseconds;
			if (whole === null || idle < time.limit(whole)) return false;
		}
		return audits.due(this.#store.flushMacs);
	}

	#flush(pixels: FramePixels): Selection {
		this.#camera.anchor(pixels);
		return this.#whole;
	}

	/** Every token of a frame that is shown as it is. */
	get #whole(): Selection {
		return { kind: 'flush', tokens: this.#all, count: this.#all.length };
	}

	#remember(pixels: FramePixels, { tokens, count }: Selection): void {
		pixels.remember(tokens, count);
		this.#camera.remember(pixels, tokens, count);
	}

	/** The view moves over the scene by whole tokens: everything about a token goes with it. */
	#roll(rows: number, cols: number): void {
		const { grid } = this.#plan;
		this.#store.roll(rows, cols);
		this.#columns.roll(rows, cols, this.#frame);
		rollGrid(grid, this.#scores, 1, rows, cols, 0);
	}

	#tokenState(pixels: FramePixels, raw: Float32Array): TokenState {
		const { rows, cols } = this.#plan.grid;
		const radius = this.settings.dilation;
		if (radius > 0) dilate(raw, rows, cols, radius, this.#scratch, this.#dilated);
		this.#columns.markDue(this.#frame, this.settings.refresh);
		if (pixels.view.following) pixels.view.windows.markCut(this.#columns.due);
		const { bestScore } = this.#plan;
		if (bestScore) {
			dilate(this.#scores, rows, cols, RELEVANCE_REACH, this.#scratch, this.#relevance);
			for (const token of this.#all) this.#relevance[token]! += LEAST_RELEVANCE;
		}
		return {
			change: radius > 0 ? this.#dilated : raw,
			due: this.#columns.due,
			waited: this.#columns.waited,
			relevance: bestScore && this.#relevance,
		};
	}

	#noteDrift(pixels: FramePixels, waiting: Waiting, sufficientTokens: number): void {
		const moved = pixels.view.following ? MOVED_GRID_LOSS : 0;
		const loss = Math.min(1, this.#staleness.loss(waiting.staleness) + moved);
		this.#drift = this.#learned.drift(loss, waiting, sufficientTokens);
	}

	/** After a flush nothing waits, and nothing is lost. */
	#noteFlush(): void {
		this.#columns.stale.fill(0);
		this.#drift = this.#learned.driftOfWhole(this.#all.length);
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
			case 'budget-gmac':
				return tokensWithinMacs(this.settings.gmac * GIGA, (count) => this.#store.macs(count), tokens);
			case 'budget-ms':
				return this.#learned.time.limit(this.settings.ms);
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
				this.#readScores(tokens, count);
				return this.#store.flushMacs;
			case 'partial': {
				const macs = await this.#store.update(tokens, count, pixels.windows(tokens, count));
				this.#readScores(tokens, count);
				return macs;
			}
		}
	}

	/** Takes the best scores of the first `count` of `tokens` from what they answered. */
	#readScores(tokens: Int32Array, count: number): void {
		const { bestScore } = this.#plan;
		if (!bestScore) return;
		const { grid } = this.#store.answers;
		for (let i = 0; i < count; i++) this.#scores[tokens[i]!] = bestScore(grid, tokens[i]!);
	}
}
