import { compareDetections } from '../domain/agreement.ts';
import type { Detections } from '../domain/detections.ts';
import type { Letterbox } from '../domain/frame.ts';
import { WasmFramePixels } from '../pixels/frame-pixels.ts';
import type { Host, NetworkOutput } from '../reduction/host.ts';
import { findModeFor, refusalsOf, REDUCTION_MODES } from '../reduction/index.ts';
import type { Reduction } from '../reduction/mode.ts';
import { markStale } from './mark-stale.ts';
import type { Detector, DetectorOptions, Model, ModelFacts, PictureOptions } from './detector.ts';

/** A network at the input size of one video: what modes run, with the family's own view of pixels and answers around it. */
export type BoundNetwork<Output extends NetworkOutput> = {
	host: Host<Output>;
	letterbox: Letterbox;
	normalisation: Normalisation;
	/** Detections in displayed video pixels. */
	interpret(output: Output): Detections;
};

/** Per channel, of values in 0 to 1. */
export type Normalisation = {
	mean: readonly number[];
	std: readonly number[];
	/** What the network sees of the padding: the letterbox's grey like any pixel, or 0 after normalisation. */
	padding: 'grey' | 'zero';
};

/** Any size shows which modes a network can be run in. */
const SMALL: PictureOptions = {
	displaySize: { width: 64, height: 64 },
	maxSide: 64,
	scoreThreshold: 0,
};

/** A model out of its network at any size. `bind` makes no graph: modes do, when they load what they need. */
export function modelOf<Output extends NetworkOutput>(
	facts: ModelFacts,
	bind: (options: PictureOptions) => BoundNetwork<Output>,
): Omit<Model, 'family'> {
	const refusals = refusalsOf(bind(SMALL).host);
	return {
		...facts,
		modes: REDUCTION_MODES.map(({ id }) => id).filter((id) => !(id in refusals)),
		refusals,
		async open(options: DetectorOptions, runtime): Promise<Detector> {
			const bound = bind(options);
			const mode = findModeFor(bound.host, options.mode);
			const reduction = await mode.open(bound.host, runtime, options.settings);
			return detectorOf(facts, bound, reduction);
		},
	};
}

function detectorOf<Output extends NetworkOutput>(
	{ classes, displayThresholds }: ModelFacts,
	network: BoundNetwork<Output>,
	reduction: Reduction<Output>,
): Detector<Output> {
	const { host, letterbox } = network;
	const { mean, std, padding } = network.normalisation;
	const seen = padding === 'zero' ? letterbox.contentSize : letterbox.inputSize;
	const pixels = new WasmFramePixels(host.grid, mean, std, seen);
	const denseMacs = host.whole.macs();
	const shown = (output: Output) => network.interpret(output).scoredAtLeast(displayThresholds);
	return {
		classes,
		letterbox,
		grid: host.grid,
		denseMacs,
		behindMacs: host.vit?.behind.macs() ?? 0,
		get settings() {
			return reduction.settings;
		},
		get budgetMacs() {
			return reduction.budgetMacs;
		},
		changeSettings: (settings) => reduction.change(settings),
		reset: () => reduction.reset(),
		prepare(frame) {
			pixels.load(frame);
			return pixels;
		},
		select: (frame) => reduction.select(frame),
		async run(frame, selection) {
			const { unaudited, drift, ...computed } = await reduction.run(frame, selection);
			if (!drift) return computed;
			if (!unaudited) return { ...computed, drift: { ...drift, audit: null } };
			const [reduced, dense] = [unaudited, computed.output].map(shown) as [Detections, Detections];
			const { matched, lost, gained } = compareDetections(reduced, dense);
			const audit = { matched, lost, gained };
			reduction.judge?.(audit);
			return { ...computed, drift: { ...drift, audit } };
		},
		interpret(output, stale) {
			const detections = network.interpret(output);
			return stale ? markStale(detections, stale, host.grid, letterbox) : detections;
		},
		observe(milliseconds, detections) {
			reduction.observe?.({ milliseconds, shown: detections.scoredAtLeast(displayThresholds).count });
		},
		saveState: async () => ({ ...pixels.saveState(), ...(await reduction.saveState()) }),
		restoreState(state) {
			pixels.restoreState(state);
			reduction.restoreState(state);
		},
		release: () => reduction.release(),
	};
}
