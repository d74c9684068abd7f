import type { Value } from '../graph/graph-builder.ts';
import type { Layers } from '../graph/layers.ts';

/** A Swin transformer as detectors use it: any picture size, feature maps after several stages. */
export type SwinConfig = {
	/** Prefix of `patch_embed` and the other names, such as `backbone.0.body.`. */
	prefix: string;
	/** Width of the first stage; doubles with every stage. */
	dim: number;
	/** Blocks and heads of each stage. */
	depths: readonly number[];
	heads: readonly number[];
	/** Tokens along one side of a window. */
	window: number;
	/** Stages whose output is normed and given out. */
	normed: readonly number[];
};

const PATCH = 4;
const MLP_RATIO = 4;
const NORM_EPSILON = 1e-5;
/** The mask of shifted windows: tokens from opposite sides of the picture do not attend to each other. */
const APART = -100;

/** The tokens of a stage: [batch · rows · cols, width]. */
type Stage = { batch: number; rows: number; cols: number; width: number };

/**
 * The normed feature maps [batch, width, h, w] of the stages in `normed`, of pictures [batch, 3, h, w] (Liu et al., ICCV
 * 2021). Pictures are padded to whole patches, maps to whole windows (behind the norm, with zeros) and to even sizes
 * before they are merged, always on the right and at the bottom.
 */
export function swin(layers: Layers, picture: Value, config: SwinConfig): Value[] {
	const { prefix, dim, depths } = config;
	const [batch, , height, width] = picture.shape as [number, number, number, number];
	const pads = [0, 0, -height & (PATCH - 1), -width & (PATCH - 1)];
	const patches = layers.conv(`${prefix}patch_embed.proj`, picture, dim, {
		kernel: PATCH,
		stride: PATCH,
		pads,
	});
	let stage: Stage = {
		batch,
		rows: patches.shape[2] as number,
		cols: patches.shape[3] as number,
		width: dim,
	};
	let x = layers.layerNorm(`${prefix}patch_embed.norm`, toTokens(layers, patches), NORM_EPSILON);
	const maps: Value[] = [];
	depths.forEach((depth, i) => {
		const name = `${prefix}layers.${i}.`;
		for (let block = 0; block < depth; block++) {
			const shift = block % 2 === 0 ? 0 : config.window >> 1;
			x = swinBlock(layers, `${name}blocks.${block}.`, x, stage, {
				...config,
				heads: config.heads[i]!,
				shift,
			});
		}
		if (config.normed.includes(i)) {
			maps.push(toMap(layers, layers.layerNorm(`${prefix}norm${i}`, x, NORM_EPSILON), stage));
		}
		if (i < depths.length - 1) ({ x, stage } = mergePatches(layers, `${name}downsample.`, x, stage));
	});
	return maps;
}

type BlockConfig = { window: number; heads: number; shift: number };

function swinBlock(layers: Layers, name: string, x: Value, stage: Stage, config: BlockConfig): Value {
	const { width } = stage;
	const normed = layers.layerNorm(`${name}norm1`, x, NORM_EPSILON);
	const attended = layers.linear(
		`${name}attn.proj`,
		attendInWindows(layers, name, normed, stage, config),
		width,
	);
	const y = layers.add(x, attended);
	const again = layers.layerNorm(`${name}norm2`, y, NORM_EPSILON);
	return layers.add(y, layers.mlp(`${name}mlp.fc1`, `${name}mlp.fc2`, again, MLP_RATIO * width, width));
}

/** Tokens [batch · rows · cols, width] into windows, attention within each, and back. */
function attendInWindows(layers: Layers, name: string, x: Value, stage: Stage, config: BlockConfig): Value {
	const { graph } = layers;
	const { batch, width } = stage;
	const { heads } = config;
	const size = config.window ** 2;
	const places = layWindows(stage, config.window, config.shift);
	const windows = places.tokens.length / size;
	const key = `${stage.rows}x${stage.cols}:${config.shift}`;
	const nothing = graph.constant(`nothing:${width}`, { data: new Float32Array(width), shape: [1, width] });
	const tokens = graph.constant(`windows:${key}`, { data: places.tokens, shape: [places.tokens.length] });
	const rows = layers.gatherRows(layers.concat([x, nothing], 0), tokens);
	const [q, k, v] = layers
		.split(layers.linear(`${name}attn.qkv`, rows, 3 * width), [width, width, width])
		.map((part) => layers.reshape(part, [windows, size, width])) as [Value, Value, Value];
	const bias = attentionBias(
		layers,
		`${name}attn.`,
		heads,
		config.window,
		windows / batch,
		batch,
		places.regions,
	);
	graph.count(2, windows, size, size, width);
	const attended = graph.op(
		'MultiHeadAttention',
		[q, k, v, null, null, bias],
		{ shape: q.shape },
		{ domain: 'com.microsoft', attributes: { num_heads: heads } },
	);
	const back = graph.constant(`windows-back:${key}`, { data: places.back, shape: [places.back.length] });
	return layers.gatherRows(layers.reshape(attended, [windows * size, width]), back);
}

