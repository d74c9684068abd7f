import type { Value } from '../../graph/graph-builder.ts';
import type { Layers } from '../../graph/layers.ts';

/**
 * Boxes [n, 4], centre and size, moved by `deltas` [n, 4]: the centre by shares of the size, the size by a factor's
 * logarithm. Neither is bound to the picture.
 */
export function moveBoxes(layers: Layers, boxes: Value, deltas: Value): Value {
	const { graph } = layers;
	const [centre, size] = layers.split(boxes, [2, 2]) as [Value, Value];
	const [shift, growth] = layers.split(deltas, [2, 2]) as [Value, Value];
	const op = (type: string, ...inputs: Value[]) => graph.op(type, inputs, { shape: shift.shape });
	const moved = op('Add', op('Mul', shift, size), centre);
	return layers.concat([moved, op('Mul', op('Exp', growth), size)], 1);
}

/** Linear layers `<name>.layers.i` to the given widths, with ReLU between them. */
export function perceptron(layers: Layers, name: string, x: Value, widths: readonly number[]): Value {
	return widths.reduce(
		(input, width, i) => layers.linear(`${name}.layers.${i}`, i === 0 ? input : layers.relu(input), width),
		x,
	);
}
