import type { Value } from '../../graph/graph-builder.ts';
import { LARGEST } from '../../graph/int8-linear.ts';
import {
	attendInInt8,
	centred,
	largestOf,
	reduced,
	roundedToInt8,
	sharesOfLargest,
} from '../../graph/int8-products.ts';
import type { Layers } from '../../graph/layers.ts';
import { attendsPlainly, headDim, tokenTotal, type VitPlan } from '../../vit/plan.ts';
import { ROWS } from './memory-layout.ts';

/** With fewer tokens, attention in float32 is as fast. */
const LEAST_TOKENS = 512;
/** Logits of all tokens: they are held at once. */
const MOST_LOGITS = 5e7;
/** Rows of values are copied by so many numbers at a time. */
const WIDTHS = 4;
/** Numbers may become so many times as large as the largest that were seen before there is no room for them. */
export const ROOM = 1.5;
/**
 * The least that there is room for, as a share of the root mean square of all numbers: a first frame that is all alike, such as a black one,
 * says nothing of the size of others.
 */
const LEAST_SHARE = 0.5;
/** The least that there is room for where all numbers are 0. */
const LEAST_REACH = 1e-6;

/** What 1 stands for in a column, by its largest number and the root mean square of all columns. */
export function stepOf(largest: number, size: number): number {
	return (ROOM / LARGEST) * Math.max(largest, (LEAST_SHARE / ROOM) * size, LEAST_REACH);
}

/** The blocks whose keys and values may be remembered in whole numbers of eight bits, by their numbers. */
export function roundableBlocks(plan: VitPlan): number[] {
	const tokens = tokenTotal(plan);
	if (tokens < LEAST_TOKENS || plan.heads * tokens ** 2 > MOST_LOGITS) return [];
	if (headDim(plan) % WIDTHS !== 0) return [];
	return plan.blocks.flatMap((block, i) => (attendsPlainly(block) ? [i] : []));
}

/**
 * All keys or values of a block, [1, heads, rows, width], as they are remembered: in whole numbers, keys [heads, width, rows], values
 * [heads, rows, width]. Outputs `<name>.steps` and `<name>.centre` [heads, 1, width]: a number stands for steps · number + centre.
 */
export function asRounded(layers: Layers, name: string, of: 'keys' | 'values', all: Value): Value {
	const { graph } = layers;
	const [, heads, rows, width] = all.shape as [1, number, number, number];
	const x = layers.reshape(all, [heads, rows, width]);
	const { x: around, mean: centre } = centred(graph, x);
	const largest = largestOf(graph, around, 1);
	const square = reduced(graph, 'ReduceMean', graph.op('Mul', [x, x], { shape: x.shape }), 0, 1, 2);
	const size = graph.op('Sqrt', [square], { shape: square.shape });
	const least = graph.op('Mul', [size, graph.floats([LEAST_SHARE / ROOM])], { shape: size.shape });
	const reach = graph.op('Max', [largest, least, graph.floats([LEAST_REACH])], { shape: largest.shape });
	const steps = graph.op('Mul', [reach, graph.floats([ROOM / LARGEST])], { shape: reach.shape }); // as `stepOf`
	graph.output(`${name}.steps`, steps);
	graph.output(`${name}.centre`, centre);
	const numbers = roundedToInt8(graph, graph.op('Div', [around, steps], { shape: x.shape }));
	return of === 'keys' ? layers.transpose(numbers, [0, 2, 1]) : numbers;
}

/**
 * Attention of the computed tokens over keys and values that are remembered in whole numbers of eight bits, with a step for each column of
 * a head; see `asRounded`.
 *
 * in: per block `keys.i` int8 [heads, width, tokens], `values.i` int8 [heads, tokens, width], `keys.i.steps`, `values.i.steps` and
 * `values.i.centre` [heads, 1, width]; of keys and behind them values, `steps.i` and `centres.i` [2 · heads, width].
 * out: `keys.i.fresh` [heads, width, rows], whose numbers stand for the last columns; `values.i.h` [rows, 1, width] of each head, which
 * must be written into the last rows during the run; `largest.i` [1, 2 · heads, width], of each column the largest fresh number in its steps.
 * Beyond 127 there is no room, and numbers are cut off.
 */
