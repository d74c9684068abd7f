import type { Audit, Drift } from '../../domain/drift.ts';
import { assert, UserFacingError } from '../../domain/errors.ts';
import type { NamedArrays } from '../../domain/named-arrays.ts';
import { changeSettings, resolveSettings, type SettingValues } from '../../domain/settings-table.ts';
import { type TokenMap, tokenCount } from '../../domain/tokens.ts';
import {
	EVENTFUL_SETTINGS,
	blockMethods,
	type EventfulSettings,
	gatePolicy,
	pooledPlan,
} from './eventful-settings.ts';
import { addCounts, totalCount } from './counts.ts';
import { EventfulBackbone } from './eventful-backbone.ts';
import { prefixed, restoreArrays, saveArrays } from './remembered.ts';
import type { FramePixels } from '../../pixels/frame-pixels.ts';
import { AuditSchedule } from '../audit-schedule.ts';
import { DriftEstimate } from '../drift-estimate.ts';
import { countHeldBack, heldBack, lossOf, SteeredShare } from './gate-drift.ts';
import type { TokenGate } from './token-gate.ts';
import { AnswersBehind } from '../answers-behind.ts';
import { answerOutputs, answersFrom, pictureTensor } from '../full-graph.ts';
import { float32, floats } from '../../runtime/tensors.ts';
import type { TokenAnswers } from '../host.ts';
import type { ObservedFrame, Reduction, ReductionMode } from '../mode.ts';
import { allTokens, type Computed, type Selection } from '../selection.ts';
import { tokenTotal, type VitPlan } from '../../vit/plan.ts';
import { compileHead, compileStem } from '../vit-graphs.ts';
import { LoadedGraph } from '../../runtime/loaded-graph.ts';

const PLACE = 'mode eventful';
const STATE = 'eventful.';
/** Settings that determine the graphs and can't change during a run. */
const FIXED_SETTINGS = (Object.keys(EVENTFUL_SETTINGS) as (keyof EventfulSettings)[]).filter(
	(name) => !('live' in EVENTFUL_SETTINGS[name]),
);

/**
 * Reduction in time as published (Dutson, Li and Gupta, Eventful Transformers, ICCV 2023): three gates a block, each of
 * which selects tokens of its own. Stem and head are computed in full.
 */
export const eventful: ReductionMode = {
	id: 'eventful',
	title: 'Eventful',
	description:
		'In every block gates pick the tokens that differ most from what they were last computed from; products of attention are updated by differences. ' +
		'As published: without a threshold, a still video costs as much as a moving one.',
	settings: EVENTFUL_SETTINGS,
	everything: { fraction: 1 },
	needs: 'vit',
	async open({ vit }, runtime, given) {
		assert(vit, 'a network without a vision transformer was refused');
		const settings = resolveSettings(EVENTFUL_SETTINGS, given, PLACE);
		const { weights, behind } = vit;
		const plan = pooledPlan(vit.plan, settings);
		const stem = await LoadedGraph.load(runtime, compileStem(plan, weights));
		const head = await LoadedGraph.load(runtime, compileHead(plan, weights));
		const methods = blockMethods(plan, settings);
		const backbone = await EventfulBackbone.load(plan, weights, runtime, methods);
		const tokens = new Eventful(vit.plan, { stem, backbone, head }, settings);
		return new AnswersBehind(tokens, await behind.load(runtime), behind.macs());
	},
};

/** The graphs before, of and after the blocks. */
type Parts = { stem: LoadedGraph; backbone: EventfulBackbone; head: LoadedGraph };

class Eventful implements Reduction<TokenAnswers> {
	settings: EventfulSettings;
	readonly budgetMacs = null;
	readonly #plan: VitPlan;
	readonly #parts: Parts;
	readonly #all: Int32Array;
	readonly #picked: Int32Array;
	readonly #gates: readonly TokenGate[];
	readonly #estimate = new DriftEstimate();
	readonly #audits = new AuditSchedule();
	readonly #share = new SteeredShare();
	/** Frames since the last one that was computed whole. */
	#age = 0;
	/** What gates held back in the last frame. */
	#held = 0;
	/** Multiply-adds of a frame that is computed whole. */
	#macsOfAll = 0;

	constructor(plan: VitPlan, parts: Parts, settings: EventfulSettings) {
		this.settings = settings;
		this.#plan = plan;
		this.#parts = parts;
		this.#all = allTokens(plan.grid);
		this.#picked = new Int32Array(this.#all.length);
		this.#gates = parts.backbone.blocks.flatMap((block) => Object.values(block.gates));
	}

	change(settings: SettingValues): void {
		const changed = changeSettings(EVENTFUL_SETTINGS, this.settings, settings, PLACE);
		for (const name of FIXED_SETTINGS) {
			if (changed[name] === this.settings[name]) continue;
			throw new UserFacingError('bad-argument', `${PLACE}: ${name} can't change while a run is going.`);
		}
		this.settings = changed;
	}

	reset(): void {
		this.#parts.backbone.reset();
	}

