import { GIGA } from '../../domain/cost.ts';
import type { Audit, Drift } from '../../domain/drift.ts';
import { assert } from '../../domain/errors.ts';
import type { NamedArrays } from '../../domain/named-arrays.ts';
import { changeSettings, resolveSettings, type SettingValues } from '../../domain/settings-table.ts';
import { tokenCount } from '../../domain/tokens.ts';
import type { FramePixels } from '../../pixels/frame-pixels.ts';
import type { GraphRuntime } from '../../runtime/runtime.ts';
import type { Host, NetworkOutput, TileNetwork, TilesOffer } from '../host.ts';
import type { ObservedFrame, Reduction, ReductionMode } from '../mode.ts';
import { asksForQuality } from '../quality-settings.ts';
import { REAL_TIME_SHARE, TimeController } from '../reuse/budget.ts';
import { countAbove, dilate, SCENE_CUT_LEVEL } from '../reuse/change.ts';
import { Experience } from '../reuse/experience.ts';
import { pickAbove, pickStale } from '../reuse/policies.ts';
import { floorFor, Staleness } from '../reuse/staleness.ts';
import { TokenColumns } from '../reuse/token-columns.ts';
import type { Computed, Selection } from '../selection.ts';
import { Allowance } from './allowance.ts';
import { BoxMemory } from './box-memory.ts';
import { scoreCells } from './cell-scores.ts';
import { OverviewTurn } from './overview.ts';
import { type InputPlan, planAll, planInputs } from './plan-inputs.ts';
import { TileRefresh } from './tile-refresh.ts';
import { TILES_SETTINGS, type TilesSettings } from './tiles-settings.ts';

const PLACE = 'mode tiles';

/** What changed by more than this, in grey levels, is run along where an input has room. */
const WELCOME_LEVEL = 8;
/** Cells around an object are as relevant as it is: it may come to them. */
const RELEVANCE_REACH = 1;
/** What every cell is relevant by: what is new must be seen too. */
const LEAST_RELEVANCE = 0.2;
/** Tokens that answer for an object: what staleness is measured by counts them, and here are objects. */
const ANSWERING = 1;

/** Boxes of the frame, in pixels of the grid, in columns. */
export type TilesOutput = { classes: Int32Array; scores: Float32Array; boxes: Float32Array };

/**
 * Reuse around a network that is a black box, and small objects in large pictures: the frame at its own size in tiles of the
 * network's input, of which only what changed is run again, small regions packed together. Everything else is remembered.
 */
export const tiles: ReductionMode = {
	id: 'tiles',
	title: 'Tile cache',
	description:
		'Looks at the picture at its own size in tiles, runs only what changed since it was last run, and remembers the boxes of the rest. For small objects in large pictures, with any network.',
	settings: TILES_SETTINGS,
	everything: { policy: 'all', audits: 0 },
	needs: 'whole',
	tiling(given) {
		const { tile, overlap, overview } = resolveSettings(TILES_SETTINGS, given, PLACE);
		return { side: tile, overlap, overview };
	},
	async open<Output extends NetworkOutput>(
		{ tiles }: Host<Output>,
		runtime: GraphRuntime,
		given: SettingValues,
	) {
		assert(tiles, 'the mode is opened with a picture in tiles');
		const settings = resolveSettings(TILES_SETTINGS, given, PLACE);
		// A host with tiles answers in boxes.
		return new Tiles(tiles, await tiles.load(runtime), settings) as unknown as Reduction<Output>;
	},
};

/** What runs when; what was found is the box memory's affair, and where it is run the plan's. */
class Tiles implements Reduction<TilesOutput> {
	settings: TilesSettings;
	readonly #offer: TilesOffer;
	readonly #network: TileNetwork;
	readonly #all: InputPlan;
	readonly #memory: BoxMemory;
	readonly #refresh: TileRefresh;
	readonly #turn: OverviewTurn;
	readonly #learned = new Experience(new TimeController(1));
	readonly #allowance = new Allowance();
	readonly #columns: TokenColumns;
	readonly #staleness: Staleness;
	readonly #picked: Int32Array;
	readonly #scores: Float32Array;
	readonly #relevance: Float32Array;
	readonly #scratch: Float32Array;
	#plan: InputPlan;
	/** Whether the whole frame is seen as well. */
	#overview = false;
	#frame = 0;
	#lastSeconds = 0;
	/** What ran for the frame at hand, in inputs of a tile's size. */
	#ran = 0;
	#auditing = false;
	#drift: Omit<Drift, 'audit'> | null = null;

