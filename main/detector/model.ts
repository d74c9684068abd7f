import { compareDetections } from '../domain/agreement.ts';
import type { CameraPath } from '../domain/camera-path.ts';
import type { Letterbox } from '../domain/frame.ts';
import { inFrame, isAtRest } from '../domain/placement.ts';
import type { SceneView } from '../pixels/scene-view.ts';
import { WasmFramePixels } from '../pixels/frame-pixels.ts';
import type { NetworkOutput } from '../reduction/host.ts';
import { findMode, findModeFor, refusalsOf, REDUCTION_MODES } from '../reduction/index.ts';
import type { Reduction } from '../reduction/mode.ts';
import type { GraphRuntime } from '../runtime/runtime.ts';
import { markStale } from './mark-stale.ts';
import type { Detector, DetectorOptions, Model, ModelFacts, PictureOptions } from './detector.ts';
import type { BoundNetwork, BoxesInFrame } from './bound-network.ts';
import { tiledNetwork } from './tiled-network.ts';

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
		denseMacs: (options) => bind(options).host.whole.macs(),
		async open(options: DetectorOptions, runtime): Promise<Detector> {
			const tiling = findMode(options.mode).tiling?.(options.settings);
			if (!tiling) return openBound(facts, bind(options), options, runtime);
			const tiled = tiledNetwork(bind, options, tiling, facts.displayThresholds);
			return openBound(facts, tiled, options, runtime);
		},
	};
}

async function openBound<Output extends NetworkOutput>(
	facts: ModelFacts,
	bound: BoundNetwork<Output>,
	options: DetectorOptions,
	runtime: GraphRuntime,
): Promise<Detector> {
	const mode = findModeFor(bound.host, options.mode);
	options.onLetterbox?.(bound.letterbox);
	const reduction = await mode.open(bound.host, runtime, options.settings);
	return detectorOf(facts, bound, reduction, mode.followsCamera?.(bound.host) ?? false);
}

function detectorOf<Output extends NetworkOutput>(
	{ classes, displayThresholds }: ModelFacts,
	network: BoundNetwork<Output>,
	reduction: Reduction<Output>,
	follows: boolean,
): Detector<Output> {
	const { host, letterbox } = network;
	const { mean, std, padding } = network.normalisation;
	const seen = padding === 'zero' ? letterbox.contentSize : letterbox.inputSize;
	const picture = letterbox.contentSize;
	const pixels = new WasmFramePixels(host.grid, mean, std, seen, { picture, follows });
	const denseMacs = host.whole.macs();
	const shown = (output: Output, inFrame: BoxesInFrame | null) =>
		network.interpret(output, inFrame).scoredAtLeast(displayThresholds);
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
			const asSelected = inFrameOf(pixels.view); // an audit shows the frame as it is
			const { unaudited, drift, camera, ...computed } = await reduction.run(frame, selection);
			const result = camera ? { ...computed, camera: onDisplay(camera, letterbox) } : computed;
			if (!drift) return result;
			if (!unaudited) return { ...result, drift: { ...drift, audit: null } };
			const [reduced, dense] = [shown(unaudited, asSelected), shown(computed.output, inFrameOf(pixels.view))];
			const { matched, lost, gained } = compareDetections(reduced, dense);
			const audit = { matched, lost, gained };
			reduction.judge?.(audit);
			return { ...result, drift: { ...drift, audit } };
		},
		interpret(output, stale) {
			const detections = network.interpret(output, inFrameOf(pixels.view));
			return stale ? markStale(detections, stale, host.grid, letterbox, pixels.view.place) : detections;
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

/** Null where the view is the frame. */
function inFrameOf({ place, centre }: SceneView): BoxesInFrame | null {
	if (isAtRest(place)) return null;
	return (boxes) => {
		const moved = new Float32Array(boxes.length);
		for (let i = 0; i < boxes.length; i += 4) {
			const [left, top, right, bottom] = boxes.subarray(i, i + 4) as unknown as [
				number,
				number,
				number,
				number,
			];
			const middle = inFrame(place, centre, (left + right - 1) / 2, (top + bottom - 1) / 2);
			const [reachX, reachY] = [
				((1 + place.grow) * (right - left)) / 2,
				((1 + place.grow) * (bottom - top)) / 2,
			];
			moved.set(
				[middle.x + 0.5 - reachX, middle.y + 0.5 - reachY, middle.x + 0.5 + reachX, middle.y + 0.5 + reachY],
				i,
			);
		}
		return moved;
	};
}

function onDisplay(camera: CameraPath, { displaySize, contentSize }: Letterbox): CameraPath {
	const scaleX = displaySize.width / contentSize.width;
	const scaleY = displaySize.height / contentSize.height;
	return {
		...camera,
		x: camera.x * scaleX,
		y: camera.y * scaleY,
		gridX: camera.gridX * scaleX,
		gridY: camera.gridY * scaleY,
	};
}
