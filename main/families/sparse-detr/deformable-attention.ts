import { assert } from '../../domain/errors.ts';
import type { Value } from '../../graph/graph-builder.ts';
import type { Layers } from '../../graph/layers.ts';
import type { Dim } from '../../graph/operation-count.ts';
import { addBorder, type Pyramid } from './pyramid.ts';
import { derivedTensor, type FloatTensor } from '../../domain/float-tensor.ts';

/** What queries sample around, on every level and point: [rows, 1, levels · points] each, in fractions of a level's map. */
export type References = {
	x: Value;
	y: Value;
	/** Of a box; absent where queries have a point only. */
	width?: Value;
	height?: Value;
};

/** Sampling locations in fractions of a level's map, and attention weights: [rows · heads, levels · points] each. */
export type Samples = { x: Value; y: Value; weight: Value };

/** Indices into float32-exact whole numbers: see `sample`. */
const LARGEST_EXACT = 2 ** 24;
const INT32 = 6;

/**
 * Multi-scale deformable attention (Zhu et al., ICLR 2021, equation 3) over the tokens of one pyramid.
 *
 * A sample is read bilinearly from the four cells around it. All four come out of one table by `Gather`, and one batched
 * `MatMul` per query and head weighs them: faster than `GridSample`, which goes through its planes channel by channel.
 * Maps have a border of zeros, so a place outside is moved onto the border instead of being masked.
 */
export class DeformableAttention {
	readonly #layers: Layers;
	readonly #pyramid: Pyramid;
	readonly #dim: number;
	readonly #heads: number;
	readonly #cells: number;
	readonly #bordered: ReturnType<typeof addBorder>;

	constructor(layers: Layers, pyramid: Pyramid, size: { dim: number; heads: number }) {
		this.#layers = layers;
		this.#pyramid = pyramid;
		this.#dim = size.dim;
		this.#heads = size.heads;
		this.#bordered = addBorder(pyramid);
		this.#cells = this.#bordered.cells;
		assert(
			pyramid.batch * this.#cells * size.heads < LARGEST_EXACT,
			'places in a table are exact in float32',
		);
	}

