import { assert } from '../domain/errors.ts';
import type { Detections } from '../domain/detections.ts';
import type { Frame, Letterbox } from '../domain/frame.ts';
import type { NamedArrays } from '../domain/named-arrays.ts';
import { changeSettings, resolveSettings, type SettingValues } from '../domain/settings-table.ts';
import { tokenCount, type TokenGrid } from '../domain/tokens.ts';
import type { Size } from '../domain/video.ts';
import type { GraphRuntime, GraphTensor } from '../runtime/runtime.ts';
import { findMode } from '../reduction/index.ts';
import type { ReductionMode, Selection } from '../reduction/mode.ts';
import { MotionGate } from '../reduction/motion.ts';
import type { Detector, DetectorOptions, FrameOutcome } from './detector.ts';
import { WasmFramePixels } from '../pixels/frame-pixels.ts';

/** Of ImageNet, as all published models of this kind were trained with. */
const MEAN = [0.485, 0.456, 0.406];
const STD = [0.229, 0.224, 0.225];

/** What a network said of a frame, or of an earlier one where this one was skipped. */
export type QueryOutcome = FrameOutcome & {
	/** [queries, logits] */
	logits: Float32Array;
	/** Centre and size, 0 to 1: [queries, 4]. */
	boxes: Float32Array;
};

/** A network that finds objects by queries (DETR and what came of it), loaded for pictures of one size. */
export interface QueryNetwork {
	/** Multiply-adds of a dense frame. */
	readonly denseMacs: number;
	/** Of `logits`. */
	readonly logitCount: number;
	readonly queries: number;
	/**
	 * `picture` [1, 3, height, width], normalised. A network that picks tokens by itself rewrites `selection`, which
	 * comes with all of them, to those that it took.
	 */
	run(picture: GraphTensor, settings: SettingValues, selection: Selection): Promise<QueryOutcome>;
	release(): Promise<void>;
}

/** What a query detector needs to know of its model. */
export type QueryModel = {
	classes: readonly string[];
	interpret(outcome: QueryOutcome, displaySize: Size, scoreThreshold: number): Detections;
};

/** A network of queries in a mode, bound to one video size. The network sees the picture without the frame's padding. */
export class QueryDetector implements Detector<WasmFramePixels, QueryOutcome> {
	readonly classes: readonly string[];
	readonly letterbox: Letterbox;
	readonly grid: TokenGrid;
	readonly denseMacs: number;
	readonly provider: string;
	readonly threads: number;
	readonly budgetMacs = null;
	readonly #model: QueryModel;
	readonly #mode: ReductionMode;
	readonly #scoreThreshold: number;
	readonly #network: QueryNetwork;
	readonly #pixels: WasmFramePixels;
	readonly #picture: GraphTensor & { type: 'float32' };
	readonly #tokens: Int32Array;
	readonly #gate: MotionGate | null;
	#settings: SettingValues;
	#last: QueryOutcome;

	/** The network's frames are those of `letterbox`. Throws `unknown-setting` or `setting-out-of-range`. */
	constructor(
		model: QueryModel,
		options: DetectorOptions,
		bound: { network: QueryNetwork; letterbox: Letterbox; grid: TokenGrid; runtime: GraphRuntime },
	) {
		const { network, letterbox, grid, runtime } = bound;
		const { width, height } = letterbox.contentSize;
		this.classes = model.classes;
		this.letterbox = letterbox;
		this.grid = grid;
		this.denseMacs = network.denseMacs;
		this.provider = runtime.provider;
		this.threads = runtime.threads;
		this.#model = model;
		this.#mode = findMode(options.mode);
		this.#scoreThreshold = options.scoreThreshold;
		this.#network = network;
		this.#pixels = new WasmFramePixels(grid, MEAN, STD);
		this.#picture = {
			type: 'float32',
			data: new Float32Array(3 * width * height),
			shape: [1, 3, height, width],
		};
		this.#tokens = Int32Array.from({ length: tokenCount(grid) }, (_, token) => token);
		this.#settings = resolveSettings(this.#mode.settings, options.settings, `mode ${options.mode}`);
		this.#gate = options.mode === 'motion' ? new MotionGate(this.#tokens, this.#settings) : null;
		this.#last = {
			macs: 0,
			logits: new Float32Array(network.queries * network.logitCount),
			boxes: new Float32Array(network.queries * 4),
		};
	}

	get settings(): SettingValues {
		return this.#gate?.settings ?? this.#settings;
	}

	get stateBytes(): number {
		if (!this.#gate) return 0;
		return this.#pixels.stateBytes + this.#last.logits.byteLength + this.#last.boxes.byteLength;
	}

	changeSettings(settings: SettingValues): void {
		if (this.#gate) this.#gate.change(settings);
		else {
			const { id, settings: table } = this.#mode;
			this.#settings = changeSettings(table, this.#settings, settings, `mode ${id}`);
		}
	}

	reset(): void {
		this.#gate?.reset();
	}

	prepare(frame: Frame): WasmFramePixels {
		this.#pixels.load(frame);
		return this.#pixels;
	}

	select(pixels: WasmFramePixels): Selection {
		if (this.#gate) return this.#gate.select(pixels);
		return { kind: 'flush', tokens: this.#tokens.slice(), count: this.#tokens.length };
	}

	async run(pixels: WasmFramePixels, selection: Selection): Promise<QueryOutcome> {
		if (selection.count === 0) return { ...this.#last, macs: 0, maps: [] };
		cropPlanes(pixels.planar(), this.letterbox, this.#picture.data);
		this.#last = await this.#network.run(this.#picture, this.#settings, selection);
		this.#gate?.ran();
		return this.#last;
	}

	interpret(outcome: QueryOutcome): Detections {
		return this.#model.interpret(outcome, this.letterbox.displaySize, this.#scoreThreshold);
	}

	observe(): void {
		// Nothing here is steered by time.
	}

	saveState(): NamedArrays {
		if (!this.#gate) return {};
		return {
			...this.#pixels.saveState(),
			...this.#gate.saveState(),
			'queries.logits': this.#last.logits.slice(),
			'queries.boxes': this.#last.boxes.slice(),
		};
	}

	restoreState(state: NamedArrays): void {
		if (!this.#gate) return;
		const [logits, boxes] = [state['queries.logits'], state['queries.boxes']];
		assert(
			logits instanceof Float32Array && boxes instanceof Float32Array,
			'a snapshot holds queries.logits and queries.boxes',
		);
		this.#pixels.restoreState(state);
		this.#gate.restoreState(state);
		this.#last = { macs: 0, logits, boxes };
	}

	release(): Promise<void> {
		return this.#network.release();
	}
}

/** The picture's part of the planes [3, input height, input width] of a frame into `out` [3, height, width]. */
function cropPlanes(planes: Float32Array, { inputSize, contentSize }: Letterbox, out: Float32Array): void {
	const { width, height } = contentSize;
	for (let channel = 0; channel < 3; channel++) {
		for (let y = 0; y < height; y++) {
			const from = (channel * inputSize.height + y) * inputSize.width;
			out.set(planes.subarray(from, from + width), (channel * height + y) * width);
		}
	}
}
