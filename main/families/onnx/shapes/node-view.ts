import type { OnnxNode } from '../onnx-file.ts';

/** A size, or null where only running tells it. */
export type Size1d = number | null;
/** Null where not even the number of axes is known. */
export type Shape = readonly Size1d[] | null;

/** More numbers are never sizes. */
export const FEW_NUMBERS = 4096;

/** What is known of a value before the graph runs: its shape, and its numbers where they are sizes, axes or the like. */
export type Known = { shape: Shape; numbers?: readonly number[] | undefined };

/** Numbers in all; null where a size is unknown. */
export function elementsOf(shape: Shape): number | null {
	if (shape === null) return null;
	return shape.reduce<Size1d>(
		(product, size) => (product === null || size === null ? null : product * size),
		1,
	);
}

/** A node with what is known of its inputs. */
export class NodeView {
	readonly node: OnnxNode;
	readonly #given: readonly Known[];

	constructor(node: OnnxNode, given: readonly Known[]) {
		this.node = node;
		this.#given = given;
	}

	/** Whether the optional input `i` is there. */
	has(i: number): boolean {
		return (this.node.inputs[i] ?? '') !== '';
	}

	get inputs(): readonly Known[] {
		return this.#given;
	}

	shape(i = 0): Shape {
		return this.#given[i]?.shape ?? null;
	}

	numbers(i: number): readonly number[] | undefined {
		return this.has(i) ? this.#given[i]?.numbers : undefined;
	}

	number(name: string, otherwise: number): number {
		const value = this.node.attributes.get(name);
		return typeof value === 'number' ? value : otherwise;
	}

	text(name: string): string {
		const value = this.node.attributes.get(name);
		return typeof value === 'string' ? value : '';
	}

	list(name: string): readonly number[] | undefined {
		const value = this.node.attributes.get(name);
		return Array.isArray(value) ? (value as readonly number[]) : undefined;
	}

	/** Axes or the like, which older operator sets have as an attribute and newer ones as an input. */
	listOrInput(name: string, i: number): readonly number[] | undefined {
		return this.list(name) ?? this.numbers(i);
	}
}

/** What comes out of a node. */
export type Rule = (node: NodeView) => readonly Known[];

/** An axis that may be counted from the end. */
export function fromStart(axis: number, rank: number): number {
	return axis < 0 ? axis + rank : axis;
}
