import type { Detections } from '../../domain/detections.ts';
import { assert } from '../../domain/errors.ts';
import type { Frame, Letterbox } from '../../domain/frame.ts';
import type { NamedArrays } from '../../domain/named-arrays.ts';
import { changeSettings, resolveSettings, type SettingValues } from '../../domain/settings-table.ts';
import { tokenCount, type TokenGrid } from '../../domain/tokens.ts';
import type { Size } from '../../domain/video.ts';
import { findMode } from '../../reduction/index.ts';
import type { Selection } from '../../reduction/mode.ts';
import { MotionGate } from '../../reduction/motion.ts';
import type { Detector, DetectorOptions, FrameOutcome } from '../../detector/detector.ts';
import type { BoxColumns } from '../../boxes/candidates.ts';
import { WasmFramePixels } from '../../pixels/frame-pixels.ts';
import type { ShvitNetwork } from './network.ts';

/** Pixels of the finest map of the backbone: what motion is measured in. */
export const TOKEN_STRIDE = 16;
/** What the network found, or had found before where this frame was skipped; before suppression. */
export type ShvitOutcome = FrameOutcome & { candidates: BoxColumns };

/** What a detector is made of beside its mode. */
export type ShvitParts = {
	classes: readonly string[];
	letterbox: Letterbox;
	network: ShvitNetwork;
	provider: string;
	normalisation: Normalisation;
	/** Candidates of the network -> what is left of them, in displayed video pixels. */
	interpret: (candidates: BoxColumns) => Detections;
};

/** Per channel, of values in 0 to 1. */
export type Normalisation = {
	mean: readonly number[];
	std: readonly number[];
	/** What the network sees of the padding: the letterbox's grey like any pixel, or 0 after normalisation. */
	padding: 'grey' | 'zero';
};

export const SHVIT_MODES: readonly string[] = ['dense', 'motion'];

/** Pixels of the backbone's finest map, for inputs whose sides are multiples of its stride. */
export function shvitGrid(inputSize: Size): TokenGrid {
	return {
		rows: inputSize.height / TOKEN_STRIDE,
		cols: inputSize.width / TOKEN_STRIDE,
		...{ stride: TOKEN_STRIDE, windowSize: TOKEN_STRIDE, windowOffset: 0 },
	};
}

/** An SHViT detector, bound to one video size: a static network, run whole or, in mode `motion`, not at all. */
export class ShvitDetector implements Detector<WasmFramePixels, ShvitOutcome> {
	readonly classes: readonly string[];
	readonly letterbox: Letterbox;
	readonly grid: TokenGrid;
	readonly denseMacs: number;
	readonly provider: string;
	readonly threads: number;
	readonly budgetMacs = null;
	readonly #network: ShvitNetwork;
	readonly #interpret: ShvitParts['interpret'];
	readonly #pixels: WasmFramePixels;
	readonly #tokens: Int32Array;
	readonly #gate: MotionGate | null;
	#last: BoxColumns | null = null;

	/** Throws `unknown-setting` or `setting-out-of-range`. */
	constructor(parts: ShvitParts, options: DetectorOptions) {
		const { classes, letterbox, network, provider, normalisation } = parts;
		const { inputSize, contentSize } = letterbox;
		this.classes = classes;
		this.letterbox = letterbox;
		this.grid = shvitGrid(inputSize);
		this.denseMacs = network.largestMacs;
		this.provider = provider;
		this.threads = options.threads;
		this.#network = network;
		this.#interpret = parts.interpret;
		const { mean, std, padding } = normalisation;
		this.#pixels = new WasmFramePixels(this.grid, mean, std, padding === 'zero' ? contentSize : inputSize);
		this.#tokens = Int32Array.from({ length: tokenCount(this.grid) }, (_, token) => token);
		this.#gate = options.mode === 'motion' ? new MotionGate(this.#tokens, options.settings) : null;
		if (!this.#gate)
			resolveSettings(findMode(options.mode).settings, options.settings, `mode ${options.mode}`);
	}

	get settings(): SettingValues {
		return this.#gate?.settings ?? {};
	}

	get stateBytes(): number {
		if (!this.#gate) return 0;
		const last = this.#last ? this.#last.scores.length * BYTES_PER_BOX : 0;
		return this.#pixels.stateBytes + last;
	}

	changeSettings(settings: SettingValues): void {
		if (this.#gate) this.#gate.change(settings);
		else changeSettings({}, {}, settings, 'mode dense');
	}

	reset(): void {
		this.#gate?.reset();
	}

	prepare(frame: Frame): WasmFramePixels {
		this.#pixels.load(frame);
		return this.#pixels;
	}

	select(pixels: WasmFramePixels): Selection {
		return this.#gate?.select(pixels) ?? { kind: 'flush', tokens: this.#tokens, count: this.#tokens.length };
	}

	async run(pixels: WasmFramePixels, selection: Selection): Promise<ShvitOutcome> {
		if (selection.count === 0) {
			assert(this.#last, 'the first frame is never skipped');
			return { candidates: this.#last, macs: 0 };
		}
		const outcome = await this.#network.detect(pixels.planar());
		this.#gate?.ran();
		this.#last = outcome.candidates;
		return outcome;
	}

	interpret({ candidates }: ShvitOutcome) {
		return this.#interpret(candidates);
	}

	observe(): void {
		// Nothing here is steered by time.
	}

	saveState(): NamedArrays {
		if (!this.#gate || !this.#last) return {};
		const { classIndices, scores, boxesXyxy } = this.#last;
		return {
			...this.#pixels.saveState(),
			...this.#gate.saveState(),
			'shvit.classes': classIndices.slice(),
			'shvit.scores': scores.slice(),
			'shvit.boxes': boxesXyxy.slice(),
		};
	}

	restoreState(state: NamedArrays): void {
		const { 'shvit.classes': classIndices, 'shvit.scores': scores, 'shvit.boxes': boxesXyxy } = state;
		if (!this.#gate || !classIndices) return;
		assert(
			classIndices instanceof Int32Array &&
				scores instanceof Float32Array &&
				boxesXyxy instanceof Float32Array,
			'a snapshot holds shvit.classes, shvit.scores and shvit.boxes',
		);
		this.#pixels.restoreState(state);
		this.#gate.restoreState(state);
		this.#last = { classIndices: classIndices.slice(), scores: scores.slice(), boxesXyxy: boxesXyxy.slice() };
	}

	release(): Promise<void> {
		return this.#network.release();
	}
}

/** A class, a score and four sides. */
const BYTES_PER_BOX = 24;
