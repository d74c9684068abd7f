import { Detections } from '../domain/detections.ts';
import { UserFacingError } from '../domain/errors.ts';
import type { Frame, Letterbox } from '../domain/frame.ts';
import type { Size } from '../domain/video.ts';
import { type FramePixels, WasmFramePixels } from '../pixels/frame-pixels.ts';
import { fitInside } from '../pixels/letterbox.ts';
import { resizeBytes } from '../pixels/resize.ts';
import type { NetworkOutput, TileNetwork, WholeNetwork } from '../reduction/host.ts';
import type { Input } from '../reduction/tiles/packing.ts';
import type { TileLayout } from '../reduction/tiles/tile-layout.ts';
import type { BoundNetwork, Normalisation } from './bound-network.ts';

/** Found in a run, in pixels of its input or of the frame. */
type Found = { found: Detections; macs: number };

/** Inputs of a network that show parts of the frame, one after another. What has another size than a tile is loaded when it first runs. */
export class PackedInputs<Output extends NetworkOutput> implements TileNetwork {
	readonly #layout: TileLayout;
	readonly #picture: Size;
	readonly #tile: NetworkInput<Output>;
	readonly #load: (size: Size) => Promise<NetworkInput<Output>>;
	/** Those that were loaded, by their extent in cells. */
	readonly #smaller = new Map<string, NetworkInput<Output>>();

	/** `tile`: the network at a tile's size; `load` gives it at another one, in pixels. */
	constructor(
		layout: TileLayout,
		picture: Size,
		tile: NetworkInput<Output>,
		load: (size: Size) => Promise<NetworkInput<Output>>,
	) {
		this.#layout = layout;
		this.#picture = picture;
		this.#tile = tile;
		this.#load = load;
	}

	async run(pixels: FramePixels, { size, parts }: Input): Promise<Found> {
		const input = await this.#inputOf(size);
		const { stride } = this.#layout.grid;
		input.clear();
		for (const { source, at } of parts) {
			const from = {
				left: source.left * stride,
				top: source.top * stride,
				right: Math.min(this.#picture.width, source.right * stride),
				bottom: Math.min(this.#picture.height, source.bottom * stride),
			};
			pixels.copy(from, input.pixels, input.size.width, at.col * stride, at.row * stride);
		}
		return input.run();
	}

	async runOverview(pixels: FramePixels): Promise<Found> {
		const input = this.#tile;
		const { width, height } = this.#picture;
		const data = new Uint8Array(3 * width * height);
		pixels.copy({ left: 0, top: 0, right: width, bottom: height }, data, width, 0, 0);
		const size = fitInside(this.#picture, input.contentSize);
		const shrunk = resizeBytes({ data, size: this.#picture }, size, 'bilinear');
		input.clear();
		for (let row = 0; row < size.height; row++) {
			const line = shrunk.data.subarray(3 * row * size.width, 3 * (row + 1) * size.width);
			input.pixels.set(line, 3 * row * input.size.width);
		}
		const { found, macs } = await input.run();
		return { found: scaled(found, size, this.#picture), macs };
	}

	async release(): Promise<void> {
		for (const input of new Set([this.#tile, ...this.#smaller.values()])) await input.release();
	}

	/** Where the runtime can't load a size, perhaps for want of memory, a tile's own, which holds as much. */
	async #inputOf({ rows, cols }: Input['size']): Promise<NetworkInput<Output>> {
		const { grid, input } = this.#layout;
		if (rows === input.rows && cols === input.cols) return this.#tile;
		const key = `${rows}×${cols}`;
		const known = this.#smaller.get(key);
		if (known) return known;
		const size = { width: cols * grid.stride, height: rows * grid.stride };
		const loaded = await this.#load(size).catch((error: unknown) => {
			if (error instanceof UserFacingError) return this.#tile;
			throw error;
		});
		this.#smaller.set(key, loaded);
		return loaded;
	}
}

/** A network at one size, and the picture that it is run on. */
export class NetworkInput<Output extends NetworkOutput> {
	/** Of `pixels`. */
	readonly size: Size;
	/** The part of it that the network sees as it is. */
	readonly contentSize: Size;
	/** rgb24: what the network is shown next. */
	readonly pixels: Uint8Array;
	readonly #bound: BoundNetwork<Output>;
	readonly #network: WholeNetwork<Output>;
	readonly #prepared: WasmFramePixels;
	readonly #frame: Frame;
	/** An input that shows nothing. */
	readonly #blank: Uint8Array;

	constructor(bound: BoundNetwork<Output>, network: WholeNetwork<Output>) {
		const { host, letterbox, normalisation } = bound;
		const { inputSize: size, contentSize } = letterbox;
		const { mean, std, padding } = normalisation;
		this.size = size;
		this.contentSize = contentSize;
		this.pixels = new Uint8Array(3 * size.width * size.height);
		this.#bound = bound;
		this.#network = network;
		this.#prepared = new WasmFramePixels(host.grid, mean, std, padding === 'zero' ? contentSize : size);
		this.#frame = { index: 0, timeSeconds: 0, pixels: this.pixels, format: 'rgb24', size };
		const grey = greyOf(letterbox, normalisation);
		this.#blank = this.pixels.map((_, at) => grey[at % 3]!);
	}

	clear(): void {
		this.pixels.set(this.#blank);
	}

	async run(): Promise<Found> {
		this.#prepared.load(this.#frame);
		const { output, macs } = await this.#network.run(this.#prepared);
		return { found: this.#bound.interpret(output, null), macs };
	}

	release(): Promise<void> {
		return this.#network.release();
	}
}

/** Boxes of a picture of one size in one of another. */
export function scaled(found: Detections, from: Size, to: Size): Detections {
	if (from.width === to.width && from.height === to.height) return found;
	const [x, y] = [to.width / from.width, to.height / from.height];
	const boxesXyxy = found.boxesXyxy.map((side, at) => side * (at % 2 === 0 ? x : y));
	return new Detections(found.classIndices, found.scores, boxesXyxy);
}

/** What lies between parts of an input: the letterbox's grey, or what is nearest to nothing after normalisation. */
function greyOf({ fill }: Letterbox, { mean, padding }: Normalisation): Uint8Array {
	return padding === 'grey'
		? new Uint8Array(3).fill(fill)
		: Uint8Array.from(mean, (value) => Math.round(255 * value));
}