/** The learned bias of relative positions, plus the mask of a shifted map. */
function attentionBias(
	layers: Layers,
	name: string,
	heads: number,
	window: number,
	windows: number,
	batch: number,
	regions: Uint8Array | null,
): Value {
	const size = window ** 2;
	const table = layers.tensor(`${name}relative_position_bias_table`, [(2 * window - 1) ** 2, heads]);
	const index = layers.tensor(`${name}relative_position_index`, [size, size]);
	const [biases, places] = [table.data, index.data];
	const learned = new Float32Array(heads * size * size);
	for (let head = 0; head < heads; head++) {
		for (let pair = 0; pair < size * size; pair++) {
			learned[head * size * size + pair] = biases[places[pair]! * heads + head]!;
		}
	}
	if (!regions) {
		return layers.graph.constant(`${name}bias`, { data: learned, shape: [1, heads, size, size] });
	}
	const data = new Float32Array(batch * windows * learned.length);
	for (let at = 0; at < data.length; at += learned.length) {
		data.set(learned, at);
		const first = (Math.floor(at / learned.length) % windows) * size;
		for (let i = 0; i < learned.length; i++) {
			const [row, col] = [Math.floor(i / size) % size, i % size];
			if (regions[first + row] !== regions[first + col]) data[at + i]! += APART;
		}
	}
	return layers.graph.constant(`${name}bias:shifted`, { data, shape: [batch * windows, heads, size, size] });
}

/**
 * The windows of a map that is padded and rolled by `shift`: `tokens` [windows · size] is the token in each slot (the number
 * of tokens for padding), `back` [tokens] the slot of each token. `regions` [windows
 * of one picture · size]: tokens of one window attend to each other within a region only; null where nothing is shifted.
 */
function layWindows(
	{ batch, rows, cols }: Stage,
	window: number,
	shift: number,
): { tokens: Int32Array; back: Int32Array; regions: Uint8Array | null } {
	const [down, across] = [Math.ceil(rows / window), Math.ceil(cols / window)];
	const [paddedRows, paddedCols] = [down * window, across * window];
	const places = paddedRows * paddedCols;
	const tokens = new Int32Array(batch * places);
	const back = new Int32Array(batch * rows * cols);
	const regions = new Uint8Array(places);
	// At its end the rolled map has a strip of one shift that came from its start; the rest of that window is before it.
	const regionOf = (at: number, length: number) => (at < length - window ? 0 : at < length - shift ? 1 : 2);
	for (let place = 0; place < places; place++) {
		const [windowIndex, inside] = [Math.floor(place / window ** 2), place % window ** 2];
		const row = Math.floor(windowIndex / across) * window + Math.floor(inside / window);
		const col = (windowIndex % across) * window + (inside % window);
		regions[place] = 3 * regionOf(row, paddedRows) + regionOf(col, paddedCols);
		const [fromRow, fromCol] = [(row + shift) % paddedRows, (col + shift) % paddedCols];
		for (let n = 0; n < batch; n++) {
			const isToken = fromRow < rows && fromCol < cols;
			const token = isToken ? (n * rows + fromRow) * cols + fromCol : batch * rows * cols;
			tokens[n * places + place] = token;
			if (isToken) back[token] = n * places + place;
		}
	}
	return { tokens, back, regions: shift > 0 ? regions : null };
}

/** Patch merging: two by two tokens become one of twice the width; the four are ordered column by column. */
function mergePatches(layers: Layers, name: string, x: Value, stage: Stage): { x: Value; stage: Stage } {
	const { graph } = layers;
	const { batch, rows, cols, width } = stage;
	const merged = { batch, rows: Math.ceil(rows / 2), cols: Math.ceil(cols / 2), width: 2 * width };
	const count = batch * merged.rows * merged.cols;
	const tokens = Int32Array.from({ length: 4 * count }, (_, i) => {
		const [at, part] = [i >> 2, i & 3];
		const row = 2 * (Math.floor(at / merged.cols) % merged.rows) + (part & 1);
		const col = 2 * (at % merged.cols) + (part >> 1);
		const n = Math.floor(at / (merged.rows * merged.cols));
		return row < rows && col < cols ? (n * rows + row) * cols + col : batch * rows * cols;
	});
	const nothing = graph.constant(`nothing:${width}`, { data: new Float32Array(width), shape: [1, width] });
	const places = graph.constant(`merge:${rows}x${cols}`, { data: tokens, shape: [tokens.length] });
	const four = layers.reshape(layers.gatherRows(layers.concat([x, nothing], 0), places), [count, 4 * width]);
	const normed = layers.layerNorm(`${name}norm`, four, NORM_EPSILON);
	const reduction = layers.weight(`${name}reduction.weight`, [2 * width, 4 * width]);
	const noBias = graph.constant(`nothing:${2 * width}:bias`, {
		data: new Float32Array(2 * width),
		shape: [2 * width],
	});
	return { x: layers.linearFrom(normed, reduction, noBias), stage: merged };
}

/** [batch, width, rows, cols] -> [batch · rows · cols, width] */
function toTokens(layers: Layers, map: Value): Value {
	const [batch, width, rows, cols] = map.shape as [number, number, number, number];
	return layers.reshape(layers.transpose(map, [0, 2, 3, 1]), [batch * rows * cols, width]);
}

function toMap(layers: Layers, x: Value, { batch, rows, cols, width }: Stage): Value {
	return layers.transpose(layers.reshape(x, [batch, rows, cols, width]), [0, 3, 1, 2]);
}
