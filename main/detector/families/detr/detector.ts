import type { Frame, Letterbox } from '../../../domain/frame.ts';
import type { NamedArrays } from '../../../domain/named-arrays.ts';
import { assert } from '../../../domain/errors.ts';
import type { Detections } from '../../../domain/detections.ts';
import { changeSettings, resolveSettings, type SettingValues } from '../../../domain/settings-table.ts';
import { tokenCount, type TokenGrid, type TokenMap } from '../../../domain/tokens.ts';
import type { GraphSession, GraphTensor } from '../../../graph/graph-session.ts';
import { countOperations } from '../../../graph/operation-count.ts';
import { clusterOutputs, forcedLength, readClusters } from '../../../reduction/enact.ts';
import { findMode } from '../../../reduction/index.ts';
import type { Selection } from '../../../reduction/mode.ts';
import { MotionGate } from '../../../reduction/motion.ts';
import type { Weights } from '../../../weights/safetensors.ts';
import { requireTensors } from '../../../weights/weights.ts';
import type { Detector, DetectorOptions, FrameOutcome } from '../../detector.ts';
import { WasmFramePixels } from '../../frame-pixels.ts';
import { fitLetterbox } from '../../letterbox.ts';
import { createRuntime } from '../../session.ts';
import type { DetrConfig } from './config.ts';
import { interpretDetr, type DetrClasses } from './interpret.ts';
import { type DetrNetwork, emitDetr } from './network.ts';
import { clusteringName } from './parts.ts';

/** Of ImageNet, as all published models were trained with. */
const MEAN = [0.485, 0.456, 0.406];
const STD = [0.229, 0.224, 0.225];
/** Grey of what is beyond the picture in a frame; the network never sees it. */
const FILL = 114;

/** What the network said of a frame, or of an earlier one where this one was skipped. */
export type DetrOutcome = FrameOutcome & { logits: Float32Array; boxes: Float32Array };

/** A checkpoint that has been read and checked. */
export type DetrModel = { config: DetrConfig; weights: Weights; path: string; classes: DetrClasses };

/** A DETR in a mode, bound to one video size. The network gets the picture alone, without the frame's padding. */
export class DetrDetector implements Detector<WasmFramePixels, DetrOutcome> {
	readonly classes: readonly string[];
	readonly letterbox: Letterbox;
	readonly grid: TokenGrid;
	readonly denseMacs: number;
	readonly provider: string;
	readonly threads: number;
	readonly budgetMacs = null;
	readonly #model: DetrModel;
	readonly #mode: string;
	readonly #scoreThreshold: number;
	readonly #session: GraphSession;
	readonly #network: DetrNetwork;
	readonly #clusterings: readonly string[];
	readonly #pixels: WasmFramePixels;
	readonly #picture: GraphTensor & { type: 'float32' };
	readonly #tokens: Int32Array;
	readonly #gate: MotionGate | null;
	#settings: SettingValues;
	#last: DetrOutcome;

	/** Throws `unknown-setting` or `setting-out-of-range`. */
	static async open(model: DetrModel, options: DetectorOptions): Promise<DetrDetector> {
		const { config, weights, path } = model;
		const mode = findMode(options.mode);
		const settings = resolveSettings(mode.settings, options.settings, `mode ${mode.id}`);
		const stride = config.backbone.dilateLast ? 16 : 32;
		const letterbox = fitLetterbox(options.displaySize, options.maxSide, stride, FILL);
		const lookup = requireTensors(weights, path);
		const sizes = [letterbox.contentSize];
		const dense = emitDetr(config, lookup, sizes, { clustered: false });
		// Skipping still frames is all that motion adds: what runs is the model as it was published.
		const network =
			config.clustered && mode.id !== 'dense' ? emitDetr(config, lookup, sizes, { clustered: true }) : dense;
		const runtime = createRuntime(options.threads);
		const name = `${config.host}:${mode.id}`;
		const session = await runtime.load(network.graph.build(name), name);
		const denseMacs = countOperations(dense.graph.operations, {});
		const { provider, threads } = runtime;
		return new DetrDetector(model, options, session, network, {
			...{ letterbox, settings, stride, denseMacs, provider, threads },
			clustered: network !== dense,
		});
	}

