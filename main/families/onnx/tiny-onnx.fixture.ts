import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import onnxProto from 'onnx-proto';
import { encodeGraph, GraphBuilder, type ElementType, type Value } from '../../graph/graph-builder.ts';
import { float32 } from '../../runtime/tensors.ts';

const { onnx } = onnxProto;

type TinyPort = { name: string; type?: ElementType; shape: readonly (number | string)[] };

export type TinyOutput = {
	name: string;
	type?: ElementType;
	shape: readonly number[];
	/** All of them, or the first ones before zeros. */
	numbers?: readonly number[];
	/** Sizes of parts along the second axis that are joined to make it, as they are in exports. */
	parts?: readonly number[];
	/** What the mean of the picture counts in each number along the last axis. */
	plusMean?: readonly number[];
};

/** A network that gives fixed numbers whatever it sees. Its answers depend on the picture as far as nothing comes of it. */
export type TinyNetwork = {
	/** The picture; 128×128 unless told otherwise. */
	input?: Partial<TinyPort>;
	/** Further inputs. */
	extras?: readonly TinyPort[];
	outputs: readonly TinyOutput[];
	metadata?: Readonly<Record<string, string>>;
	/** Whether it looks like a vision transformer: patches, a norm and GELU, of which nothing comes either. */
	vit?: boolean;
	/** Changes the model before it is written. */
	change?(model: InstanceType<typeof onnx.ModelProto>): void;
};

/** The bytes of an ONNX file with that network. */
export function tinyOnnx({
	input,
	extras = [],
	outputs,
	metadata = {},
	vit,
	change,
}: TinyNetwork): Uint8Array {
	const graph = new GraphBuilder();
	const { name = 'images', type = 'float32', shape = [1, 3, 128, 128] } = input ?? {};
	const picture = graph.input(name, type, shape);
	const seen = type === 'float32' ? picture : graph.cast(picture, 'float32');
	const isLast = shape[3] === 3;
	const planes = isLast
		? graph.op('Transpose', [seen], { shape: [1, 3, 'h', 'w'] }, { attributes: { perm: [0, 3, 1, 2] } })
		: seen;
	const all = graph.op('ReduceMean', [planes], { shape: [1, 1, 1, 1] }); // keeps the axes
	const mean = graph.op('Reshape', [all, graph.integers([1])], { shape: [1] });
	const filter = graph.constant('filter', { data: new Float32Array(3), shape: [1, 3, 1, 1] });
	const mapped = graph.op('Conv', [planes, filter], { shape: [1, 1, 'h', 'w'] });
	const none = graph.op('ReduceMean', [mapped], { shape: [1, 1, 1, 1] });
	let nothing = graph.op('Reshape', [none, graph.integers([1])], { shape: [1] });
	if (vit) nothing = graph.op('Mul', [emitVit(graph, planes), nothing], { shape: [1] });
	for (const extra of extras) {
		const given = graph.input(extra.name, extra.type ?? 'float32', extra.shape);
		const total = graph.op('ReduceMean', [graph.cast(given, 'float32')], { shape: [1] });
		const flat = graph.op('Reshape', [total, graph.integers([1])], { shape: [1] });
		nothing = graph.op('Add', [nothing, graph.op('Mul', [flat, graph.floats([0])], { shape: [1] })], {
			shape: [1],
		});
	}
	for (const output of outputs) {
		const count = output.shape.reduce((product, size) => product * size, 1);
		const data = new Float32Array(count);
		data.set(output.numbers ?? []);
		const fixed = graph.constant(`${output.name}:numbers`, float32(data, output.shape));
		const { plusMean = [0] } = output;
		const width = [plusMean.length];
		const part = graph.op('Mul', [mean, graph.floats(plusMean)], { shape: width });
		const offset = graph.op('Add', [nothing, part], { shape: width });
		const sum = graph.op('Add', [fixed, offset], { shape: output.shape });
		const joined = output.parts ? joinParts(graph, sum, output.parts) : sum;
		graph.output(output.name, graph.cast(joined, output.type ?? 'float32'));
	}
	const model = onnx.ModelProto.decode(encodeGraph(graph.compile('tiny')));
	model.metadataProps = Object.entries(metadata).map(([key, value]) => ({ key, value }));
	change?.(model);
	return onnx.ModelProto.encode(model).finish();
}

/** The same again, cut into parts and joined. */
function joinParts(graph: GraphBuilder, { name, type, shape }: Value, sizes: readonly number[]): Value {
	const bounds = sizes.map((_, i) => sizes.slice(0, i + 1).reduce((sum, size) => sum + size, 0));
	const parts = bounds.map((end, i) => {
		const ends = [graph.integers([end - sizes[i]!]), graph.integers([end]), graph.integers([1])];
		return graph.op('Slice', [{ name, type, shape }, ...ends], { shape: shape.with(1, sizes[i]!) });
	});
	return graph.op('Concat', parts, { shape }, { attributes: { axis: 1 } });
}

