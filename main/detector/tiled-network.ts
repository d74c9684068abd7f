import { Detections } from '../domain/detections.ts';
import { UserFacingError } from '../domain/errors.ts';
import type { Frame, Letterbox } from '../domain/frame.ts';
import type { LeastScores } from '../domain/least-scores.ts';
import type { Size } from '../domain/video.ts';
import { type FramePixels, WasmFramePixels } from '../pixels/frame-pixels.ts';
import { fitInside, fitLetterbox } from '../pixels/letterbox.ts';
import { resizeBytes } from '../pixels/resize.ts';
import type { NetworkOutput, TileNetwork, TilesOffer, WholeNetwork } from '../reduction/host.ts';
import type { Tiling } from '../reduction/mode.ts';
import type { Part } from '../reduction/tiles/packing.ts';
import { layTiles, type TileLayout } from '../reduction/tiles/tile-layout.ts';
import type { TilesOutput } from '../reduction/tiles/tiles.ts';
import type { GraphRuntime } from '../runtime/runtime.ts';
import type { PictureOptions } from './detector.ts';
import { DEFAULT_MAX_SIDE } from './max-side.ts';
import type { BoundNetwork, Normalisation } from './bound-network.ts';

/** Pixels of a cell, in which change is measured and parts of a picture are cut. */
const CELL = 16;
/** Networks that were published at a size take it up to this side, in pixels. */
const LARGEST_TILE = 2048;
/** Grey behind the picture's borders, where a network has no grey of its own. */
const FILL = 114;

type Bind<Output extends NetworkOutput> = (options: PictureOptions) => BoundNetwork<Output>;

/**
 * A network bound to tiles of a picture at its own size, no larger than `maxSide`. Where one tile holds all of it, the network sees
 * it as in any other mode. Throws `unknown-mode` for a network that has no size of its own nor takes the one asked for.
 */
export function tiledNetwork<Output extends NetworkOutput>(
	bind: Bind<Output>,
	options: PictureOptions,
	{ side, overlap, overview }: Tiling,
	shown: LeastScores,
): BoundNetwork<TilesOutput> {
	const letterbox = fitLetterbox(options.displaySize, options.maxSide, CELL, FILL);
	const picture = letterbox.contentSize;
	const tile = tileSize(bind, side, picture, options.scoreThreshold);
	if (picture.width <= tile.width && picture.height <= tile.height) {
		// Networks that enlarge what is small do it as far as in other modes.
		const maxSide = Math.min(options.maxSide, Math.max(DEFAULT_MAX_SIDE, picture.width, picture.height));
		return asOneTile(bind({ ...options, maxSide }), shown);
	}
	const bound = bind({
		displaySize: tile,
		maxSide: Math.max(tile.width, tile.height),
		scoreThreshold: options.scoreThreshold,
	});
	const { inputSize } = letterbox;
	const grid = {
		rows: inputSize.height / CELL,
		cols: inputSize.width / CELL,
		stride: CELL,
		windowSize: CELL,
		windowOffset: 0,
	};
	const extent = { rows: Math.floor(tile.height / CELL), cols: Math.floor(tile.width / CELL) };
	const layout = layTiles(grid, extent, Math.ceil(overlap / CELL));
	return withTiles(bound, letterbox, {
		layout,
		overview,
		picture,
		shown,
		macs: () => bound.host.whole.macs(),
		async load(runtime) {
			return new PackedInputs(bound, await bound.host.whole.load(runtime), layout, picture);
		},
	});
}

/** A picture that one tile holds: cells are the network's own. */
function asOneTile<Output extends NetworkOutput>(
	bound: BoundNetwork<Output>,
	shown: LeastScores,
): BoundNetwork<TilesOutput> {
	const { host, letterbox } = bound;
	const { grid } = host;
	const { contentSize: picture, displaySize } = letterbox;
	return withTiles(bound, letterbox, {
		layout: layTiles(grid, grid, 0),
		overview: false,
		picture,
		shown,
		macs: () => host.whole.macs(),
		async load(runtime: GraphRuntime): Promise<TileNetwork> {
			const network = await host.whole.load(runtime);
			return {
				async run(pixels) {
					const { output, macs } = await network.run(pixels);
					return { found: scaled(bound.interpret(output, null), displaySize, picture), macs };
				},
				runOverview: () => Promise.reject(new Error('one tile holds the whole frame')),
				release: () => network.release(),
			};
		},
	});
}

function withTiles<Output extends NetworkOutput>(
	{ host, normalisation }: BoundNetwork<Output>,
	letterbox: Letterbox,
	tiles: TilesOffer,
): BoundNetwork<TilesOutput> {
	const { layout, overview } = tiles;
	return {
		host: {
			name: host.name,
			grid: layout.grid,
			// Plain slicing is what a run is measured against; the mode runs that by itself.
			whole: {
				macs: () => (layout.tiles.length + Number(overview)) * tiles.macs(),
				load: () => Promise.reject(new Error('a picture in tiles is run in parts')),
			},
			vit: null,
			ranked: null,
			clustered: null,
			tiles,
		},
		letterbox,
		normalisation,
		interpret: ({ classes, scores, boxes }) =>
			scaled(
				new Detections(Uint16Array.from(classes), scores, boxes),
				letterbox.contentSize,
				letterbox.displaySize,
			),
	};
}

