import { basename, extname } from 'node:path';
import type { Letterbox } from '../../domain/frame.ts';
import type { Size } from '../../domain/video.ts';
import { findModeFor, modesOf } from '../../reduction/index.ts';
import { requireTensors } from '../../weights/weights.ts';
import type { Detector, DetectorOptions, Model } from '../../detector/detector.ts';
import { WasmFramePixels } from '../../pixels/frame-pixels.ts';
import { fitLetterbox } from '../../pixels/letterbox.ts';
import { createRuntime } from '../../runtime/onnx-runtime.ts';
import { bindReduction } from '../../detector/vit-detector.ts';
import type { Checkpoint, ModelFamily } from '../family.ts';
import { Detection } from './detection.ts';
import { DetectionHeads } from './heads.ts';
import { toDisplay } from '../../boxes/candidates.ts';
import { pickDetections } from './interpret.ts';
import { vitDetPlan } from './plan.ts';
import { auditTensors, isVitDet, readPublished } from './published.ts';

/** Of the padding in frames; the network's own padding is 0 after normalisation, whatever is there. */
const FILL = 0;
/** Detections from this score on are worth showing; below lie many guesses, which precision curves need. */
const DISPLAY_THRESHOLD = 0.5;

/**
 * ViTDet with the backbone of the Eventful Transformers (Dutson et al., ICCV 2023): a plain vision transformer with windowed
 * and global blocks, and a Faster R-CNN or Cascade R-CNN head. Reads the authors' converted checkpoints.
 */
export const vitDet: ModelFamily = {
	id: 'vitdet',
	title: 'ViTDet',
	recognizes: isVitDet,
	open: openVitDet,
};

function openVitDet(checkpoint: Checkpoint): Model {
	const { path, sha256 } = checkpoint;
	const config = readPublished(checkpoint.weights, path);
	auditTensors(checkpoint.weights, path, config).finish();
	const weights = requireTensors(checkpoint.weights, path);
	const smallest = vitDetPlan(config, { rows: 1, cols: 1 });
	return {
		id: basename(path, extname(path)),
		name: config.name,
		path,
		sha256,
		classes: config.classes,
		displayThreshold: DISPLAY_THRESHOLD,
		modes: modesOf(smallest),
		async open(options: DetectorOptions): Promise<Detector> {
			const letterbox = fitSquare(options.displaySize, options.maxSide, config.patch);
			const side = letterbox.inputSize.width / config.patch;
			const plan = vitDetPlan(config, { rows: side, cols: side });
			const mode = findModeFor(plan, options.mode);
			const runtime = createRuntime(options.threads);
			const backbone = await mode.open({ plan, weights, runtime }, options.settings);
			const heads = await DetectionHeads.load(config, plan.grid, weights, runtime);
			const pixels = new WasmFramePixels(plan.grid, config.mean, config.std, letterbox.contentSize);
			return bindReduction(new Detection(backbone, heads), pixels, {
				classes: config.classes,
				letterbox,
				grid: plan.grid,
				provider: runtime.provider,
				threads: runtime.threads,
				interpret({ predictions }) {
					const { inputSize } = letterbox;
					return toDisplay(pickDetections(predictions, config, inputSize, options.scoreThreshold), letterbox);
				},
			});
		},
	};
}

/** As `fitLetterbox`, padded to a square: only there the published code can resize the tables of relative positions. */
export function fitSquare(displaySize: Size, maxSide: number, patch: number): Letterbox {
	const { inputSize, ...fitted } = fitLetterbox(displaySize, maxSide, patch, FILL);
	const side = Math.max(inputSize.width, inputSize.height);
	return { ...fitted, inputSize: { width: side, height: side } };
}