function emitVit(graph: GraphBuilder, planes: Value): Value {
	const patches = graph.constant('patches', { data: new Float32Array(3 * 256), shape: [1, 3, 16, 16] });
	const tokens = graph.op(
		'Conv',
		[planes, patches],
		{ shape: [1, 1, 'h', 'w'] },
		{ attributes: { strides: [16, 16] } },
	);
	const curved = graph.op('Gelu', [tokens], { shape: tokens.shape }, { attributes: { approximate: 'none' } });
	const scale = graph.op('Reshape', [graph.floats([1]), graph.integers([1])], { shape: [1] });
	const total = graph.op('ReduceMean', [curved], { shape: [1, 1, 1, 1] });
	const flat = graph.op('Reshape', [total, graph.integers([1, 1])], { shape: [1, 1] });
	const normed = graph.op(
		'LayerNormalization',
		[flat, scale],
		{ shape: [1, 1] },
		{ attributes: { axis: -1 } },
	);
	return graph.op('Reshape', [normed, graph.integers([1])], { shape: [1] });
}

/** A temporary folder for ONNX files. */
export function onnxFolder() {
	const folder = mkdtempSync(join(tmpdir(), 'sparsight-onnx-'));
	return {
		folder,
		/** Writes a network or other content and returns its path. */
		put(name: string, content: TinyNetwork | Uint8Array | string): string {
			const path = join(folder, name);
			const isNetwork = typeof content === 'object' && 'outputs' in content;
			writeFileSync(path, isNetwork ? tinyOnnx(content) : content);
			return path;
		},
		remove: () => rmSync(folder, { recursive: true, force: true }),
	};
}

/** Anchors of a YOLO of 128×128: 16×16 + 8×8 + 4×4 points. */
export const POINTS = 336;

/** A network of each signature with one person of score 0.9 in the middle half of the picture, unless told otherwise; its outputs alone. */
export const SIGNATURES = {
	/** 80 classes. */
	yoloRaw: [{ name: 'output0', shape: [1, 84, POINTS], numbers: atAnchor([64, 64, 64, 64, 0.9], 0, POINTS) }],
	endToEnd: [{ name: 'output0', shape: [1, 20, 6], numbers: [32, 32, 96, 96, 0.9, 0] }],
	/** Three anchors for every point. */
	yoloObjectness: [{ name: 'output', shape: [1, 3 * POINTS, 85], numbers: [64, 64, 64, 64, 1, 0.9] }],
	/** The first point is the upper left one, of stride 8. */
	yolox: [{ name: 'output', shape: [1, POINTS, 85], numbers: [8, 8, Math.log(8), Math.log(8), 1, 0.9] }],
	detrPostprocessed: [
		{ name: 'labels', type: 'int64', shape: [1, 30] },
		{ name: 'boxes', shape: [1, 30, 4], numbers: [0.25, 0.25, 0.75, 0.75] },
		{ name: 'scores', shape: [1, 30], numbers: [0.9] },
	],
	/** COCO's ids: a person is 1. */
	rfDetr: [
		{ name: 'dets', shape: [1, 30, 4], numbers: [0.5, 0.5, 0.5, 0.5] },
		{ name: 'labels', shape: [1, 30, 91], numbers: logits(30, 91, 1) },
	],
	mmdet: [
		{ name: 'dets', shape: [1, 30, 5], numbers: [32, 32, 96, 96, 0.9] },
		{ name: 'labels', type: 'int64', shape: [1, 30] },
	],
	huggingFace: [
		{ name: 'logits', shape: [1, 30, 92], numbers: logits(30, 92, 1, 91) },
		{ name: 'pred_boxes', shape: [1, 30, 4], numbers: [0.5, 0.5, 0.5, 0.5] },
	],
	/** Points of stride 4; the box is 64 pixels around the one in column and row 15. */
	centerFace: [
		{ name: '537', shape: [1, 1, 32, 32], numbers: spread([[32 * 15 + 15, 0.9]]) },
		{ name: '538', shape: [1, 2, 32, 32], numbers: Array<number>(2048).fill(Math.log(16)) },
		{ name: '539', shape: [1, 2, 32, 32], numbers: Array<number>(2048).fill(0.5) },
		{ name: '540', shape: [1, 10, 32, 32] },
	],
	ultraFace: [
		{ name: 'scores', shape: [1, 1200, 2], numbers: [0.1, 0.9] },
		{ name: 'boxes', shape: [1, 1200, 4], numbers: [0.25, 0.25, 0.75, 0.75] },
	],
} as const satisfies Record<string, TinyNetwork['outputs']>;

/** Numbers of one anchor in a table [numbers, anchors]. */
function atAnchor(numbers: readonly number[], anchor: number, anchors: number): number[] {
	return spread(numbers.map((number, row) => [row * anchors + anchor, number]));
}

function spread(pairs: readonly (readonly [at: number, number: number])[]): number[] {
	const all = Array<number>(Math.max(...pairs.map(([at]) => at)) + 1).fill(0);
	for (const [at, number] of pairs) all[at] = number;
	return all;
}

/** Of queries that see nothing, but for the first one, which is sure of a label by 0.9; `background`: where seeing nothing has a label. */
function logits(queries: number, labels: number, label: number, background?: number): number[] {
	const all = Array<number>(queries * labels).fill(background === undefined ? -20 : 0);
	if (background !== undefined)
		for (let query = 0; query < queries; query++) all[query * labels + background] = 20;
	if (background === undefined) all[label] = Math.log(9);
	else [all[label], all[background]] = [Math.log(9 * 91), 0]; // 91 others of weight 1
	return all;
}
