import type { CameraPath } from '../domain/camera-path.ts';
import type { Detections } from '../domain/detections.ts';
import { ON_CPU, type Precision } from '../domain/execution.ts';
import type { Frame } from '../domain/frame.ts';
import type { SelectionKind, TokenMap } from '../domain/tokens.ts';
import { createRuntime } from '../runtime/onnx-runtime.ts';
import type { Detector, DetectorOptions } from '../detector/detector.ts';
import type { OpenedModel } from './family.ts';

/** Opens a model on one thread; by default in mode dense and float32, with every detection. */
export function openDetector<Output>(
	model: OpenedModel,
	{
		precision = 'float32',
		...options
	}: Partial<DetectorOptions> & Pick<DetectorOptions, 'displaySize'> & { precision?: Precision },
): Promise<Detector<Output>> {
	const usual = { mode: 'dense', settings: {}, maxSide: 768, scoreThreshold: 0 };
	const runtime = createRuntime(1, { execution: { ...ON_CPU, precision } });
	return model.open({ ...usual, ...options }, runtime) as Promise<Detector<Output>>;
}

export type Step<Output> = {
	/** What the network answered; a mode may reuse its arrays for the next frame. */
	output: Output;
	detections: Detections;
	macs: number;
	maps: readonly TokenMap[];
	kind: SelectionKind;
	count: number;
	/** The tokens that were computed, ascending. */
	tokens: number[];
	/** Absent where the camera is taken for fixed. */
	camera?: CameraPath;
};

/** A frame's journey through a detector. */
export async function step<Output>(detector: Detector<Output>, frame: Frame): Promise<Step<Output>> {
	const pixels = detector.prepare(frame);
	const { output, macs, maps, selection, camera } = await detector.run(pixels, detector.select(pixels));
	const { kind, tokens, count } = selection;
	return {
		output,
		detections: detector.interpret(output),
		macs,
		maps: maps ?? [],
		kind,
		count,
		tokens: Array.from(tokens.subarray(0, count)).sort((a, b) => a - b),
		...(camera && { camera }),
	};
}
