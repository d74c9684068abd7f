import { assert } from '../../domain/errors.ts';
import { boxIou, type Detections } from '../../domain/detections.ts';
import { type LeastScores, reachesLeast } from '../../domain/least-scores.ts';
import type { NamedArrays } from '../../domain/named-arrays.ts';
import type { Size } from '../../domain/video.ts';
import type { Part } from './packing.ts';
import type { InputPlan } from './plan-inputs.ts';
import { RefutedBoxes } from './refuted.ts';
import { type MergedBoxes, mergeSeams, OVERVIEW, overSmaller } from './seams.ts';
import type { CellRect, TileLayout } from './tile-layout.ts';

/** A box that ends so near to a border of its part, in pixels, was cut there. */
const CUT = 2;
/** Pixels that a box's middle may lie outside the cells that its part answers for: what two parts see differs a little, and seams run along cells. */
const STRAY = 8;
/** A box shows an object that is known if they share so much of the smaller one. */
const KNOWN = 0.5;
/** Where something was found with this share of the score from which on it is shown, it is shown at once when it reaches that. */
const EXPECTED = 0.5;
/** Plans after which a whole tile must show that too. What moves has gone on by then, and what stands would stay. */
const PATIENCE = 3;
/** A whole tile shows what a part showed from this overlap on, over the union of both. */
const CONFIRMED = 0.5;

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
	/** Not shown until a whole tile shows it too. */
	doubtful: boolean;
	/** The plan since which it is shown though no whole tile showed it; 0 = one did, or it was shown before. */
	unconfirmed: number;
};

/** Nothing to confirm. */
const SURE = { doubtful: false, unconfirmed: 0 };

/** The boxes that the parts of a frame answered when they last ran. */
export class BoxMemory {
	readonly #layout: TileLayout;
	readonly #frame: Size;
	readonly #shown: LeastScores;
	readonly #refuted = new RefutedBoxes();
	#entries: Entry[] = [];
	/** What was found in the whole frame and no tile holds. */
	#large: Pick<Entry, 'classIndex' | 'score' | 'box'>[] = [];
	#sources = 0;
	/** The first source of the plan at hand. */
	#fresh = 0;
	/** What was known when it began, and whether what is new to that must be confirmed. */
	#before: readonly Entry[] = [];
	#doubts = false;
	#merged: MergedBoxes | null = null;

	/** `frame`: what the grid's cells hold of the video, in pixels; `shown`: by class, the score from which on boxes are shown. */
	constructor(layout: TileLayout, frame: Size, shown: LeastScores) {
		this.#layout = layout;
		this.#frame = frame;
		this.#shown = shown;
	}

