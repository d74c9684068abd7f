import { assert } from '../../domain/errors.ts';
import type { Detections } from '../../domain/detections.ts';
import type { NamedArrays } from '../../domain/named-arrays.ts';
import type { Size } from '../../domain/video.ts';
import type { Part } from './packing.ts';
import type { InputPlan } from './plan-inputs.ts';
import { type MergedBoxes, mergeSeams, OVERVIEW, overSmaller } from './seams.ts';
import type { CellRect, TileLayout } from './tile-layout.ts';

/** A box that ends so near to a border of its part, in pixels, was cut there. */
const CUT = 2;
/** Pixels that a box's middle may lie outside the cells that its part answers for: what two parts see differs a little, and seams run along cells. */
const STRAY = 8;
/** A cut box shows an object that is known if they share so much of the smaller one. */
const KNOWN = 0.5;

/** A box that is remembered, in pixels of the frame. */
type Entry = {
	classIndex: number;
	score: number;
	box: readonly [left: number, top: number, right: number, bottom: number];
	/** The cell in its middle, and the nearest one that its part answers for: when either is computed anew, the box is replaced. */
	middle: number;
	own: number;
	source: number;
	cut: boolean;
};

/** The boxes that the parts of a frame answered when they last ran. */
export class BoxMemory {
	readonly #layout: TileLayout;
	readonly #frame: Size;
	#entries: Entry[] = [];
	/** What was found in the whole frame and no tile holds. */
	#large: Pick<Entry, 'classIndex' | 'score' | 'box'>[] = [];
	#sources = 0;
	/** The first source of the plan at hand. */
	#fresh = 0;
	#merged: MergedBoxes | null = null;

	/** `frame`: what the grid's cells hold of the video, in pixels. */
	constructor(layout: TileLayout, frame: Size) {
		this.#layout = layout;
		this.#frame = frame;
	}

	/** Boxes of the whole frame; they hold until the next answer. */
	get boxes(): MergedBoxes {
		if (this.#merged) return this.#merged;
		const large = this.#large.map((entry) => ({ ...entry, source: OVERVIEW, cut: false }));
		const all = [...large, ...this.#entries];
		this.#merged = mergeSeams({
			classIndices: Int32Array.from(all, ({ classIndex }) => classIndex),
			scores: Float32Array.from(all, ({ score }) => score),
			boxesXyxy: Float32Array.from(all.flatMap(({ box }) => box)),
			sources: Int32Array.from(all, ({ source }) => source),
			cut: Uint8Array.from(all, ({ cut }) => Number(cut)),
		});
		return this.#merged;
	}

	/** Where the objects are that only the whole frame showed, in pixels of the frame. */
	get largeBoxes(): readonly Entry['box'][] {
		return this.#large.map(({ box }) => box);
	}

	clear(): void {
		this.#entries = [];
		this.#large = [];
		this.#merged = null;
	}

	/** A plan begins: what its inputs answer does not replace each other. */
	begin(): void {
		this.#fresh = this.#sources;
	}

