import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openModel } from '../main/families/index.ts';
import { inspectOnnx } from '../main/families/onnx/inspect.ts';
import { encodeGraph, GraphBuilder, type Value } from '../main/graph/graph-builder.ts';
import { Layers } from '../main/graph/layers.ts';
import { createRuntime } from '../main/runtime/onnx-runtime.ts';
import type { GraphRuntime } from '../main/runtime/runtime.ts';
import { median } from './machine.ts';
import type { Opening } from './opening-process.ts';
import { openOnce, type OpeningRow, rowOf } from './opening.ts';
import { randomWeights } from './random-weights.ts';

const SIDE = 640;
const CLASSES = 80;
/** Channels of the maps with a pixel for every 2, 4, 8, 16 and 32 of the input. */
const WIDTHS = [32, 64, 128, 192, 480];
/** Which of these maps have a second convolution: together as much work as a YOLOv8n's. */
const AGAIN = [1, 2, 4];
/** Maps that are looked at, from the last. */
const LEVELS = 3;
const SHARE_OF_SCORES = 0.3;
const [WARM_UP, FRAMES] = [3, 30];

export type OnnxBench = {
	fileMib: number;
	opening: readonly OpeningRow[];
	/** Milliseconds of the runtime's own run, and from a prepared frame to boxes: normalised, run, decoded, suppressed. */
	plainMs: number;
	frameMs: number;
	/** The median of each frame's ratio to the run within it. */
	ratio: number;
};

/** What opening an ONNX file takes, in processes of their own, and what running it here adds to the runtime's own run. */
export async function benchOnnx(options: {
	/** Null: a network of a YOLO's kind is made, of random weights. */
	modelPath: string | null;
	threads: number;
	rounds: number;
}): Promise<OnnxBench> {
	const folder = await mkdtemp(join(tmpdir(), 'sparsight-bench-'));
	try {
		const path = options.modelPath ?? join(folder, 'yolo.onnx');
		if (options.modelPath === null) await writeFile(path, encodeGraph(yolo().compile('yolo')));
		const opening: OpeningRow[] = [];
		for (const mode of ['plain', 'dense']) {
			const openings: Opening[] = [];
			for (let round = 0; round < options.rounds; round++)
				openings.push(await openOnce(path, mode, folder, options.threads));
			opening.push(rowOf(mode === 'plain' ? 'onnxruntime alone' : 'Sparsight', openings));
		}
		const { size } = await stat(path);
		return { fileMib: size / 2 ** 20, opening, ...(await benchFrames(path, options.threads)) };
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

/** Frame by frame, how long the runtime's own run takes within what is made of it: input, run, boxes. */
async function benchFrames(path: string, threads: number) {
	const { recognition } = await inspectOnnx(path, { cache: null, cards: null });
	const { width, height } = recognition.readings[0]!.card.input;
	const own: number[] = [];
	const model = await openModel(path);
	const picture = { displaySize: { width, height }, maxSide: width, scoreThreshold: 0.25 };
	const runtime = timedRuntime(createRuntime(threads), own);
	const detector = await model.open({ ...picture, mode: 'dense', settings: {} }, runtime);
	const size = detector.letterbox.inputSize;
	const data = Uint8Array.from({ length: 3 * size.width * size.height }, (_, i) => (i * 2654435761) >>> 24);
	const frame = { index: 0, timeSeconds: 0, pixels: data, format: 'rgb24', size } as const;
	const whole: number[] = [];
	for (let i = 0; i < WARM_UP + FRAMES; i++) {
		const pixels = detector.prepare(frame);
		const start = performance.now();
		const { output } = await detector.run(pixels, detector.select(pixels));
		detector.interpret(output);
		whole.push(performance.now() - start);
	}
	await detector.release();
	const [plainMs, frameMs] = [own.slice(WARM_UP), whole.slice(WARM_UP)];
	return {
		plainMs: median(plainMs),
		frameMs: median(frameMs),
		ratio: median(frameMs.map((ms, i) => ms / plainMs[i]!)),
	};
}

/** A runtime that notes how long each run takes. */
function timedRuntime(runtime: GraphRuntime, milliseconds: number[]): GraphRuntime {
	return {
		...runtime,
		async load(...words) {
			const session = await runtime.load(...words);
			return {
				inputs: session.inputs,
				outputs: session.outputs,
				async run(...given) {
					const start = performance.now();
					const outputs = await session.run(...given);
					milliseconds.push(performance.now() - start);
					return outputs;
				},
				release: () => session.release(),
			};
		},
	};
}

/** Convolutions down to three maps, and a box with 80 scores for every pixel of them: as large and as costly as a YOLOv8n, with its output. */
function yolo(): GraphBuilder {
	const graph = new GraphBuilder();
	const layers = new Layers(graph, (name, shape) => randomWeights({ [name]: [...shape] }).get(name)!);
	let map: Value = graph.input('images', 'float32', [1, 3, SIDE, SIDE]);
	const rows: Value[] = [];
	WIDTHS.forEach((width, level) => {
		map = layers.relu(layers.conv3x3(`down.${level}`, map, width, 2, [1, 1, 1, 1]));
		const rest = WIDTHS.length - level;
		if (AGAIN.includes(level))
			map = layers.relu(layers.conv(`again.${level}`, map, width, { kernel: 3, pads: 1 }));
		if (rest > LEVELS) return;
		const all = layers.sigmoid(layers.conv(`head.${level}`, map, 4 + CLASSES, { kernel: 1 }));
		// Few scores of a detector are worth a box.
		const head = graph.op('Mul', [all, graph.floats([SHARE_OF_SCORES])], { shape: all.shape });
		const [, channels, high, wide] = head.shape as number[];
		rows.push(layers.reshape(head, [1, channels!, high! * wide!]));
	});
	graph.output('output0', layers.concat(rows, 2));
	return graph;
}
