import { FEW_NUMBERS, type Rule, type Size1d, elementsOf, fromStart } from './node-view.ts';
import { broadcast } from './elementwise.ts';

export const concat: Rule = (node) => {
	const shapes = node.inputs.map(({ shape }) => shape);
	const first = shapes[0];
	if (!first || shapes.some((shape) => shape === null)) return [];
	const axis = fromStart(node.number('axis', 0), first.length);
	const sizes = shapes.map((shape) => shape![axis] ?? null);
	const total = sizes.reduce<Size1d>((sum, size) => (sum === null || size === null ? null : sum + size), 0);
	const lists = node.inputs.map(({ numbers }) => numbers);
	const all = first.length === 1 && lists.every((list) => list !== undefined) ? lists.flat() : undefined;
	return [{ shape: first.with(axis, total), numbers: all }];
};

export const split: Rule = (node) => {
	const input = node.shape();
	const count = node.node.outputs.length;
	if (!input) return [];
	const axis = fromStart(node.number('axis', 0), input.length);
	const sizes = node.listOrInput('split', 1);
	const size = input[axis] ?? null;
	return Array.from({ length: count }, (_, i) => {
		const each = size === null ? null : Math.ceil(size / count);
		const own = sizes?.[i] ?? (each === null ? null : Math.min(each, size! - i * each));
		return { shape: input.with(axis, own) };
	});
};

export const slice: Rule = (node) => {
	const input = node.shape();
	const [starts, ends] = [node.listOrInput('starts', 1), node.listOrInput('ends', 2)];
	if (!input) return [];
	const axes = node.listOrInput('axes', 3) ?? starts?.map((_, i) => i) ?? [];
	const steps = node.numbers(4);
	const hasAxes = axes.length > 0 && (!node.has(3) || node.numbers(3) !== undefined);
	if (!starts || !ends || !hasAxes || (node.has(4) && !steps)) {
		const cut = new Set(axes.map((axis) => fromStart(axis, input.length)));
		const isKnown = !node.has(3) || node.numbers(3) !== undefined;
		return [
			{ shape: input.map((size, axis) => (isKnown && axes.length > 0 && !cut.has(axis) ? size : null)) },
		];
	}
	const shape = [...input];
	let numbers = input.length === 1 ? node.numbers(0) : undefined;
	axes.forEach((given, i) => {
		const axis = fromStart(given, input.length);
		const size = input[axis] ?? null;
		const step = steps?.[i] ?? 1;
		if (size === null) {
			shape[axis] = null;
			numbers = undefined;
			return;
		}
		const clamp = (at: number, least: number, most: number) =>
			Math.min(most, Math.max(least, at < 0 ? at + size : at));
		const from = step > 0 ? clamp(starts[i]!, 0, size) : clamp(starts[i]!, -1, size - 1);
		const to = step > 0 ? clamp(ends[i]!, 0, size) : clamp(ends[i]!, -1, size - 1);
		const count = Math.max(0, Math.ceil((to - from) / step));
		shape[axis] = count;
		numbers = numbers && Array.from({ length: count }, (_, j) => numbers![from + j * step]!);
	});
	return [{ shape, numbers }];
};

export const gather: Rule = (node) => {
	const [data, indices] = [node.shape(0), node.shape(1)];
	if (!data || !indices) return [];
	const axis = fromStart(node.number('axis', 0), data.length);
	const shape = [...data.slice(0, axis), ...indices, ...data.slice(axis + 1)];
	const [list, at] = [node.numbers(0), node.numbers(1)];
	const numbers = data.length === 1 && list && at?.map((i) => list[fromStart(i, list.length)]!);
	return [{ shape, numbers: numbers || undefined }];
};

export const gatherNd: Rule = (node) => {
	const [data, indices] = [node.shape(0), node.shape(1)];
	const depth = indices?.at(-1);
	if (!data || !indices || typeof depth !== 'number') return [];
	const batch = node.number('batch_dims', 0);
	return [{ shape: [...indices.slice(0, -1), ...data.slice(batch + depth)] }];
};

export const reshape: Rule = (node) => {
	const input = node.shape();
	const target = node.listOrInput('shape', 1);
	const rank = node.shape(1)?.[0];
	if (!target) return typeof rank === 'number' ? [{ shape: Array<null>(rank).fill(null) }] : [];
	const copies = node.number('allowzero', 0) === 0;
	const shape = target.map((size, axis) => (size === 0 && copies ? (input?.[axis] ?? null) : size));
	const open = shape.indexOf(-1);
	if (open >= 0) {
		const all = elementsOf(input);
		const others = elementsOf(shape.filter((_, axis) => axis !== open));
		shape[open] = all === null || others === null || others === 0 ? null : all / others;
	}
	return [{ shape, numbers: node.numbers(0) }];
};

export const flatten: Rule = (node) => {
	const input = node.shape();
	if (!input) return [];
	const axis = fromStart(node.number('axis', 1), input.length);
	return [{ shape: [elementsOf(input.slice(0, axis)), elementsOf(input.slice(axis))] }];
};

export const squeeze: Rule = (node) => {
	const input = node.shape();
	const axes = node.listOrInput('axes', 1)?.map((axis) => fromStart(axis, input?.length ?? 0));
	if (!input || (!axes && input.includes(null))) return [];
	const shape = input.filter((size, axis) => (axes ? !axes.includes(axis) : size !== 1));
	return [{ shape, numbers: node.numbers(0) }];
};

export const unsqueeze: Rule = (node) => {
	const input = node.shape();
	const given = node.listOrInput('axes', 1);
	if (!input || !given) return [];
	const rank = input.length + given.length;
	const axes = given.map((axis) => fromStart(axis, rank));
	let next = 0;
	const shape = Array.from({ length: rank }, (_, axis) => (axes.includes(axis) ? 1 : input[next++]!));
	return [{ shape, numbers: node.numbers(0) }];
};

export const transpose: Rule = (node) => {
	const input = node.shape();
	const order = node.list('perm') ?? input?.map((_, axis) => input.length - 1 - axis);
	return [{ shape: input && order!.map((axis) => input[axis] ?? null) }];
};

export const expand: Rule = (node) => {
	const target = node.numbers(1);
	const shape = target ? broadcast([node.shape(), target]) : null;
	const [numbers, count] = [node.numbers(0), elementsOf(shape)];
	const fills = numbers?.length === 1 && count !== null && count <= FEW_NUMBERS;
	return [{ shape, numbers: fills ? Array<number>(count).fill(numbers[0]!) : undefined }];
};

export const tile: Rule = (node) => {
	const [input, repeats] = [node.shape(), node.numbers(1)];
	if (!input) return [];
	return [
		{
			shape: input.map((size, axis) => {
				const times = repeats?.[axis];
				return size === null || times === undefined ? null : size * times;
			}),
		},
	];
};

export const pad: Rule = (node) => {
	const input = node.shape();
	const pads = node.listOrInput('pads', 1);
	if (!input) return [];
	const axes = node.numbers(3)?.map((axis) => fromStart(axis, input.length)) ?? input.map((_, axis) => axis);
	const shape = [...input];
	axes.forEach((axis, i) => {
		const size = shape[axis] ?? null;
		shape[axis] = size === null || !pads ? null : size + pads[i]! + pads[i + axes.length]!;
	});
	return [{ shape }];
};