	/**
	 * Takes what the network found in an input of a plan, in pixels of the input; `firstPart` is the number of its first part.
	 * Gives the cells at which something was cut that is not known otherwise: their tiles should be run whole.
	 */
	take(found: Detections, { inputs, owner }: InputPlan, input: number, firstPart: number): number[] {
		const parts = inputs[input]!;
		const whole = parts.map(({ source }) => this.#layout.tiles.includes(source));
		this.#forget(parts, owner, firstPart, whole);
		const unknown: number[] = [];
		const known = this.#entries.length;
		for (let i = 0; i < found.count; i++) {
			const box = found.box(i);
			const index = parts.findIndex((part) => this.#holds(part, box));
			if (index < 0) continue;
			const part = parts[index]!;
			const { box: inFrame, cut } = this.#toFrame(part.source, part.at, box);
			const own = this.#ownCell(inFrame, owner, firstPart + index);
			if (own === null) continue;
			const middle = this.#cellAt(...middleOf(inFrame));
			const [classIndex, score] = [found.classIndices[i]!, found.scores[i]!];
			if (cut && !whole[index]) {
				if (this.#isKnown(classIndex, inFrame, known)) continue;
				unknown.push(own);
			}
			const source = this.#sources + index;
			this.#entries.push({ classIndex, score, box: inFrame, middle, own, source, cut });
		}
		this.#sources += parts.length;
		this.#merged = null;
		return unknown;
	}

	/** Takes what the network found in the whole frame; what a tile holds is the tiles' own affair. */
	takeOverview(found: Detections): void {
		this.#large = Array.from({ length: found.count }, (_, i) => ({
			classIndex: found.classIndices[i]!,
			score: found.scores[i]!,
			box: found.box(i),
		})).filter(({ box }) => !this.#layout.tiles.some((tile) => this.#shows(tile, box)));
		this.#merged = null;
	}

	saveState(): NamedArrays {
		const entries = this.#entries;
		const large = this.#large;
		return {
			'tiles.large': Float64Array.from(
				large.flatMap(({ classIndex, score, box }) => [classIndex, score, ...box]),
			),
			'tiles.boxes': Float64Array.from(entries.flatMap(({ box }) => box)),
			'tiles.scores': Float32Array.from(entries, ({ score }) => score),
			'tiles.columns': Int32Array.from(
				entries.flatMap(({ classIndex, middle, own, source, cut }) => [
					classIndex,
					middle,
					own,
					source,
					Number(cut),
				]),
			),
			'tiles.sources': Int32Array.of(this.#sources),
		};
	}

	restoreState(state: NamedArrays): void {
		const { 'tiles.boxes': boxes, 'tiles.scores': scores, 'tiles.columns': columns } = state;
		const { 'tiles.sources': sources, 'tiles.large': large } = state;
		assert(boxes && scores && columns && sources && large, 'a snapshot holds the boxes of tiles');
		this.#large = Array.from({ length: large.length / 6 }, (_, i) => {
			const [classIndex, score, ...box] = large.subarray(6 * i, 6 * i + 6);
			return { classIndex: classIndex!, score: score!, box: box as unknown as Entry['box'] };
		});
		this.#entries = Array.from(scores, (score, i) => {
			const [left, top, right, bottom] = boxes.subarray(4 * i, 4 * i + 4) as unknown as number[];
			const [classIndex, middle, own, source, cut] = columns.subarray(
				5 * i,
				5 * i + 5,
			) as unknown as number[];
			return {
				classIndex: classIndex!,
				score,
				box: [left!, top!, right!, bottom!] as const,
				middle: middle!,
				own: own!,
				source: source!,
				cut: cut === 1,
			};
		});
		this.#sources = sources[0]!;
		this.#merged = null;
	}

	/** Forgets what belongs to the cells of an input's parts; of parts that are no whole tiles, what they show all of. */
	#forget(parts: readonly Part[], owner: Int32Array, firstPart: number, whole: readonly boolean[]): void {
		const replaces = (cell: number, box: Entry['box']) => {
			const index = owner[cell]! - firstPart;
			if (index < 0 || index >= parts.length) return false;
			return whole[index]! || this.#shows(parts[index]!.source, box);
		};
		this.#entries = this.#entries.filter(
			({ middle, own, box, source }) =>
				source >= this.#fresh || !(replaces(middle, box) || replaces(own, box)),
		);
	}

	#shows(source: CellRect, [left, top, right, bottom]: Entry['box']): boolean {
		const { stride } = this.#layout.grid;
		return (
			left >= source.left * stride &&
			top >= source.top * stride &&
			right <= source.right * stride &&
			bottom <= source.bottom * stride
		);
	}

	/** Whether the middle of a box of an input lies in a part of it. */
	#holds({ source, at }: Part, [left, top, right, bottom]: Entry['box']): boolean {
		const { stride } = this.#layout.grid;
		const [x, y] = [(left + right) / (2 * stride) - at.col, (top + bottom) / (2 * stride) - at.row];
		return x >= 0 && y >= 0 && x <= source.right - source.left && y <= source.bottom - source.top;
	}

	/** A box of an input in the frame, cut to its part, and whether it ends at a border behind which the frame goes on. */
	#toFrame(
		source: CellRect,
		at: Part['at'],
		[left, top, right, bottom]: Entry['box'],
	): Pick<Entry, 'box' | 'cut'> {
		const { stride } = this.#layout.grid;
		const { width, height } = this.#frame;
		const [x, y] = [(source.left - at.col) * stride, (source.top - at.row) * stride];
		const limit = {
			left: source.left * stride,
			top: source.top * stride,
			right: Math.min(width, source.right * stride),
			bottom: Math.min(height, source.bottom * stride),
		};
		const box = [
			Math.max(limit.left, left + x),
			Math.max(limit.top, top + y),
			Math.min(limit.right, right + x),
			Math.min(limit.bottom, bottom + y),
		] as const;
		const cut =
			(limit.left > 0 && box[0] < limit.left + CUT) ||
			(limit.top > 0 && box[1] < limit.top + CUT) ||
			(limit.right < width && box[2] > limit.right - CUT) ||
			(limit.bottom < height && box[3] > limit.bottom - CUT);
		return { box, cut };
	}

	/** The cell of a part in a box's middle, or one a little beside it; null where another part answers. */
	#ownCell(box: Entry['box'], owner: Int32Array, part: number): number | null {
		const [x, y] = middleOf(box);
		for (const [dx, dy] of NEARBY) {
			const cell = this.#cellAt(x + dx, y + dy);
			if (owner[cell] === part) return cell;
		}
		return null;
	}

	#cellAt(x: number, y: number): number {
		const { rows, cols, stride } = this.#layout.grid;
		return clamp(Math.floor(y / stride), rows) * cols + clamp(Math.floor(x / stride), cols);
	}

	/** Whether a cut box is part of an object that is remembered; of the first `count` entries. */
	#isKnown(classIndex: number, box: Entry['box'], count: number): boolean {
		return this.#entries
			.slice(0, count)
			.some((entry) => entry.classIndex === classIndex && overSmaller(entry.box, box) >= KNOWN);
	}
}

/** Where a box's middle is looked for, in pixels from where it is. */
const NEARBY = [0, -STRAY, STRAY].flatMap((dy) => [0, -STRAY, STRAY].map((dx) => [dx, dy] as const));

function middleOf([left, top, right, bottom]: Entry['box']): [x: number, y: number] {
	return [(left + right) / 2, (top + bottom) / 2];
}

function clamp(at: number, count: number): number {
	return Math.max(0, Math.min(count - 1, at));
}
