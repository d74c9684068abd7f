import { expect, it } from 'vitest';
import { GraphBuilder } from './graph-builder.ts';
import { Layers } from './layers.ts';
import { countOperations } from './operation-count.ts';

const weights = (_: string, shape: readonly number[]) => ({
	data: new Float32Array(shape.reduce((size, dim) => size * dim, 1)),
	shape,
});

it('counts multiply-adds of linear layers and convolutions for any number of rows', () => {
	const graph = new GraphBuilder();
	const layers = new Layers(graph, weights);
	layers.linear('a', graph.input('x', 'float32', ['rows', 8]), 5);
	const map = layers.conv3x3('c', graph.input('y', 'float32', ['rows', 3, 31, 31]), 24, 2, [0, 0, 0, 0]);
	expect(map.shape).toEqual(['rows', 24, 15, 15]);
	expect(countOperations(graph.operations, { rows: 10 })).toBe(10 * 8 * 5 + 10 * 24 * 15 * 15 * 3 * 9);
	expect(() => countOperations(graph.operations, {})).toThrow(/"rows" has no value/);
});

it('follows shapes through padding, splitting, gathering and transposing', () => {
	const graph = new GraphBuilder();
	const layers = new Layers(graph, weights);
	expect(layers.conv3x3('c', graph.input('p', 'float32', [1, 3, 32, 48]), 8, 2, [7, 7, 8, 8]).shape).toEqual([
		1, 8, 23, 31,
	]);
	const x = graph.input('x', 'float32', [20, 12]);
	expect(layers.gatherRows(x, graph.input('i', 'int64', ['k'])).shape).toEqual(['k', 12]);
	expect(layers.transpose(x, [1, 0]).shape).toEqual([12, 20]);
	expect(layers.split(x, [4, 8]).map((part) => part.shape)).toEqual([
		[20, 4],
		[20, 8],
	]);
});

it('refuses a linear layer over anything but rows', () => {
	const graph = new GraphBuilder();
	const x = graph.input('x', 'float32', [1, 2, 3]);
	expect(() => new Layers(graph, weights).linear('a', x, 5)).toThrow(
		/takes \[tokens, features\] \(got \[1, 2, 3\]\)/,
	);
});