	/**
	 * `query` [rows, dim], pictures one behind the other with equally many rows; `tokens` [batch · tokens, dim].
	 * Tensors are those of `prefix`sampling_offsets and so on. Gives [rows, dim].
	 */
	attend(
		prefix: string,
		points: number,
		inputs: { query: Value; references: References; tokens: Value },
	): { out: Value; samples: Samples } {
		const { query, references, tokens } = inputs;
		const table = this.#table(this.#layers.linear(`${prefix}value_proj`, tokens, this.#dim));
		const samples = this.#locate(prefix, points, query, references);
		const sampled = this.#sample(table, points, query.shape[0]!, samples);
		return { out: this.#layers.linear(`${prefix}output_proj`, sampled, this.#dim), samples };
	}

	/** The values of all cells of all heads: [batch · cells · heads, dim / heads]. */
	#table(values: Value): Value {
		const { graph } = this.#layers;
		const { batch } = this.#pyramid;
		const nothing = graph.constant(`nothing:${this.#dim}`, {
			data: new Float32Array(this.#dim),
			shape: [1, this.#dim],
		});
		const cells = graph.constant('cells', { data: this.#bordered.tokens, shape: [batch * this.#cells] });
		const rows = this.#layers.gatherRows(this.#layers.concat([values, nothing], 0), cells);
		return this.#layers.reshape(rows, [batch * this.#cells * this.#heads, this.#dim / this.#heads]);
	}

	/** One linear layer for x and y of all offsets and for all weights, so that its results lie in planes. */
	#locate(prefix: string, points: number, query: Value, references: References): Samples {
		const layers = this.#layers;
		const { graph } = layers;
		const rows = query.shape[0]!;
		const places = this.#pyramid.levels.length * points;
		const count = this.#heads * places;
		const offsets = (part: string, shape: readonly number[]) =>
			layers.tensor(`${prefix}sampling_offsets.${part}`, [2 * count, ...shape]);
		const logits = (part: string, shape: readonly number[]) =>
			layers.tensor(`${prefix}attention_weights.${part}`, [count, ...shape]);
		const joined = (part: string, shape: readonly number[]) =>
			graph.constant(`${prefix}samples.${part}`, joinRows(offsets(part, shape), logits(part, shape)));
		const all = layers.linearFrom(query, joined('weight', [this.#dim]), joined('bias', []));
		const [offsetX, offsetY, weights] = layers
			.split(all, [count, count, count])
			.map((plane) => layers.reshape(plane, [rows, this.#heads, places])) as [Value, Value, Value];

		const along = (axis: 'x' | 'y', offset: Value, size: 'cols' | 'rows', extent: Value | undefined) => {
			const step = this.#perPlace(`offset-step:${axis}:${extent ? 'box' : 'point'}`, points, (level) =>
				extent ? 0.5 / points : 1 / level[size],
			);
			const moved = this.#op('Mul', offset, step);
			return this.#op('Add', extent ? this.#op('Mul', moved, extent) : moved, references[axis]);
		};
		const flat = (value: Value) => layers.reshape(value, [times(rows, this.#heads), places]);
		return {
			x: flat(along('x', offsetX, 'cols', references.width)),
			y: flat(along('y', offsetY, 'rows', references.height)),
			weight: layers.softmax(flat(weights)),
		};
	}

	/** The weighted sum of the samples: [rows, dim]. */
	#sample(table: Value, points: number, rows: Dim, samples: Samples): Value {
		const layers = this.#layers;
		const heads = this.#heads;
		const places = this.#pyramid.levels.length * points;
		const [sampleRows] = samples.x.shape as [Dim];
		const x = this.#cellOf('x', 'cols', points, samples.x);
		const y = this.#cellOf('y', 'rows', points, samples.y);

		const below = this.#op('Mul', samples.weight, y.fraction);
		const above = this.#op('Sub', samples.weight, below);
		const aboveRight = this.#op('Mul', above, x.fraction);
		const belowRight = this.#op('Mul', below, x.fraction);
		const weights = [
			this.#op('Sub', above, aboveRight),
			aboveRight,
			this.#op('Sub', below, belowRight),
			belowRight,
		];
		const first = this.#firstCell(points, rows, x.cell, y.cell);
		const corners = this.#op('Add', layers.reshape(first, [sampleRows, 1, places]), this.#corners(points), [
			sampleRows,
			4,
			places,
		]);
		return layers.reshape(
			this.#weigh(
				table,
				layers.reshape(corners, [sampleRows, 4 * places]),
				layers.reshape(layers.concat(weights, 1), [sampleRows, 1, 4 * places]),
				rows,
			),
			[rows, heads * (this.#dim / heads)],
		);
	}

	/** The cell left of (above) a place, from −1, and how far right of (below) its middle the place lies, 0 to 1. */
	#cellOf(
		axis: string,
		size: 'cols' | 'rows',
		points: number,
		place: Value,
	): { cell: Value; fraction: Value } {
		const { graph } = this.#layers;
		const perLevel = (what: string, number: (cells: number) => number) =>
			this.#perPlace(`${what}:${axis}`, points, (level) => number(level[size]));
		const number = (name: string, value: number) =>
			graph.constant(name, { data: Float32Array.of(value), shape: [] });
		const scaled = this.#op(
			'Mul',
			place,
			perLevel('size', (cells) => cells),
		);
		const pixels = this.#op('Sub', scaled, number('half', 0.5));
		const inside = this.#op(
			'Min',
			this.#op('Max', pixels, number('before', -1)),
			perLevel('behind', (cells) => cells),
		);
		const cell = this.#op(
			'Min',
			graph.op('Floor', [inside], { shape: inside.shape }),
			perLevel('last', (cells) => cells - 1),
		);
		return { cell, fraction: this.#op('Sub', inside, cell) };
	}

	/** Row in the table of the upper left cell: [rows · heads, places], int32. */
	#firstCell(points: number, rows: Dim, x: Value, y: Value): Value {
		const { graph } = this.#layers;
		const heads = this.#heads;
		const places = this.#pyramid.levels.length * points;
		const rowStep = this.#perPlace(
			`row-step:${heads}`,
			points,
			(_, i) => this.#bordered.levels[i]!.rowCells * heads,
		);
		const colStep = graph.constant(`col-step:${heads}`, { data: Float32Array.of(heads), shape: [] });
		const within = this.#op('Add', this.#op('Mul', y, rowStep), this.#op('Mul', x, colStep));
		const start = Float32Array.from({ length: heads * places }, (_, i) => {
			const level = this.#bordered.levels[Math.floor((i % places) / points)]!;
			return (level.start + level.rowCells + 1) * heads + Math.floor(i / places);
		});
		const starts = graph.constant(`first-cells:${heads}:${points}`, {
			data: start,
			shape: [1, heads * places],
		});
		const byRow = this.#op('Add', this.#layers.reshape(within, [rows, heads * places]), starts);
		const cast = (value: Value) =>
			graph.op('Cast', [value], { shape: value.shape, type: 'int32' }, { attributes: { to: INT32 } });
		return cast(this.#layers.reshape(this.#ofPicture(byRow, heads * places), x.shape));
	}

	/** Adds where each picture's cells start; nothing where there is one picture. */
	#ofPicture(byRow: Value, width: number): Value {
		const { batch } = this.#pyramid;
		if (batch === 1) return byRow;
		const starts = Float32Array.from({ length: batch }, (_, n) => n * this.#cells * this.#heads);
		const pictures = this.#layers.graph.constant(`picture-cells:${this.#heads}`, {
			data: starts,
			shape: [batch, 1, 1],
		});
		return this.#op('Add', this.#layers.reshape(byRow, [batch, 'each', width]), pictures);
	}

	/** From the upper left cell to all four, in the table: [1, 4, places]. */
	#corners(points: number): Value {
		const places = this.#pyramid.levels.length * points;
		const data = Int32Array.from({ length: 4 * places }, (_, i) => {
			const { rowCells } = this.#bordered.levels[Math.floor((i % places) / points)]!;
			const corner = Math.floor(i / places);
			return ((corner & 1) + (corner >> 1) * rowCells) * this.#heads;
		});
		return this.#layers.graph.constant(`corners:${this.#heads}:${points}`, { data, shape: [1, 4, places] });
	}

	/**
	 * Gathers and weighs in as many parts as there are heads (into which the rows divide evenly), so that a dense encoder
	 * at full size needs a hundred megabytes at a time and not a gigabyte.
	 */
	#weigh(table: Value, cells: Value, weights: Value, rows: Dim): Value {
		const { graph } = this.#layers;
		const size = this.#dim / this.#heads;
		const reads = weights.shape[2] as number;
		graph.count(rows, this.#heads, reads, size);
		const inParts = (value: Value) =>
			graph.ops(
				'Split',
				[value],
				Array.from({ length: this.#heads }, () => ({ shape: [rows, ...value.shape.slice(1)] })),
				{ attributes: { axis: 0, num_outputs: this.#heads } },
			);
		const weightParts = inParts(weights);
		const parts = inParts(cells).map((part, i) => {
			const values = graph.op(
				'Gather',
				[table, part],
				{ shape: [rows, reads, size] },
				{ attributes: { axis: 0 } },
			);
			return graph.op('MatMul', [weightParts[i]!, values], { shape: [rows, 1, size] });
		});
		return graph.op(
			'Concat',
			parts,
			{ shape: [times(rows, this.#heads), 1, size] },
			{ attributes: { axis: 0 } },
		);
	}

	/** One number per level and point: [1, places]. */
	#perPlace(
		name: string,
		points: number,
		number: (level: { rows: number; cols: number }, index: number) => number,
	): Value {
		const data = Float32Array.from(
			this.#pyramid.levels.flatMap((level, i) => Array<number>(points).fill(number(level, i))),
		);
		return this.#layers.graph.constant(`${name}:${points}`, { data, shape: [1, data.length] });
	}

	#op(type: string, a: Value, b: Value, shape: readonly Dim[] = a.shape): Value {
		return this.#layers.graph.op(type, [a, b], { shape });
	}
}

/** The size that is `factor` times another. */
function times(dim: Dim, factor: number): Dim {
	return typeof dim === 'number' ? dim * factor : `${factor}·${dim}`;
}

/** Offsets lie as x, y, x, y, … in files: all x, all y, then all weights. */
function joinRows(offsets: FloatTensor, logits: FloatTensor): FloatTensor {
	const count = logits.shape[0]!;
	const shape = [3 * count, ...logits.shape.slice(1)];
	return derivedTensor('offsets apart, then weights', [offsets, logits], shape, () => {
		const pairs = offsets.data;
		const width = pairs.length / (2 * count);
		const data = new Float32Array(3 * count * width);
		for (let i = 0; i < 2 * count; i++) {
			const row = (i % 2) * count + (i >> 1);
			data.set(pairs.subarray(i * width, (i + 1) * width), row * width);
		}
		data.set(logits.data, 2 * count * width);
		return data;
	});
}
