import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { createRuntime } from '../runtime/onnx-runtime.ts';
import { GraphBuilder } from '../graph/graph-builder.ts';
import { Layers } from '../graph/layers.ts';
import { readSafetensors } from '../weights/safetensors.ts';
import { requireTensors } from '../weights/weights.ts';
import { swin } from './swin.ts';
import { runOnce } from '../runtime/loaded-graph.ts';
import { float32, floats } from '../runtime/tensors.ts';

// What a small Swin transformer gave in PyTorch, made with the published class of Sparse DETR's repository: three
// stages, windows of 3, two pictures of 50 by 37 pixels, so that patches, windows and merged maps all need padding.
const FIXTURE = new URL('./fixtures/swin.safetensors', import.meta.url);
const TOLERANCE = 1e-4;

it('gives the feature maps of the published transformer', async () => {
	const tensors = readSafetensors(await readFile(FIXTURE), 'swin');
	const graph = new GraphBuilder();
	const { data, shape } = tensors.get('input')!;
	const picture = graph.input('picture', 'float32', shape);
	const layers = new Layers(graph, requireTensors(tensors, 'swin'));
	const config = {
		prefix: 'weights.',
		dim: 8,
		depths: [2, 2, 2],
		heads: [1, 2, 2],
		window: 3,
		normed: [1, 2],
	};
	swin(layers, picture, config).forEach((map, i) => graph.output(`output.${i}`, map));
	const names = ['output.0', 'output.1'];
	const feeds = { picture: float32(data, shape) };
	const outputs = await runOnce(createRuntime(1), graph.compile('swin'), feeds, names);
	for (const name of names) {
		const expected = tensors.get(name)!;
		expect(outputs[name]!.shape).toEqual(expected.shape);
		const actual = floats(outputs, name);
		const worst = actual.reduce((most, value, i) => Math.max(most, Math.abs(value - expected.data[i]!)), 0);
		expect(worst).toBeLessThan(TOLERANCE);
	}
});