/**
 * The size of a tile, in pixels: what the network makes of squares of `side`, or a smaller one where the picture is smaller and the
 * network takes that.
 */
function tileSize<Output extends NetworkOutput>(
	bind: Bind<Output>,
	side: number,
	picture: Size,
	scoreThreshold: number,
): Size {
	const sees = (displaySize: Size) =>
		bind({ displaySize, maxSide: LARGEST_TILE, scoreThreshold }).letterbox.contentSize;
	const same = (a: Size, b: Size) => a.width === b.width && a.height === b.height;
	const square = sees({ width: side, height: side });
	if (!same(sees(square), square)) {
		throw new UserFacingError(
			'unknown-mode',
			`Mode tiles does not work with this model: it shows no size of picture that it takes as it is (tried ${side}×${side} and ${square.width}×${square.height}).`,
		);
	}
	const smaller = {
		width: Math.min(square.width, picture.width),
		height: Math.min(square.height, picture.height),
	};
	return same(sees(smaller), smaller) ? smaller : square;
}

function scaled(found: Detections, from: Size, to: Size): Detections {
	if (from.width === to.width && from.height === to.height) return found;
	const [x, y] = [to.width / from.width, to.height / from.height];
	const boxesXyxy = found.boxesXyxy.map((side, at) => side * (at % 2 === 0 ? x : y));
	return new Detections(found.classIndices, found.scores, boxesXyxy);
}

/** Inputs of a network that show parts of the frame, one after another. */
class PackedInputs<Output extends NetworkOutput> implements TileNetwork {
	readonly #bound: BoundNetwork<Output>;
	readonly #network: WholeNetwork<Output>;
	readonly #layout: TileLayout;
	readonly #picture: Size;
	readonly #pixels: WasmFramePixels;
	readonly #input: Frame;
	/** An input that shows nothing. */
	readonly #blank: Uint8Array;

	constructor(bound: BoundNetwork<Output>, network: WholeNetwork<Output>, layout: TileLayout, picture: Size) {
		const { host, letterbox, normalisation } = bound;
		const { inputSize: size } = letterbox;
		const { mean, std, padding } = normalisation;
		this.#bound = bound;
		this.#network = network;
		this.#layout = layout;
		this.#picture = picture;
		this.#pixels = new WasmFramePixels(
			host.grid,
			mean,
			std,
			padding === 'zero' ? letterbox.contentSize : size,
		);
		const pixels = new Uint8Array(3 * size.width * size.height);
		const grey = greyOf(letterbox, normalisation);
		this.#blank = pixels.map((_, at) => grey[at % 3]!);
		this.#input = { index: 0, timeSeconds: 0, pixels, format: 'rgb24', size };
	}

	async run(pixels: FramePixels, parts: readonly Part[]): Promise<{ found: Detections; macs: number }> {
		const { pixels: input, size } = this.#input;
		input.set(this.#blank);
		const { stride } = this.#layout.grid;
		for (const { source, at } of parts) {
			const from = {
				left: source.left * stride,
				top: source.top * stride,
				right: Math.min(this.#picture.width, source.right * stride),
				bottom: Math.min(this.#picture.height, source.bottom * stride),
			};
			pixels.copy(from, input, size.width, at.col * stride, at.row * stride);
		}
		return this.#runInput();
	}

	async runOverview(pixels: FramePixels): Promise<{ found: Detections; macs: number }> {
		const { width, height } = this.#picture;
		const data = new Uint8Array(3 * width * height);
		pixels.copy({ left: 0, top: 0, right: width, bottom: height }, data, width, 0, 0);
		const size = fitInside(this.#picture, this.#bound.letterbox.contentSize);
		const shrunk = resizeBytes({ data, size: this.#picture }, size, 'bilinear');
		const { pixels: input, size: inputSize } = this.#input;
		input.set(this.#blank);
		for (let row = 0; row < size.height; row++) {
			const line = shrunk.data.subarray(3 * row * size.width, 3 * (row + 1) * size.width);
			input.set(line, 3 * row * inputSize.width);
		}
		const { found, macs } = await this.#runInput();
		return { found: scaled(found, size, this.#picture), macs };
	}

	async #runInput(): Promise<{ found: Detections; macs: number }> {
		this.#pixels.load(this.#input);
		const { output, macs } = await this.#network.run(this.#pixels);
		return { found: this.#bound.interpret(output, null), macs };
	}

	release(): Promise<void> {
		return this.#network.release();
	}
}

/** What lies between parts of an input: the letterbox's grey, or what is nearest to nothing after normalisation. */
function greyOf({ fill }: Letterbox, { mean, padding }: Normalisation): Uint8Array {
	return padding === 'grey'
		? new Uint8Array(3).fill(fill)
		: Uint8Array.from(mean, (value) => Math.round(255 * value));
}
