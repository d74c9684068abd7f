import {
	changeSettings,
	resolveSettings,
	type SettingsTable,
	type SettingValues,
	type ValuesOf,
} from '../domain/settings-table.ts';
import type { NamedArrays } from '../domain/named-arrays.ts';
import { tokenCount } from '../domain/tokens.ts';
import { extraTotal, type VitPlan } from '../vit/plan.ts';
import { restoreArrays } from './eventful/remembered.ts';
import { allTokens, answerOutputs, answersFrom, FullGraph } from './full-graph.ts';
import type { FramePixels, Reduction, ReductionMode, RunOutcome, Selection, VitHost } from './mode.ts';

const PLACE = 'mode motion';

const SETTINGS = {
	threshold: {
		kind: 'number',
		default: 4,
		min: 0,
		max: 255,
		step: 0.5,
		unit: 'grey levels',
		live: true,
		description: 'A token counts as moving when its pixels changed by more than this, on average.',
	},
	share: {
		kind: 'number',
		default: 0.02,
		min: 0,
		max: 1,
		step: 0.005,
		live: true,
		description: 'The detector runs when more than this share of the tokens is moving.',
	},
} as const satisfies SettingsTable;

/**
 * The pixel-space rival that video recorders use: the whole detector on frames with motion since it last ran,
 * nothing at all on the others. An honest baseline, always worth a place in a comparison.
 */
export const motion: ReductionMode = {
	id: 'motion',
	title: 'Motion baseline',
	description: 'Runs the whole detector when enough of the picture moved, and skips still frames.',
	settings: SETTINGS,
	refuses: () => null,
	async open(host, settings) {
		return new Motion(
			host,
			await FullGraph.load(host, { keepKeysAndValues: false, withScores: false }),
			settings,
		);
	},
};

/** The decision alone: whether enough moved since a detector, of whatever kind, last ran. */
export class MotionGate {
	settings: ValuesOf<typeof SETTINGS>;
	readonly #tokens: Int32Array;
	#hasRun = false;

	/** `tokens`: all of them, in raster order. */
	constructor(tokens: Int32Array, settings: SettingValues) {
		this.settings = resolveSettings(SETTINGS, settings, PLACE);
		this.#tokens = tokens;
	}

	change(settings: SettingValues): void {
		this.settings = changeSettings(SETTINGS, this.settings, settings, PLACE);
	}

	reset(): void {
		this.#hasRun = false;
	}

	/** All tokens or none. */
	select(pixels: FramePixels): Selection {
		const moves = !this.#hasRun || this.#moving(pixels) > this.settings.share * this.#tokens.length;
		if (!moves) return { kind: 'skipped', tokens: this.#tokens, count: 0 };
		pixels.remember(this.#tokens, this.#tokens.length);
		return { kind: 'flush', tokens: this.#tokens, count: this.#tokens.length };
	}

	/** To be told when a selected frame has run. */
	ran(): void {
		this.#hasRun = true;
	}

	saveState(): NamedArrays {
		return { 'motion.hasRun': Uint8Array.of(this.#hasRun ? 1 : 0) };
	}

	restoreState(state: NamedArrays): void {
		this.#hasRun = state['motion.hasRun']?.[0] === 1;
	}

	#moving(pixels: FramePixels): number {
		const threshold = this.settings.threshold;
		let moving = 0;
		for (const change of pixels.changeSince()) if (change > threshold) moving++;
		return moving;
	}
}

class Motion implements Reduction {
	readonly budgetMacs = null;
	readonly denseMacs: number;
	readonly #graph: FullGraph;
	readonly #gate: MotionGate;
	readonly #plan: VitPlan;
	readonly #head: Float32Array;
	readonly #extra: Float32Array | null;

	constructor(host: VitHost, graph: FullGraph, settings: SettingValues) {
		const { grid, extra } = host.plan.answers;
		this.denseMacs = graph.macs;
		this.#plan = host.plan;
		this.#graph = graph;
		this.#gate = new MotionGate(allTokens(host), settings);
		this.#head = new Float32Array(grid ? tokenCount(host.plan.grid) * grid.width : 0);
		this.#extra = extra && new Float32Array(extraTotal(host.plan) * extra.width);
	}

	get settings(): SettingValues {
		return this.#gate.settings;
	}

	get stateBytes(): number {
		return this.#head.byteLength + (this.#extra?.byteLength ?? 0);
	}

	change(settings: SettingValues): void {
		this.#gate.change(settings);
	}

	reset(): void {
		this.#gate.reset();
	}

	select(pixels: FramePixels): Selection {
		return this.#gate.select(pixels);
	}

	async run(pixels: FramePixels, selection: Selection): Promise<RunOutcome> {
		if (selection.count === 0) return { ...this.#remembered(), macs: 0, emitting: null };
		const outputs = await this.#graph.run(pixels, answerOutputs(this.#plan));
		const { head, extra } = answersFrom(this.#plan, outputs);
		this.#head.set(head);
		if (extra) this.#extra?.set(extra);
		this.#gate.ran();
		return { ...this.#remembered(), macs: this.#graph.macs, emitting: null };
	}

	observe(): void {
		// Nothing here is steered by time.
	}

	saveState(): NamedArrays {
		return {
			'motion.head': this.#head.slice(),
			...(this.#extra && { 'motion.extra': this.#extra.slice() }),
			...this.#gate.saveState(),
		};
	}

	restoreState(state: NamedArrays): void {
		restoreArrays({ 'motion.head': this.#head, ...(this.#extra && { 'motion.extra': this.#extra }) }, state);
		this.#gate.restoreState(state);
	}

	release(): Promise<void> {
		return this.#graph.release();
	}

	#remembered(): Pick<RunOutcome, 'head' | 'extra'> {
		return { head: this.#head, ...(this.#extra && { extra: this.#extra }) };
	}
}
