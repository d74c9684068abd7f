import type { PictureMotion } from '../domain/camera-path.ts';
import type { Point } from '../domain/placement.ts';

/** Seconds to which the published deviations per frame belong: those of a video with 20 frames a second. */
const STEP_SECONDS = 0.05;

// Standard deviations, as in DeepSORT and ByteTrack: of lengths as shares of the box's height, of its shape (width / height)
// absolute.
const POSITION = 1 / 20;
const VELOCITY = 1 / 160;
const SHAPE = 1e-2;
const SHAPE_VELOCITY = 1e-5;
const SHAPE_SEEN = 1e-1;

/** Numbers per coordinate: value, velocity (per second), and their variances with what they share between. */
const VALUE = 0;
const SPEED = 1;
const VALUE_VARIANCE = 2;
const SHARED = 3;
const SPEED_VARIANCE = 4;
const NUMBERS = 5;

const X = 0;
const Y = 1;
const RATIO = 2;
const HEIGHT = 3;

/** Pixels that a box is taken to be high, at least: boxes at the edge of the picture may have no height at all. */
const LEAST_HEIGHT = 1;

/**
 * Where a box is and how it moves: the Kalman filter of DeepSORT (Wojke et al. 2017, arXiv 1703.07402, section 2.1) as ByteTrack
 * uses it, over centre, shape and height with constant velocities. As its noise is diagonal, the four coordinates never share
 * anything, and each is a filter of two numbers: with F = [[1, t], [0, 1]] and H = [1, 0], prediction is x ← F x, P ← F P Fᵀ + Q,
 * and a sighting z gives K = P Hᵀ / (H P Hᵀ + R), x ← x + K (z − H x), P ← (1 − K H) P. Published deviations belong to a frame;
 * here they belong to a stretch of time, so that frames may be any time apart.
 */
export class BoxFilter {
	readonly #state = new Float64Array(4 * NUMBERS);

	/** Begins where box `i` of `boxes` is: four numbers each, left, top, right, bottom. */
	constructor(boxes: ArrayLike<number>, i = 0) {
		const height = heightOf(boxes, i);
		for (let c = 0; c < 4; c++) {
			const { position, velocity } = deviations(c, height);
			this.#set(c, VALUE, coordinateOf(boxes, i, c));
			this.#set(c, VALUE_VARIANCE, (c === RATIO ? position : 2 * position) ** 2);
			this.#set(c, SPEED_VARIANCE, ((c === RATIO ? 1 : 10) * velocity) ** 2 / STEP_SECONDS ** 2);
		}
	}