	/** Boxes of the whole frame; they hold until the next answer. */
	get boxes(): MergedBoxes {
		if (this.#merged) return this.#merged;
		const large = this.#large.map((entry) => ({ ...entry, source: OVERVIEW, cut: false }));
		const all = [...large, ...this.#entries.filter(({ doubtful }) => !doubtful)];
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
		this.#refuted.clear();
		this.#merged = null;
	}

	/**
	 * A plan begins: what its inputs answer does not replace each other. With `doubts`, what a part with little around it shows where
	 * nothing was known is shown only when its whole tile shows it too. Gives the cells of what must be confirmed by now.
	 */
	begin(doubts: boolean): number[] {
		this.#before = this.#entries;
		this.#doubts = doubts;
		this.#refuted.begin();
		this.#fresh = this.#sources;
		const { plan } = this.#refuted;
		return this.#entries
			.filter(({ unconfirmed }) => unconfirmed > 0 && plan - unconfirmed >= PATIENCE)
			.map(({ own }) => own);
	}

	/**
	 * Takes what the network found in an input of a plan, in pixels of the input; `firstPart` is the number of its first part.
	 * Gives the cells at which something was cut that is not known otherwise, or is doubtful: their tiles should be run whole.
	 */
	take(found: Detections, { inputs, owner }: InputPlan, input: number, firstPart: number): number[] {
		const { parts } = inputs[input]!;
		const whole = parts.map(({ source }) => this.#layout.tiles.includes(source));
		const doubted = this.#forget(parts, owner, firstPart, whole).filter(
			({ doubtful, unconfirmed }) => doubtful || unconfirmed > 0,
		);
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
				if (isKnown(this.#entries.slice(0, known), classIndex, inFrame)) continue;
				unknown.push(own);
			}
			const { doubtful, unconfirmed } = whole[index] ? SURE : this.#doubtOf(classIndex, score, inFrame);
			if (doubtful && !this.#refuted.has(classIndex, inFrame)) unknown.push(own);
			const source = this.#sources + index;
			this.#entries.push({
				classIndex,
				score,
				box: inFrame,
				middle,
				own,
				source,
				cut,
				doubtful,
				unconfirmed,
			});
		}
		if (whole[0]) this.#refute(doubted, this.#entries.slice(known));
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
			...this.#refuted.saveState(),
			'tiles.large': Float64Array.from(
				large.flatMap(({ classIndex, score, box }) => [classIndex, score, ...box]),
			),
			'tiles.boxes': Float64Array.from(entries.flatMap(({ box }) => box)),
			'tiles.scores': Float32Array.from(entries, ({ score }) => score),
			'tiles.columns': Int32Array.from(
				entries.flatMap(({ classIndex, middle, own, source, cut, doubtful, unconfirmed }) => [
					classIndex,
					middle,
					own,
					source,
					Number(cut) + 2 * Number(doubtful),
					unconfirmed,
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
			const [classIndex, middle, own, source, cut, unconfirmed] = columns.subarray(
				6 * i,
				6 * i + 6,
			) as unknown as number[];
			return {
				classIndex: classIndex!,
				score,
				box: [left!, top!, right!, bottom!] as const,
				middle: middle!,
				own: own!,
				source: source!,
				cut: (cut! & 1) === 1,
				doubtful: (cut! & 2) === 2,
				unconfirmed: unconfirmed!,
			};
		});
		this.#refuted.restoreState(state);
		this.#sources = sources[0]!;
		this.#merged = null;
	}

	/** Forgets what belongs to the cells of an input's parts, and gives it; of parts that are no whole tiles, what they show all of. */
	#forget(parts: readonly Part[], owner: Int32Array, firstPart: number, whole: readonly boolean[]): Entry[] {
		const replaces = (cell: number, box: Entry['box']) => {
			const index = owner[cell]! - firstPart;
			if (index < 0 || index >= parts.length) return false;
			return whole[index]! || this.#shows(parts[index]!.source, box);
		};
		const stays = ({ middle, own, box, source }: Entry) =>
			source >= this.#fresh || !(replaces(middle, box) || replaces(own, box));
		const forgotten = this.#entries.filter((entry) => !stays(entry));
		this.#entries = this.#entries.filter(stays);
		return forgotten;
	}

	/** What a part's box lacks that would be shown where nothing was. */
	#doubtOf(classIndex: number, score: number, box: Entry['box']): Pick<Entry, 'doubtful' | 'unconfirmed'> {
		if (!this.#doubts || !reachesLeast(this.#shown, classIndex, score)) return SURE;
		const known = this.#before.filter((entry) => !entry.doubtful && isKnown([entry], classIndex, box));
		const shown = known.filter((entry) => reachesLeast(this.#shown, classIndex, entry.score));
		if (shown.length > 0) {
			return { doubtful: false, unconfirmed: Math.min(...shown.map(({ unconfirmed }) => unconfirmed)) };
		}
		const expected = known.some((entry) => reachesLeast(this.#shown, classIndex, entry.score / EXPECTED));
		return expected && !this.#refuted.has(classIndex, box)
			? { doubtful: false, unconfirmed: this.#refuted.plan }
			: { doubtful: true, unconfirmed: 0 };
	}

	/** What was doubted and a whole tile does not show is refuted. */
	#refute(doubted: readonly Entry[], fresh: readonly Entry[]): void {
		for (const { classIndex, box } of doubted) {
			const confirmed = fresh.some(
				(entry) =>
					entry.classIndex === classIndex &&
					reachesLeast(this.#shown, classIndex, entry.score) &&
					boxIou(entry.box, 0, box, 0) >= CONFIRMED,
			);
			if (!confirmed) this.#refuted.add(classIndex, box);
		}
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
}

/** Whether one of these is the object that a box shows, or a part of which it shows. */
function isKnown(entries: readonly Entry[], classIndex: number, box: Entry['box']): boolean {
	return entries.some((entry) => entry.classIndex === classIndex && overSmaller(entry.box, box) >= KNOWN);
}

/** Where a box's middle is looked for, in pixels from where it is. */
const NEARBY = [0, -STRAY, STRAY].flatMap((dy) => [0, -STRAY, STRAY].map((dx) => [dx, dy] as const));

function middleOf([left, top, right, bottom]: Entry['box']): [x: number, y: number] {
	return [(left + right) / 2, (top + bottom) / 2];
}

function clamp(at: number, count: number): number {
	return Math.max(0, Math.min(count - 1, at));
}