	private constructor(
		model: DetrModel,
		options: DetectorOptions,
		session: GraphSession,
		network: DetrNetwork,
		bound: {
			letterbox: Letterbox;
			settings: SettingValues;
			stride: number;
			denseMacs: number;
			provider: string;
			threads: number;
			clustered: boolean;
		},
	) {
		const { config } = model;
		const { rows, cols } = network.map;
		const { width, height } = bound.letterbox.contentSize;
		this.classes = model.classes.names;
		this.letterbox = bound.letterbox;
		this.grid = { rows, cols, stride: bound.stride, windowSize: bound.stride, windowOffset: 0 };
		this.denseMacs = bound.denseMacs;
		this.provider = bound.provider;
		this.threads = bound.threads;
		this.#model = model;
		this.#mode = options.mode;
		this.#scoreThreshold = options.scoreThreshold;
		this.#session = session;
		this.#network = network;
		this.#clusterings = bound.clustered
			? Array.from({ length: config.encoderLayers }, (_, i) => clusteringName(i))
			: [];
		this.#pixels = new WasmFramePixels(this.grid, MEAN, STD);
		this.#picture = {
			type: 'float32',
			data: new Float32Array(3 * width * height),
			shape: [1, 3, height, width],
		};
		this.#tokens = Int32Array.from({ length: tokenCount(this.grid) }, (_, token) => token);
		this.#settings = bound.settings;
		this.#gate = options.mode === 'motion' ? new MotionGate(this.#tokens, bound.settings) : null;
		const queries = config.queries * config.patterns;
		this.#last = {
			macs: 0,
			logits: new Float32Array(queries * config.logits),
			boxes: new Float32Array(queries * 4),
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
			const { settings: table } = findMode(this.#mode);
			this.#settings = changeSettings(table, this.#settings, settings, `mode ${this.#mode}`);
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
		return this.#gate?.select(pixels) ?? { kind: 'flush', tokens: this.#tokens, count: this.#tokens.length };
	}

	async run(pixels: WasmFramePixels, selection: Selection): Promise<DetrOutcome> {
		if (selection.count === 0) return { ...this.#last, macs: 0, maps: [] };
		cropPlanes(pixels.planar(), this.letterbox, this.#picture.data);
		const clustered = this.#clusterings.length > 0;
		const outputs = await this.#session.run(
			{
				pictures: this.#picture,
				...(clustered && { 'cluster length': forcedLength(this.#settings) }),
			},
			['logits', 'boxes', ...clusterOutputs(this.#clusterings)],
		);
		const [logits, boxes] = [outputs['logits']?.data, outputs['boxes']?.data];
		assert(logits instanceof Float32Array && boxes instanceof Float32Array, 'a DETR gives logits and boxes');
		const { operations } = this.#network.graph;
		const { dims, maps } = this.#clusters(outputs);
		this.#last = { logits, boxes, macs: countOperations(operations, dims), maps };
		this.#gate?.ran();
		return this.#last;
	}

	interpret(outcome: DetrOutcome): Detections {
		const { config, classes } = this.#model;
		return interpretDetr(config, classes, outcome, this.letterbox.displaySize, this.#scoreThreshold);
	}

	observe(): void {
		// Nothing here is steered by time.
	}

	saveState(): NamedArrays {
		if (!this.#gate) return {};
		return {
			...this.#pixels.saveState(),
			...this.#gate.saveState(),
			'detr.logits': this.#last.logits.slice(),
			'detr.boxes': this.#last.boxes.slice(),
		};
	}

	restoreState(state: NamedArrays): void {
		if (!this.#gate) return;
		const [logits, boxes] = [state['detr.logits'], state['detr.boxes']];
		assert(
			logits instanceof Float32Array && boxes instanceof Float32Array,
			'a snapshot holds detr.logits and detr.boxes',
		);
		this.#pixels.restoreState(state);
		this.#gate.restoreState(state);
		this.#last = { macs: 0, logits, boxes };
	}

	release(): Promise<void> {
		return this.#session.release();
	}

	#clusters(outputs: Readonly<Record<string, GraphTensor>>): {
		dims: Readonly<Record<string, number>>;
		maps: TokenMap[];
	} {
		if (this.#clusterings.length === 0) return { dims: {}, maps: [] };
		const { dims, map } = readClusters(outputs, this.#clusterings, this.#tokens.length);
		return { dims, maps: [map] };
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
