import { FEW_NUMBERS, type Rule, type Shape, elementsOf } from './node-view.ts';

export const same: Rule = (node) => [{ shape: node.shape(), numbers: node.numbers(0) }];
/** The same shape, other numbers. */
export const elementwise: Rule = (node) => [{ shape: node.shape() }];

export function broadcast(shapes: readonly Shape[]): Shape {
	if (shapes.some((shape) => shape === null)) return null;
	const rank = Math.max(0, ...shapes.map((shape) => shape!.length));
	return Array.from({ length: rank }, (_, axis) => {
		const sizes = shapes.map((shape) => shape!.at(axis - rank)).filter((size) => size !== undefined);
		const large = sizes.find((size) => size !== null && size !== 1);
		if (large !== undefined) return large;
		return sizes.includes(null) ? null : 1;
	});
}

/** Element by element over two inputs, with their numbers where these are few. */
export function binary(compute: (a: number, b: number) => number): Rule {
	return (node) => {
		const shape = broadcast([node.shape(0), node.shape(1)]);
		const [a, b] = [node.numbers(0), node.numbers(1)];
		const count = elementsOf(shape);
		if (!a || !b || count === null || count > FEW_NUMBERS || !isSimple(a, b, count)) return [{ shape }];
		const at = (list: readonly number[], i: number) => list[list.length === 1 ? 0 : i]!;
		return [{ shape, numbers: Array.from({ length: count }, (_, i) => compute(at(a, i), at(b, i))) }];
	};
}

export function isSimple(a: readonly number[], b: readonly number[], count: number): boolean {
	return [a, b].every(({ length }) => length === 1 || length === count);
}

export function unary(compute: (a: number) => number): Rule {
	return (node) => [{ shape: node.shape(), numbers: node.numbers(0)?.map(compute) }];
}

export const manyBroadcast: Rule = (node) => [{ shape: broadcast(node.inputs.map(({ shape }) => shape)) }];