	/** Puts the box where it is believed to be into `box`. */
	putBox(box: Float64Array): void {
		const height = Math.max(0, this.#get(HEIGHT, VALUE));
		const width = this.#get(RATIO, VALUE) * height;
		const [x, y] = [this.#get(X, VALUE), this.#get(Y, VALUE)];
		box[0] = x - width / 2;
		box[1] = y - height / 2;
		box[2] = x + width / 2;
		box[3] = y + height / 2;
	}

	predict(seconds: number): void {
		const state = this.#state;
		const length = Math.max(LEAST_HEIGHT, this.#get(HEIGHT, VALUE));
		const steps = seconds / STEP_SECONDS;
		for (let c = 0; c < 4; c++) {
			const position = c === RATIO ? SHAPE : POSITION * length;
			const velocity = c === RATIO ? SHAPE_VELOCITY : VELOCITY * length;
			const at = c * NUMBERS;
			const speedVariance = state[at + SPEED_VARIANCE]!;
			const shared = state[at + SHARED]!;
			state[at + VALUE]! += seconds * state[at + SPEED]!;
			const spread = 2 * seconds * shared + seconds ** 2 * speedVariance;
			state[at + VALUE_VARIANCE]! += spread + steps * position ** 2;
			state[at + SHARED]! += seconds * speedVariance;
			state[at + SPEED_VARIANCE]! += (steps * velocity ** 2) / STEP_SECONDS ** 2;
		}
	}

	/** Sees box `i` of `boxes`. */
	see(boxes: ArrayLike<number>, i = 0): void {
		const state = this.#state;
		const length = Math.max(LEAST_HEIGHT, this.#get(HEIGHT, VALUE));
		for (let c = 0; c < 4; c++) {
			const noise = c === RATIO ? SHAPE_SEEN : POSITION * length;
			const at = c * NUMBERS;
			const variance = state[at + VALUE_VARIANCE]!;
			const shared = state[at + SHARED]!;
			const error = coordinateOf(boxes, i, c) - state[at + VALUE]!;
			const gain = variance / (variance + noise ** 2);
			const speedGain = shared / (variance + noise ** 2);
			state[at + VALUE]! += gain * error;
			state[at + SPEED]! += speedGain * error;
			state[at + VALUE_VARIANCE]! += -gain * variance;
			state[at + SHARED]! += -gain * shared;
			state[at + SPEED_VARIANCE]! += -speedGain * shared;
		}
	}

	/** Keeps its height from now on: who is hidden by degrees seems to shrink, and would shrink on. */
	holdHeight(): void {
		this.#set(HEIGHT, SPEED, 0);
	}

	/**
	 * Goes along with the picture of the scene (BoT-SORT, Aharon et al. 2022, arXiv 2206.14651, section 3.2). The shape of boxes is
	 * kept: cameras turn little.
	 */
	moveWith({ re, im, x, y }: PictureMotion, middle: Point): void {
		const [fromX, fromY] = [this.#get(X, VALUE) - middle.x, this.#get(Y, VALUE) - middle.y];
		this.#set(X, VALUE, middle.x + x + re * fromX - im * fromY);
		this.#set(Y, VALUE, middle.y + y + im * fromX + re * fromY);
		const [speedX, speedY] = [this.#get(X, SPEED), this.#get(Y, SPEED)];
		this.#set(X, SPEED, re * speedX - im * speedY);
		this.#set(Y, SPEED, im * speedX + re * speedY);
		const scale = Math.hypot(re, im);
		this.#set(HEIGHT, VALUE, scale * this.#get(HEIGHT, VALUE));
		this.#set(HEIGHT, SPEED, scale * this.#get(HEIGHT, SPEED));
		for (const c of [X, Y, HEIGHT]) {
			for (const number of [VALUE_VARIANCE, SHARED, SPEED_VARIANCE]) {
				this.#set(c, number, scale ** 2 * this.#get(c, number));
			}
		}
	}

	#get(coordinate: number, number: number): number {
		return this.#state[coordinate * NUMBERS + number]!;
	}

	#set(coordinate: number, number: number, value: number): void {
		this.#state[coordinate * NUMBERS + number] = value;
	}
}

/** Height of box `i`. */
function heightOf(boxes: ArrayLike<number>, i: number): number {
	return Math.max(LEAST_HEIGHT, boxes[4 * i + 3]! - boxes[4 * i + 1]!);
}

/** Centre, width / height, height. */
function coordinateOf(boxes: ArrayLike<number>, i: number, coordinate: number): number {
	switch (coordinate) {
		case X:
			return (boxes[4 * i]! + boxes[4 * i + 2]!) / 2;
		case Y:
			return (boxes[4 * i + 1]! + boxes[4 * i + 3]!) / 2;
		case RATIO:
			return (boxes[4 * i + 2]! - boxes[4 * i]!) / heightOf(boxes, i);
		default:
			return heightOf(boxes, i);
	}
}

/** Of a step, for boxes of this height. */
function deviations(coordinate: number, height: number): { position: number; velocity: number } {
	if (coordinate === RATIO) return { position: SHAPE, velocity: SHAPE_VELOCITY };
	const length = Math.max(LEAST_HEIGHT, height);
	return { position: POSITION * length, velocity: VELOCITY * length };
}
