import { type Rule, elementsOf, fromStart } from './node-view.ts';

/** Over `axes`, which newer operator sets have as an input. */
export const reduce: Rule = (node) => {
	const input = node.shape();
	if (!input) return [];
	const given = node.listOrInput('axes', 1);
	if (!given && node.has(1)) return [];
	const axes = (given ?? input.map((_, axis) => axis)).map((axis) => fromStart(axis, input.length));
	const keeps = node.number('keepdims', 1) === 1;
	const shape = input.flatMap((size, axis) => (axes.includes(axis) ? (keeps ? [1] : []) : [size]));
	return [{ shape }];
};

export const reduceProduct: Rule = (node) => {
	const [result] = reduce(node);
	const numbers = node.numbers(0);
	if (!result || !numbers || elementsOf(result.shape) !== 1) return result ? [result] : [];
	return [{ ...result, numbers: [numbers.reduce((product, one) => product * one, 1)] }];
};

export const arg: Rule = (node) => {
	const input = node.shape();
	if (!input) return [];
	const axis = fromStart(node.number('axis', 0), input.length);
	const keeps = node.number('keepdims', 1) === 1;
	return [{ shape: input.flatMap((size, i) => (i === axis ? (keeps ? [1] : []) : [size])) }];
};

export const topK: Rule = (node) => {
	const input = node.shape();
	if (!input) return [];
	const axis = fromStart(node.number('axis', -1), input.length);
	const k = node.numbers(1)?.[0] ?? node.node.attributes.get('k');
	const shape = input.with(axis, typeof k === 'number' ? k : null);
	return [{ shape }, { shape }];
};