	constructor(offer: TilesOffer, network: TileNetwork, settings: TilesSettings) {
		const { grid } = offer.layout;
		const cells = tokenCount(grid);
		this.settings = settings;
		this.#offer = offer;
		this.#network = network;
		this.#all = planAll(offer.layout);
		this.#plan = this.#all;
		this.#memory = new BoxMemory(offer.layout, offer.picture, offer.shown);
		this.#refresh = new TileRefresh(offer.layout);
		this.#turn = new OverviewTurn(offer.layout);
		this.#columns = new TokenColumns(grid);
		this.#staleness = new Staleness(cells);
		this.#picked = new Int32Array(cells);
		this.#scores = new Float32Array(cells);
		this.#relevance = new Float32Array(cells);
		this.#scratch = new Float32Array(cells);
		if (this.#spreads) this.#columns.unseen.fill(1);
	}

	get budgetMacs(): number | null {
		const share = this.#shareOfFrame(0);
		return share === null || this.settings.policy === 'real-time' ? null : share * this.#offer.macs();
	}

	change(settings: SettingValues): void {
		this.settings = changeSettings(TILES_SETTINGS, this.settings, settings, PLACE);
	}

	reset(): void {
		this.#frame = 0;
		this.#learned.time.state = 0;
		this.#learned.estimate.restart();
		this.#allowance.state = 0;
		this.#memory.clear();
		if (this.#spreads) this.#columns.unseen.fill(1);
	}

	select(pixels: FramePixels): Selection {
		const { overview } = this.#offer;
		this.#overview = overview;
		this.#plan = this.#frame === 0 && !this.#spreads ? this.#all : this.#choose(pixels);
		if (this.#plan === this.#all) this.#noteAll();
		const all = this.#plan === this.#all && this.#overview === overview;
		this.#auditing = !all && this.#wantsAudit(pixels);
		const selection = this.#selectionOf(this.#plan);
		const computed = this.#auditing ? this.#selectionOf(this.#all) : selection;
		this.#columns.computed(computed.tokens, computed.count, this.#frame);
		pixels.remember(computed.tokens, computed.count);
		this.#allowance.spend(this.#costOf(this.#plan, this.#overview));
		if (this.#overview || (this.#auditing && overview)) this.#turn.seen(this.#frame);
		this.#refresh.planned(this.#auditing ? this.#all : this.#plan, this.#frame);
		this.#lastSeconds = pixels.timeSeconds;
		this.#frame++;
		return selection;
	}

	async run(pixels: FramePixels, selection: Selection): Promise<Computed<TilesOutput>> {
		const { audits } = this.#learned;
		let macs = await this.#compute(pixels, this.#plan, this.#overview);
		audits.earn(macs, this.settings.audits);
		const unaudited = this.#auditing ? this.#output : null;
		if (this.#auditing) {
			const whole = await this.#compute(pixels, this.#all, this.#offer.overview);
			audits.spend(whole);
			macs += whole;
		}
		return {
			output: this.#output,
			macs,
			selection: this.#auditing ? this.#selectionOf(this.#all) : selection,
			...(this.#drift && { drift: this.#drift, stale: this.#columns.stale }),
			...(unaudited && { unaudited }),
		};
	}

	observe({ milliseconds, shown }: ObservedFrame): void {
		this.#learned.estimate.showed(shown);
		if (!this.#auditing) this.#learned.time.observe(this.#ran, milliseconds);
	}

	judge(audit: Audit): void {
		this.#learned.estimate.learn(audit);
	}

	saveState(): Promise<NamedArrays> {
		return Promise.resolve({
			...this.#memory.saveState(),
			...this.#refresh.saveState(),
			...this.#turn.saveState(),
			...this.#learned.saveState(),
			...this.#columns.saveState(),
			'tiles.counters': Float64Array.of(this.#frame, this.#lastSeconds, this.#allowance.state),
		});
	}

	restoreState(state: NamedArrays): void {
		const { 'tiles.counters': counters } = state;
		assert(counters?.length === 3, 'a snapshot holds tiles.counters');
		this.#memory.restoreState(state);
		this.#refresh.restoreState(state);
		this.#turn.restoreState(state);
		this.#learned.restoreState(state);
		this.#columns.restoreState(state);
		[this.#frame, this.#lastSeconds, this.#allowance.state] = counters as unknown as [number, number, number];
	}

	release(): Promise<void> {
		return this.#network.release();
	}

	get #spreads(): boolean {
		return this.settings.policy === 'real-time' && this.settings.spread;
	}

	get #output(): TilesOutput {
		const { classIndices: classes, scores, boxesXyxy: boxes } = this.#memory.boxes;
		return { classes, scores, boxes };
	}

	/** What runs for a frame that is not the first; notes what waits. */
	#choose(pixels: FramePixels): InputPlan {
		const { settings } = this;
		const { layout, shown, overview } = this.#offer;
		if (settings.policy === 'all') return this.#all;
		const change = pixels.changeSince();
		if (this.#spreads) {
			const { unseen } = this.#columns;
			for (let cell = 0; cell < change.length; cell++) if (change[cell]! > SCENE_CUT_LEVEL) unseen[cell] = 1;
		} else if (countAbove(change, SCENE_CUT_LEVEL) > settings.sceneCut * change.length) {
			this.#learned.estimate.restart();
			return this.#all;
		}
		const objects = scoreCells(this.#memory.boxes, shown, layout.grid, this.#scores);
		const loss = (1 - settings.agreement) / this.#learned.estimate.factor;
		const floor = asksForQuality(settings.policy) ? floorFor(loss, settings.floor) : settings.floor;
		const { cells, sufficient } = this.#wantedCells(change, {
			floor,
			loss,
			scores: ANSWERING * objects.scores,
		});
		this.#refresh.mark(change, floor, this.#frame, settings.refresh);
		const cost = this.#limit(pixels);
		this.#turn.mark(change, floor);
		this.#overview = overview && this.#turn.isDue(this.#memory.largeBoxes, this.#frame, cost);
		const limits = {
			cost: cost - Number(this.#overview),
			context: Math.ceil(settings.context / layout.grid.stride),
			pack: settings.pack,
		};
		const welcome = change.map((value) => Number(value > WELCOME_LEVEL));
		const wanted = { cells, welcome, worth: this.#worth(), tiles: this.#refresh.due, objects: objects.rects };
		const plan = planInputs(layout, wanted, limits);
		if (plan.cost >= layout.tiles.length) return this.#all;
		this.#noteWaiting(plan, { change, floor, sufficient });
		return plan;
	}

	/** By cell, 1 where the policy asks for it; and how many the agreement to keep asks for. */
	#wantedCells(
		change: Float32Array,
		{ floor, loss, scores }: { floor: number; loss: number; scores: number },
	): { cells: Uint8Array; sufficient: number } {
		const { rows, cols } = this.#offer.layout.grid;
		const { due, waited } = this.#columns;
		dilate(this.#scores, rows, cols, RELEVANCE_REACH, this.#scratch, this.#relevance);
		for (let cell = 0; cell < change.length; cell++) this.#relevance[cell]! += LEAST_RELEVANCE;
		this.#staleness.measure(change, floor, { relevance: this.#relevance, scores });
		this.#columns.markDue(this.#frame, 0);
		const sufficient = pickStale(this.#staleness.values, due, this.#staleness.cutoff(loss), this.#picked);
		let count = sufficient;
		if (!asksForQuality(this.settings.policy)) {
			const { policy, threshold } = this.settings;
			const least = policy === 'threshold' ? Math.max(threshold, floor) : floor;
			count = pickAbove({ change, due, waited, relevance: null }, least, this.#picked);
		}
		const cells = new Uint8Array(change.length);
		for (let i = 0; i < count; i++) cells[this.#picked[i]!] = 1;
		return { cells, sufficient };
	}

	/** What computing each cell is worth; what was never seen as much as another picture. */
	#worth(): Float32Array {
		const { waited, unseen } = this.#columns;
		const { values } = this.#staleness;
		const { fairness } = this.settings;
		const worth = new Float32Array(values.length);
		for (let cell = 0; cell < worth.length; cell++) {
			worth[cell] = (unseen[cell] ? SCENE_CUT_LEVEL : values[cell]!) * (1 + fairness * waited[cell]!);
		}
		return worth;
	}

	/** What the policy allows for a frame, in inputs of a tile's size. */
	#limit(pixels: FramePixels): number {
		if (this.settings.policy === 'top-k') return this.settings.k;
		const share = this.#shareOfFrame(pixels.timeSeconds - this.#lastSeconds);
		return share === null ? Infinity : this.#allowance.grant(share);
	}

	/** What a frame may cost on average, in inputs of a tile's size, so many seconds after the one before; null where there is no limit. */
	#shareOfFrame(seconds: number): number | null {
		const { policy, k, gmac, ms } = this.settings;
		const { time } = this.#learned;
		switch (policy) {
			case 'top-k':
				return k;
			case 'budget-gmac':
				return (gmac * GIGA) / this.#offer.macs();
			case 'budget-ms':
				return time.affords(ms);
			case 'real-time':
				return time.state === 0 ? 1 : time.affords(REAL_TIME_SHARE * 1000 * Math.max(0, seconds));
			default:
				return null;
		}
	}

	get #confirms(): boolean {
		return this.settings.policy === 'quality' || this.settings.policy === 'threshold';
	}

	#wantsAudit(pixels: FramePixels): boolean {
		const { policy, audits: share } = this.settings;
		const all = this.#costOf(this.#all, this.#offer.overview);
		if (share === 0 || policy === 'budget-gmac' || policy === 'budget-ms') return false;
		if (policy === 'real-time') {
			const affords = this.#shareOfFrame(pixels.timeSeconds - this.#lastSeconds)!;
			if (affords < this.#costOf(this.#plan, this.#overview) + all) return false;
		}
		return this.#learned.audits.due(all * this.#offer.macs());
	}

	#costOf({ cost }: InputPlan, overview: boolean): number {
		return cost + Number(overview);
	}

	#noteWaiting(
		{ owner }: InputPlan,
		{ change, floor, sufficient }: { change: Float32Array; floor: number; sufficient: number },
	): void {
		const { values: staleness } = this.#staleness;
		let count = 0;
		for (let cell = 0; cell < owner.length; cell++) if (owner[cell]! >= 0) this.#picked[count++] = cell;
		const waiting = this.#columns.wait(this.#picked, count, { change, floor, staleness });
		this.#drift = this.#learned.drift(this.#staleness.loss(waiting.staleness), waiting, sufficient);
	}

	/** Where all tiles run nothing waits, and nothing is lost. */
	#noteAll(): void {
		this.#columns.stale.fill(0);
		this.#drift = this.#learned.driftOfWhole(this.#columns.stale.length);
	}

	#selectionOf({ owner, inputs }: InputPlan): Selection {
		const tokens = new Int32Array(owner.length);
		let count = 0;
		for (let cell = 0; cell < owner.length; cell++) if (owner[cell]! >= 0) tokens[count++] = cell;
		if (inputs.length === 0 && !this.#overview) return { kind: 'skipped', tokens, count };
		return { kind: count === owner.length ? 'flush' : 'partial', tokens, count };
	}

	/** Runs a plan's inputs and remembers what they show; gives the multiply-adds that it took. */
	async #compute(pixels: FramePixels, plan: InputPlan, overview: boolean): Promise<number> {
		let [macs, part] = [0, 0];
		// Where inputs are counted, a tile may have to wait: what is new is shown at once.
		this.#refresh.ask(this.#memory.begin(this.#confirms));
		for (const [i, input] of plan.inputs.entries()) {
			const run = await this.#network.run(pixels, input);
			this.#refresh.ask(this.#memory.take(run.found, plan, i, part));
			macs += run.macs;
			part += input.parts.length;
		}
		if (overview) {
			const run = await this.#network.runOverview(pixels);
			this.#memory.takeOverview(run.found);
			macs += run.macs;
		}
		this.#ran = this.#costOf(plan, overview);
		return macs;
	}
}