export class RoundedAttention {
	readonly #layers: Layers;
	readonly #plan: VitPlan;
	/** How many rows there are, below 0: [1]. */
	readonly #lessRows: Value;

	/** `tokens` [rows] */
	constructor(layers: Layers, plan: VitPlan, tokens: Value) {
		this.#layers = layers;
		this.#plan = plan;
		const attributes = { start: 0, end: 1 };
		const rows = layers.graph.op('Shape', [tokens], { shape: [1], type: 'int64' }, { attributes });
		this.#lessRows = layers.graph.op('Neg', [rows], { shape: [1] });
	}

	/** Of block i: queries [rows, heads, width], keys and behind them values [rows, 2 · heads, width] -> [rows, dim]. */
	of(i: number, queries: Value, keysAndValues: Value): Value {
		const layers = this.#layers;
		const { graph } = layers;
		const { heads, dim } = this.#plan;
		const width = headDim(this.#plan);
		const tokens = tokenTotal(this.#plan);
		const ofColumns = (name: string) => graph.input(name, 'float32', [heads, 1, width]);
		const keySteps = ofColumns(`keys.${i}.steps`);
		const numbers = this.#round(i, keysAndValues);
		const sizes = [heads, ...Array<number>(heads).fill(1)];
		const [freshKeys, ...freshValues] = layers.split(numbers, sizes, 1);
		freshValues.forEach((ofHead, head) => graph.output(`values.${i}.${head}`, ofHead));
		const byHead = layers.transpose(queries, [1, 0, 2]);
		const { x, sizes: querySizes } = sharesOfLargest(
			graph,
			graph.op('Mul', [byHead, keySteps], { shape: byHead.shape }),
		);
		const scale = new Float32Array(tokens).fill(1 / Math.sqrt(width));
		const ofEveryKey = graph.constant('int8:scale', { data: scale, shape: [1, 1, tokens] });
		const keys = {
			numbers: this.#withLast(i, layers.transpose(freshKeys!, [1, 2, 0])),
			scales: graph.op('Mul', [querySizes, ofEveryKey], { shape: [heads, 1, tokens] }),
		};
		const values = {
			numbers: graph.input(`values.${i}`, 'int8', [heads, tokens, width]),
			scales: ofColumns(`values.${i}.steps`),
		};
		const seen = attendInInt8(graph, x, keys, values);
		const whole = layers.add(seen, ofColumns(`values.${i}.centre`));
		return layers.reshape(layers.transpose(whole, [1, 0, 2]), [ROWS, dim]);
	}

	#round(i: number, keysAndValues: Value): Value {
		const { graph } = this.#layers;
		const [, columns, width] = keysAndValues.shape as [string, number, number];
		const { shape } = keysAndValues;
		const centres = graph.input(`centres.${i}`, 'float32', [columns, width]);
		const steps = graph.input(`steps.${i}`, 'float32', [columns, width]);
		const around = graph.op('Sub', [keysAndValues, centres], { shape });
		const inSteps = graph.op('Div', [around, steps], { shape });
		graph.output(`largest.${i}`, largestOf(graph, inSteps, 0));
		return roundedToInt8(graph, inSteps);
	}

	/** The remembered keys of block i with fresh ones [heads, width, rows] instead of the last. */
	#withLast(i: number, fresh: Value): Value {
		const layers = this.#layers;
		const { graph } = layers;
		const { heads } = this.#plan;
		const memory = graph.input(`keys.${i}`, 'int8', [heads, headDim(this.#plan), tokenTotal(this.#plan)]);
		graph.output(`keys.${i}.fresh`, fresh);
		const others = graph.op('Slice', [memory, graph.integers([0]), this.#lessRows, graph.integers([2])], {
			shape: memory.shape.with(2, 'remembered'),
		});
		return { ...layers.concat([others, fresh], 2), shape: memory.shape };
	}
}
