import type { Value } from '../../graph/graph-builder.ts';
import type { Layers } from '../../graph/layers.ts';

/** What a graph gives out: its results, and of what lies in between that which was asked for. */
export class GraphOutputs {
	readonly #layers: Layers;
	readonly #wanted: ReadonlySet<string>;
	readonly #given = new Set<string>();

	constructor(layers: Layers, wanted: ReadonlySet<string>) {
		this.#layers = layers;
		this.#wanted = wanted;
	}

	give(name: string, value: Value): void {
		const { graph } = this.#layers;
		const again = this.#given.has(value.name);
		// A value has one name as an output; a second one goes to a copy.
		const out = again ? graph.op('Identity', [value], { shape: value.shape }) : value;
		this.#given.add(out.name);
		graph.output(name, out);
	}

	/** An intermediate value; one that is computed only where it is wanted comes as a function. */
	tap(name: string, value: Value | (() => Value)): void {
		if (this.#wanted.has(name)) this.give(name, typeof value === 'function' ? value() : value);
	}
}
