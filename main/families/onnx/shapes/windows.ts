import { type NodeView, type Rule, type Size1d } from './node-view.ts';

/** Sizes behind a sliding window, per axis of space. */
function windowSizes(node: NodeView, input: readonly Size1d[], kernel: readonly number[]): Size1d[] {
	const axes = input.length - 2;
	const ones = Array<number>(axes).fill(1);
	const strides = node.list('strides') ?? ones;
	const dilations = node.list('dilations') ?? ones;
	const pads = node.list('pads') ?? Array<number>(2 * axes).fill(0);
	const padding = node.text('auto_pad');
	const round = node.number('ceil_mode', 0) ? Math.ceil : Math.floor;
	return Array.from({ length: axes }, (_, axis) => {
		const size = input[axis + 2]!;
		if (size === null) return null;
		const [stride, reach] = [strides[axis]!, dilations[axis]! * (kernel[axis]! - 1) + 1];
		if (padding.startsWith('SAME')) return Math.ceil(size / stride);
		const padded = padding === 'VALID' ? size : size + pads[axis]! + pads[axis + axes]!;
		return round((padded - reach) / stride) + 1;
	});
}

/** Index of the weights among a convolution's inputs. */
export function convolution(weight: number): Rule {
	return (node) => {
		const [input, kernel] = [node.shape(0), node.shape(weight)];
		if (!input || !kernel) return [];
		const sides = kernel.slice(2).map((side) => side ?? 1);
		return [{ shape: [input[0]!, kernel[0]!, ...windowSizes(node, input, sides)] }];
	};
}

export const convTranspose: Rule = (node) => {
	const [input, kernel] = [node.shape(0), node.shape(1)];
	if (!input || !kernel) return [];
	const axes = input.length - 2;
	const ones = Array<number>(axes).fill(1);
	const zeros = Array<number>(2 * axes).fill(0);
	const [strides, dilations] = [node.list('strides') ?? ones, node.list('dilations') ?? ones];
	const [pads, extra] = [node.list('pads') ?? zeros, node.list('output_padding') ?? zeros];
	const fixed = node.list('output_shape');
	const sizes = Array.from({ length: axes }, (_, axis): Size1d => {
		if (fixed) return fixed.at(axis - axes)!;
		const [size, side] = [input[axis + 2]!, kernel[axis + 2]!];
		if (size === null || side === null) return null;
		if (node.text('auto_pad').startsWith('SAME')) return size * strides[axis]!;
		const reach = dilations[axis]! * (side - 1) + 1;
		return strides[axis]! * (size - 1) + extra[axis]! + reach - pads[axis]! - pads[axis + axes]!;
	});
	const out = kernel[1];
	return [
		{
			shape: [input[0]!, out === null || out === undefined ? null : out * node.number('group', 1), ...sizes],
		},
	];
};

export const pool: Rule = (node) => {
	const input = node.shape();
	const kernel = node.list('kernel_shape');
	if (!input || !kernel) return [];
	const shape = [...input.slice(0, 2), ...windowSizes(node, input, kernel)];
	return [{ shape }, { shape }];
};

export const globalPool: Rule = (node) => {
	const input = node.shape();
	return [{ shape: input && input.map((size, axis) => (axis < 2 ? size : 1)) }];
};

export const resize: Rule = (node) => {
	const input = node.shape();
	if (!input) return [];
	const isOld = node.node.operator === 'Upsample' || node.inputs.length === 2;
	const sizes = node.numbers(3);
	if (sizes?.length === input.length) return [{ shape: sizes }];
	const scales = node.list('scales') ?? node.numbers(isOld ? 1 : 2);
	if (scales?.length !== input.length)
		return [{ shape: input.map((size, axis) => (axis < 2 ? size : null)) }];
	return [
		{ shape: input.map((size, axis) => (size === null ? null : Math.floor(size * scales[axis]! + 1e-6))) },
	];
};
