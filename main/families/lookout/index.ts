import { compileClustered } from '../../reduction/enact/enact-graph.ts';
import { findModeFor, modesOf } from '../../reduction/index.ts';
import { compileFull, compileSparse } from '../../reduction/vit-graphs.ts';
import { readSafetensors } from '../../weights/safetensors.ts';
import { requireTensors } from '../../weights/weights.ts';
import type { Detector, DetectorOptions, Model } from '../../detector/detector.ts';
import { WasmFramePixels } from '../../pixels/frame-pixels.ts';
import { fitLetterbox } from '../../pixels/letterbox.ts';
import { pointCandidates, pointDetections } from '../../boxes/point-head.ts';
import { createRuntime } from '../../runtime/onnx-runtime.ts';
import { bindReduction } from '../../detector/vit-detector.ts';
import type { ModelFiles } from '../family.ts';
import { folderModel } from '../folder-model.ts';
import { parseLookoutConfig } from './config.ts';
import { lookoutPlan } from './plan.ts';

/** Grey of the padding that Lookout was trained with. */
const FILL = 114;

/** Lookout: the embedded detector. Every operation but attention reads one token. */
export function openLookout(files: ModelFiles): Model {
	const config = parseLookoutConfig(files.configText, files.configPath);
	const weights = requireTensors(readSafetensors(files.weightBytes, files.weightsPath), files.weightsPath);
	// Building a graph asks for every tensor: doing it once now lets a wrong file fail before a video is opened.
	const smallest = lookoutPlan(config, { width: config.patch, height: config.patch });
	compileFull(smallest, weights, { keepKeysAndValues: false, withScores: true });
	if (smallest.clusters) compileClustered(smallest, weights);
	if (smallest.scorer?.own) compileSparse(smallest, weights, { own: true });
	const modes = modesOf(smallest);

	return {
		...folderModel(files, config),
		modes,
		async open(options: DetectorOptions): Promise<Detector> {
			const letterbox = fitLetterbox(options.displaySize, options.maxSide, config.patch, FILL);
			const plan = lookoutPlan(config, letterbox.inputSize);
			const mode = findModeFor(plan, options.mode);
			const runtime = createRuntime(options.threads);
			const reduction = await mode.open({ plan, weights, runtime }, options.settings);
			const pixels = new WasmFramePixels(plan.grid, config.mean, config.std);
			return bindReduction(reduction, pixels, {
				classes: config.classes,
				letterbox,
				grid: plan.grid,
				provider: runtime.provider,
				threads: runtime.threads,
				interpret({ head, emitting }) {
					const outputs = { head, emitting, classCount: config.classes.length, grid: plan.grid };
					const candidates = pointCandidates(outputs, letterbox.contentSize, options.scoreThreshold);
					return pointDetections(candidates, config.nms, letterbox);
				},
			});
		},
	};
}
