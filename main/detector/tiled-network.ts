import { Detections } from '../domain/detections.ts';
import { UserFacingError } from '../domain/errors.ts';
import type { Letterbox } from '../domain/frame.ts';
import type { LeastScores } from '../domain/least-scores.ts';
import type { Size } from '../domain/video.ts';
import { fitLetterbox } from '../pixels/letterbox.ts';
import type { NetworkOutput, TileNetwork, TilesOffer } from '../reduction/host.ts';
import type { Tiling } from '../reduction/mode.ts';
import { type Extent, type InputSize, layTiles } from '../reduction/tiles/tile-layout.ts';
import type { TilesOutput } from '../reduction/tiles/tiles.ts';
import type { GraphRuntime } from '../runtime/runtime.ts';
import type { PictureOptions } from './detector.ts';
import { DEFAULT_MAX_SIDE } from './max-side.ts';
import type { BoundNetwork } from './bound-network.ts';
import { NetworkInput, PackedInputs, scaled } from './packed-inputs.ts';

/** Pixels of a cell, in which change is measured and parts of a picture are cut. */
const CELL = 16;
/** Networks that were published at a size take it up to this side, in pixels. */
const LARGEST_TILE = 2048;
/** Grey behind the picture's borders, where a network has no grey of its own. */
const FILL = 114;
/** Sides of smaller inputs, of those of a tile: each size is a session of its own, and one that did not just run is slower. */
const SHARES = [1 / 2, 3 / 4];
/** What a run costs whatever its size, of what an input of a tile's size costs. */
const RUN_COST = 0.03;

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
	const { scoreThreshold } = options;
	const bound = bindAt(bind, tile, scoreThreshold);
	const { inputSize } = letterbox;
	const grid = {
		rows: inputSize.height / CELL,
		cols: inputSize.width / CELL,
		stride: CELL,
		windowSize: CELL,
		windowOffset: 0,
	};
	const extent = { rows: Math.floor(tile.height / CELL), cols: Math.floor(tile.width / CELL) };
	const smaller = smallerSizes(bind, extent, scoreThreshold, bound.host.whole.macs());
	const layout = layTiles(grid, extent, Math.ceil(overlap / CELL), smaller);
	return withTiles(bound, letterbox, {
		layout,
		overview,
		picture,
		shown,
		macs: () => bound.host.whole.macs(),
		async load(runtime) {
			const input = async (bound: BoundNetwork<Output>) =>
				new NetworkInput(bound, await bound.host.whole.load(runtime));
			return new PackedInputs(layout, picture, await input(bound), (size) =>
				input(bindAt(bind, size, scoreThreshold)),
			);
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
	const square = sees({ width: side, height: side });
	if (!same(sees(square), square)) {
		throw new UserFacingError(
			'unknown-mode',
			`Mode tiles does not work with this model: it shows no size of picture that it takes as it is (tried ${side}×${side} and ${square.width}×${square.height}).`,
		);
	}
	// Up to the end of its last cells: a tile then holds all of a side that is no longer than its own.
	const upTo = (most: number, side: number) => Math.min(most, Math.ceil(side / CELL) * CELL);
	const smaller = {
		width: upTo(square.width, picture.width),
		height: upTo(square.height, picture.height),
	};
	return same(sees(smaller), smaller) ? smaller : square;
}

/** The network for pictures of one size, not shrunk. */
function bindAt<Output extends NetworkOutput>(
	bind: Bind<Output>,
	displaySize: Size,
	scoreThreshold: number,
): BoundNetwork<Output> {
	return bind({ displaySize, maxSide: Math.max(displaySize.width, displaySize.height), scoreThreshold });
}

/** Smaller sizes of input that the network takes as they are, and what they cost beside one of a tile's size. */
function smallerSizes<Output extends NetworkOutput>(
	bind: Bind<Output>,
	tile: Extent,
	scoreThreshold: number,
	macsOfTile: number,
): InputSize[] {
	const along = (cells: number) => SHARES.map((share) => Math.round(share * cells));
	return along(tile.rows).flatMap((rows) =>
		along(tile.cols).flatMap((cols) => {
			const displaySize = { width: cols * CELL, height: rows * CELL };
			const bound = bindAt(bind, displaySize, scoreThreshold);
			if (!same(bound.letterbox.contentSize, displaySize)) return [];
			const cost = RUN_COST + (1 - RUN_COST) * (bound.host.whole.macs() / macsOfTile);
			return cost < 1 ? [{ rows, cols, cost }] : [];
		}),
	);
}

function same(a: Size, b: Size): boolean {
	return a.width === b.width && a.height === b.height;
}
