import { type NodeView, type Rule, type Shape, type Size1d } from './node-view.ts';
import { broadcast } from './elementwise.ts';

/** `a` [.., n, k] · `b` [.., k, m]. */
function matMulShape(a: Shape, b: Shape): Shape {
	if (!a || !b || a.length === 0 || b.length === 0) return null;
	const [left, right] = [a.length === 1 ? [1, ...a] : a, b.length === 1 ? [...b, 1] : b];
	const batch = broadcast([left.slice(0, -2), right.slice(0, -2)])!;
	return [...batch, ...(a.length === 1 ? [] : [left.at(-2)!]), ...(b.length === 1 ? [] : [right.at(-1)!])];
}

export const matMul =
	(b: number): Rule =>
	(node) => [{ shape: matMulShape(node.shape(0), node.shape(b)) }];

export const gemm: Rule = (node) => {
	const [a, b] = [node.shape(0), node.shape(1)];
	if (!a || !b) return [];
	const rows = node.number('transA', 0) ? a[1] : a[0];
	const cols = node.number('transB', 0) ? b[0] : b[1];
	return [{ shape: [rows ?? null, cols ?? null] }];
};

/** Sizes by the letters of an Einsum's equation, and the letters of its result; null where it is not plain. */
export function einsumSizes(node: NodeView): { sizes: Map<string, Size1d>; result: string } | null {
	const [terms, result] = node.text('equation').replaceAll(' ', '').split('->');
	if (!terms || result === undefined || terms.includes('.')) return null;
	const sizes = new Map<string, Size1d>();
	terms.split(',').forEach((term, i) => {
		[...term].forEach((letter, axis) =>
			sizes.set(letter, sizes.get(letter) ?? node.shape(i)?.[axis] ?? null),
		);
	});
	return { sizes, result };
}

export const einsum: Rule = (node) => {
	const plain = einsumSizes(node);
	return [{ shape: plain && [...plain.result].map((letter) => plain.sizes.get(letter) ?? null) }];
};
