import type { BoxColumns } from '../../../boxes/candidates.ts';
import { assert, UserFacingError } from '../../../domain/errors.ts';
import type { Size } from '../../../domain/video.ts';
import type { CardOutput } from '../card.ts';

/** An output as it came from the network; halves and whole numbers as floats. */
export type Answer = { data: Float32Array; shape: readonly number[] };

export type DecodeOptions = {
	/** Of the network's input, in pixels. */
	size: Size;
	/** Boxes must score more, 0 to 1. */
	scoreThreshold: number;
	/** Class by label; −1 = a label that means nothing. */
	classByLabel: Int32Array;
} & Pick<CardOutput, 'boxes' | 'unit' | 'scores'>;

/**
 * Reads a network's answers, by their roles of the card: boxes in pixels of its input, neither clipped nor suppressed, in no
 * order. Throws `model-unreadable` where their shapes are not those of the form, and `NotANumber`. A score that is NaN is not below
 * the threshold: comparisons are written so that it shows, and costs nothing.
 */
export type Decoder = (answers: Readonly<Record<string, Answer>>, options: DecodeOptions) => BoxColumns;

/** An answer, its shape without leading axes of 1 as far as `rank` axes stay. */
export function answer(
	answers: Readonly<Record<string, Answer>>,
	role: string,
	rank: number,
): { data: Float32Array; shape: readonly number[] } {
	const given = answers[role];
	assert(given, `a decoder is given ${role}`);
	const extra = given.shape.length - rank;
	const isOne = given.shape.slice(0, Math.max(0, extra)).every((size) => size === 1);
	if (extra < 0 || !isOne) throw misshapen(role, given.shape, `${rank} axes behind batches of one`);
	return { data: given.data, shape: given.shape.slice(extra) };
}

/** An answer that is no number where it matters: what went wrong is in the network, and no box can be right. */
export class NotANumber extends Error {}

export function misshapen(role: string, shape: readonly number[], expected: string): UserFacingError {
	return new UserFacingError(
		'model-unreadable',
		`The network's output for ${role} should have ${expected} (got [${shape.join(', ')}]).`,
		{ remedy: 'Its card is of another kind of network: write a new one with "sparsight models card".' },
	);
}

/** As scores are: 0.05 is not above 0.05. */
export function thresholdOf({ scoreThreshold }: Pick<DecodeOptions, 'scoreThreshold'>): number {
	return Math.fround(scoreThreshold);
}

export function sigmoid(value: number): number {
	return 1 / (1 + Math.exp(-value));
}

/** Gathers boxes as they are found. */
export class FoundBoxes {
	readonly #classIndices: number[] = [];
	readonly #scores: number[] = [];
	readonly #boxes: number[] = [];
	readonly #isCentred: boolean;
	readonly #scaleX: number;
	readonly #scaleY: number;

	constructor({ boxes, unit, size }: Pick<DecodeOptions, 'boxes' | 'unit' | 'size'>) {
		this.#isCentred = boxes === 'cxcywh';
		this.#scaleX = unit === 'share' ? size.width : 1;
		this.#scaleY = unit === 'share' ? size.height : 1;
	}

	/** Four numbers as the card has them. Throws `NotANumber` where one of all five is none. */
	add(classIndex: number, score: number, a: number, b: number, c: number, d: number): void {
		if (Number.isNaN(score + a + b + c + d)) throw new NotANumber();
		const [x, y, across, down] = [a * this.#scaleX, b * this.#scaleY, c * this.#scaleX, d * this.#scaleY];
		if (this.#isCentred) this.#boxes.push(x - across / 2, y - down / 2, x + across / 2, y + down / 2);
		else this.#boxes.push(x, y, across, down);
		this.#classIndices.push(classIndex);
		this.#scores.push(score);
	}

	columns(): BoxColumns {
		return {
			classIndices: Int32Array.from(this.#classIndices),
			scores: Float32Array.from(this.#scores),
			boxesXyxy: Float32Array.from(this.#boxes),
		};
	}
}