	/** Decides only whether the frame is computed whole; otherwise gates select tokens during `run`. */
	select(): Selection {
		const { backbone } = this.#parts;
		const { refresh } = this.settings;
		if (refresh > 0 && this.#age + 1 >= refresh) backbone.reset();
		this.#age = backbone.first ? 0 : this.#age + 1;
		if (backbone.first) return { kind: 'flush', tokens: this.#all, count: this.#all.length };
		return { kind: 'partial', tokens: this.#picked, count: 0 };
	}

	async run(pixels: FramePixels, selection: Selection): Promise<Computed<TokenAnswers>> {
		const { agreement, audits: share } = this.settings;
		const fraction = this.#share.next((1 - agreement) / this.#estimate.factor, this.#held);
		const computed = await this.#compute(pixels, fraction);
		const map = this.#selectedBy();
		const partial = selection.kind === 'partial';
		this.#held = partial ? heldBack(this.#gates, this.#plan.dim) : 0;
		this.#estimate.add(partial ? lossOf(this.#held) : 0);
		const drift = this.#drift();
		this.#audits.earn(computed.macs, share);
		const dense = this.#macsOfAll;
		if (partial && this.settings.policy === 'quality' && share > 0 && this.#audits.due(dense)) {
			this.#audits.spend(dense);
			this.#parts.backbone.reset();
			this.#age = 0;
			const whole = await this.#compute(pixels, fraction);
			const all = { kind: 'flush', tokens: this.#all, count: this.#all.length } as const;
			const macs = computed.macs + whole.macs;
			return { output: whole.output, macs, selection: all, maps: [map], drift, unaudited: computed.output };
		}
		if (!partial) this.#macsOfAll = computed.macs;
		return { ...computed, selection: partial ? this.#computed(map) : selection, maps: [map], drift };
	}

	judge(audit: Audit): void {
		this.#estimate.learn(audit);
	}

	observe({ shown }: ObservedFrame): void {
		this.#estimate.showed(shown);
	}

	async #compute(pixels: FramePixels, fraction: number): Promise<{ output: TokenAnswers; macs: number }> {
		const { stem, backbone, head } = this.#parts;
		const plan = this.#plan;
		const outputs = await stem.run({ picture: pictureTensor(plan, pixels) }, ['tokens']);
		const counts = await backbone.run(floats(outputs, 'tokens'), gatePolicy(this.settings, fraction));
		const shape = [tokenTotal(plan), plan.dim];
		const states = Object.fromEntries(
			backbone.features.map((tokens, i) => [`tokens.${i}`, float32(tokens, shape)]),
		);
		const answers = await head.run(states, answerOutputs(plan));
		const macs = stem.macs() + totalCount(counts.blocks.reduce(addCounts, counts.between)) + head.macs();
		return { output: answersFrom(plan, answers), macs };
	}

	/** What the first gate holds back: tokens whose own pixels changed. */
	#drift(): Omit<Drift, 'audit'> {
		const first = this.#parts.backbone.blocks[0]!.gates.qkv;
		const waitingTokens = countHeldBack(first);
		const longestWait = waitingTokens > 0 ? this.#age : 0;
		return { waitingTokens, longestWait, sufficientTokens: first.count, ...this.#estimate.bounds() };
	}

	saveState(): Promise<NamedArrays> {
		const { backbone } = this.#parts;
		return Promise.resolve({
			...saveArrays(prefixed(STATE, backbone.remembered())),
			[`${STATE}counters`]: Float64Array.of(
				backbone.first ? 1 : 0,
				this.#age,
				this.#held,
				this.#share.value,
				this.#macsOfAll,
			),
			[`${STATE}estimate`]: this.#estimate.state,
			[`${STATE}audits`]: this.#audits.state,
		});
	}

	restoreState(state: NamedArrays): void {
		const { backbone } = this.#parts;
		const counters = state[`${STATE}counters`];
		const [estimate, audits] = [state[`${STATE}estimate`], state[`${STATE}audits`]];
		assert(
			counters?.length === 5 && estimate instanceof Float64Array && audits instanceof Float64Array,
			'a snapshot holds the counters and the estimate of eventful',
		);
		restoreArrays(prefixed(STATE, backbone.remembered()), state);
		backbone.first = counters[0] === 1;
		[, this.#age, this.#held, this.#share.value, this.#macsOfAll] = counters as unknown as [
			number,
			number,
			number,
			number,
			number,
		];
		this.#estimate.state = estimate;
		this.#audits.state = audits;
	}

	async release(): Promise<void> {
		const { stem, backbone, head } = this.#parts;
		await stem.release();
		await backbone.release();
		await head.release();
	}

	/** How many of the gates selected each token of the grid, 255 for all of them. */
	#selectedBy(): TokenMap {
		const { grid, extra } = this.#plan;
		const gates = this.#gates;
		const selected = new Uint16Array(tokenTotal(this.#plan));
		for (const { indices, count } of gates) {
			for (let i = 0; i < count; i++) selected[indices[i]!]!++;
		}
		const ofGrid = selected.subarray(extra.before, extra.before + tokenCount(grid));
		const values = Uint8Array.from(ofGrid, (n) => Math.ceil((255 * n) / gates.length));
		return { kind: 'blocks', values };
	}

	/**
	 * The tokens that the first gate selected: those whose own pixels changed. Later gates also select tokens that attend to
	 * these, which the map shows. A frame in which no gate selected a token was skipped.
	 */
	#computed(map: TokenMap): Selection {
		const first = this.#parts.backbone.blocks[0]!.gates.qkv;
		const { extra, grid } = this.#plan;
		let count = 0;
		for (let i = 0; i < first.count; i++) {
			const token = first.indices[i]! - extra.before;
			if (token >= 0 && token < tokenCount(grid)) this.#picked[count++] = token;
		}
		const kind = map.values.every((value) => value === 0) ? 'skipped' : 'partial';
		return { kind, tokens: this.#picked, count };
	}
}
